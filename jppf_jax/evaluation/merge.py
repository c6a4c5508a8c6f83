"""Folders of saved predictions of any system, merged top-down: how the paper's baselines are made.

`labels/formats/merge.py` merges the arrays of one image.
"""

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from jppf_jax.labels.formats import cityscapes, coco, files
from jppf_jax.labels.formats.merge import merge_instances, merge_parts
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import Detection, Panoptic

IMAGES = (".png", *files.TIFF)
Source = dict[str, Callable[[], Panoptic]]  # image id -> reads its panoptic prediction


def merge_folder(source: Source, parts: Path, out: Path, spec: LabelSpec) -> None:
  """Merges each image of `source` with its parts and writes the result to `out`.

  Args:
    source: panoptic predictions, from `panoptic_source` or `instance_source`.
    parts: folder of images with the part channels of `spec`, 0 = background.
    out: folder for three-channel PNGs; an image that cannot be merged is not written.
    spec: the taxonomy.

  Raises:
    FileNotFoundError: the folder of parts does not exist or is empty.
    ValueError: images have no parts; nothing is written.
    ValueError: images cannot be merged; all of them are listed.
  """
  part_files = files.find(parts, IMAGES)
  missing = [image_id for image_id in source if image_id not in part_files]
  if missing:
    count = f"{len(missing)} of {len(source)}"
    raise ValueError(f"{count} images have no file in {parts}, e.g. {missing[0]}.")
  problems = []
  for image_id, read_panoptic in tqdm(source.items(), unit="image"):
    try:
      panoptic = read_panoptic()
      channels = files.read_uids(part_files[image_id])
      merged = merge_parts(panoptic, channels, spec)
      files.write_channels(out / f"{image_id}.png", merged)
    except (ValueError, OSError) as error:
      problems.append(f"{image_id}: {error}")
  if problems:
    count = f"{len(problems)} of {len(source)}"
    raise ValueError("\n  ".join([f"{count} images cannot be merged:", *problems]))


def panoptic_source(path: Path, spec: LabelSpec) -> Source:
  """Returns a reader for each image of a folder, or of a COCO JSON, of panoptic predictions.

  Args:
    path: a COCO panoptic JSON with its PNGs in the folder of the same name or beside it; or a
      folder with such a JSON in it or beside it; or a folder of three-channel PNGs, uid TIFFs or
      Cityscapes `instanceIds`.
    spec: the taxonomy.

  Raises:
    FileNotFoundError: the folder does not exist, or has no image.
    ValueError: the folder has several JSON files.
  """
  if path.suffix == ".json":
    folder = path.with_suffix("")
    return _coco_source(path, folder if folder.is_dir() else path.parent)
  beside = path.with_suffix(".json")
  indices = [beside] if beside.is_file() else sorted(path.glob("*.json"))
  if len(indices) > 1:
    raise ValueError(
      f"{path} holds {len(indices)} JSON files; name the panoptic one as --panoptic=FILE.json."
    )
  if indices:
    return _coco_source(indices[0], path)
  images = files.find(path, IMAGES)
  return {image_id: partial(_read_panoptic, file, spec) for image_id, file in images.items()}


def _coco_source(index: Path, folder: Path) -> Source:
  source: Source = {}
  for entry in coco.read_index(index).values():
    file = folder / entry["file_name"]
    source[files.image_id_of(file)] = partial(coco.read_panoptic, file, entry)
  return source


def _read_panoptic(path: Path, spec: LabelSpec) -> Panoptic:
  """Returns a panoptic prediction from a three-channel PNG, a uid TIFF or an `instanceIds` PNG.

  Instances are numbered again, from 1 in each class.
  """
  array = files.read_image(path)
  if array.ndim == 3:
    channels = files.read_channels(path)
  else:
    channels = spec.uids_to_channels(array.astype(np.int32))
  train_ids = spec.scene_to_train[channels[..., 0]]
  instance_ids = channels[..., 1]
  scene = spec.train_to_sid[train_ids]
  instance = np.zeros(scene.shape, np.int32)
  for scene_id in np.intersect1d(scene, spec.class_ids):
    here = scene == scene_id
    _, rank = np.unique(instance_ids[here], return_inverse=True)
    instance[here] = 1 + rank
  return Panoptic(scene, instance)


def instance_source(
  semantic: Path,
  instances: Path,
  spec: LabelSpec,
  *,
  confidence: float,
  overlap: float,
  min_stuff: int,
) -> Source:
  """Returns readers that make panoptic predictions from classes and instances.

  Args:
    semantic: folder of images with scene ids.
    instances: a COCO results JSON, or a folder of results in Cityscapes' format.
    spec: the taxonomy.
    confidence: as in `merge_instances`.
    overlap: as in `merge_instances`.
    min_stuff: as in `merge_instances`.

  Raises:
    FileNotFoundError: a folder or file does not exist.
    ValueError: an image has no text file of instances.
    ValueError: the JSON is no list of COCO results.
  """
  classes = files.find(semantic, IMAGES)
  read_instances = _instance_reader(instances, classes)

  def read(image_id: str) -> Panoptic:
    return merge_instances(
      files.read_uids(classes[image_id]),
      read_instances(image_id),
      spec,
      confidence=confidence,
      overlap=overlap,
      min_stuff=min_stuff,
    )

  return {image_id: partial(read, image_id) for image_id in classes}


def _instance_reader(path: Path, image_ids: Collection[str]) -> Callable[[str], list[Detection]]:
  """Returns a function that reads the instances of an image, given its id."""
  if path.suffix == ".json":
    return partial(_coco_instances, coco.read_results(path))
  texts = files.find(path, (".txt",))
  missing = [image_id for image_id in image_ids if image_id not in texts]
  if missing:
    count = f"{len(missing)} of {len(image_ids)}"
    raise ValueError(f"{count} images have no text file in {path}, e.g. {missing[0]}.")
  return lambda image_id: cityscapes.read_results(texts[image_id])


def _coco_instances(results: dict[str, list[coco.Record]], image_id: str) -> list[Detection]:
  """Returns the instances of an image. COCO's tools turn ids such as "000042" into numbers."""
  as_number = str(int(image_id)) if image_id.isdigit() else image_id
  entries = results.get(image_id) or results.get(as_number, [])
  return [coco.detection(entry) for entry in entries]
