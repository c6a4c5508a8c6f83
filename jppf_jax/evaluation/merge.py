"""Folders of saved predictions of any system, merged top-down: how the paper's baselines are made."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from tqdm import tqdm

from jppf_jax.labels.formats import cityscapes, coco, files
from jppf_jax.labels.formats.merge import merge_instances, merge_parts
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import Panoptic

IMAGES = (".png", *files.TIFF)
Source = dict[str, Callable[[], Panoptic]]


def merge_folder(source: Source, parts: Path, out: Path, spec: LabelSpec) -> None:
  """Merges every image of `source` with its parts and writes the result to `out`.

  Raises:
    FileNotFoundError: the folder of parts does not exist or is empty.
    ValueError: images without parts, or ones that cannot be merged; all of them are listed.
  """
  part_files = files.find(parts, IMAGES)
  missing = [image_id for image_id in source if image_id not in part_files]
  if missing:
    raise ValueError(
      f"{len(missing)} of {len(source)} images have no file in {parts}, e.g. {missing[0]}."
    )
  problems = []
  for image_id, read_panoptic in tqdm(source.items(), unit="image"):
    try:
      merged = merge_parts(read_panoptic(), files.read_uids(part_files[image_id]), spec)
      files.write_channels(out / f"{image_id}.png", merged)
    except (ValueError, OSError) as error:
      problems.append(f"{image_id}: {error}")
  if problems:
    raise ValueError(
      f"{len(problems)} of {len(source)} images cannot be merged:\n  " + "\n  ".join(problems)
    )


def panoptic_source(path: Path, spec: LabelSpec) -> Source:
  """Returns {image id: reader} of a folder (or a COCO JSON) of panoptic predictions.

  Raises:
    FileNotFoundError: there is no such folder, or it holds no image.
    ValueError: the folder holds several JSON files.
  """
  if path.suffix == ".json":
    index, folder = path, path.with_suffix("")
    return _coco_source(index, folder if folder.is_dir() else path.parent)
  found = (
    [path.with_suffix(".json")]
    if path.with_suffix(".json").is_file()
    else sorted(path.glob("*.json"))
  )
  if len(found) > 1:
    raise ValueError(
      f"{path} holds {len(found)} JSON files; name the panoptic one as --panoptic=FILE.json."
    )
  if found:
    return _coco_source(found[0], path)
  return {
    i: lambda file=file: _read_panoptic(file, spec) for i, file in files.find(path, IMAGES).items()
  }


def _coco_source(index: Path, folder: Path) -> Source:
  return {
    files.image_id_of(Path(entry["file_name"])): lambda entry=entry: coco.read_panoptic(
      folder / entry["file_name"], entry
    )
    for entry in coco.read_index(index).values()
  }


def _read_panoptic(path: Path, spec: LabelSpec) -> Panoptic:
  """Returns a panoptic prediction from a three-channel PNG, or from uids or instanceIds, numbered
  from 1 per class.
  """
  array = files.read_image(path)
  channels = (
    files.read_channels(path) if array.ndim == 3 else spec.uids_to_channels(array.astype(np.int32))
  )
  scene = spec.train_to_sid[spec.scene_to_train[channels[..., 0]]]
  instance = np.zeros(scene.shape, np.int32)
  for sid in np.intersect1d(scene, spec.class_ids):
    here = scene == sid
    instance[here] = 1 + np.unique(channels[here, 1], return_inverse=True)[1]
  return Panoptic(scene, instance)


def instance_source(
  semantic: Path, instances: Path, spec: LabelSpec, **options: float | int
) -> Source:
  """Returns {image id: reader} that makes panoptic predictions of classes and instances; see
  `merge_instances`.

  Raises:
    FileNotFoundError: a folder or file does not exist.
    ValueError: an image without a text file of instances, or a JSON of another form.
  """
  classes = files.find(semantic, IMAGES)
  if instances.suffix == ".json":
    results = coco.read_results(instances)
    found = {
      i: lambda i=i: [coco.detection(entry) for entry in _of_image(results, i)] for i in classes
    }
  else:
    texts = files.find(instances, (".txt",))
    missing = [image_id for image_id in classes if image_id not in texts]
    if missing:
      raise ValueError(
        f"{len(missing)} of {len(classes)} images have no text file in {instances}, e.g. {missing[0]}."
      )
    found = {i: lambda i=i: cityscapes.read_results(texts[i]) for i in classes}
  return {
    i: lambda i=i: merge_instances(files.read_uids(classes[i]), found[i](), spec, **options)
    for i in classes
  }


def _of_image(results: dict[str, list[coco.Record]], image_id: str) -> list[coco.Record]:
  """Returns the instances of an image; tools of COCO turn ids such as "000042" into numbers."""
  return results.get(image_id) or results.get(
    str(int(image_id)) if image_id.isdigit() else image_id, []
  )
