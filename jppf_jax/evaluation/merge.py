"""Folders of saved predictions of any system, merged top-down: how the paper's baselines are made.

`labels/formats/merge.py` merges the arrays of one image.
"""

import itertools
import sys
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Integer
from tqdm import tqdm

from jppf_jax.labels.formats import cityscapes, coco, files
from jppf_jax.labels.formats.merge import check_parts, merge_instances, merge_parts
from jppf_jax.labels.quote import quoted
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.panoptic import Detection, Panoptic
from jppf_jax.saving import require_folder, require_outside

Source = dict[str, Callable[[], Panoptic]]  # image id -> reads its panoptic prediction


def merge_folder(source: Source, parts: Path, out: Path, spec: LabelSpec) -> list[str]:
  """Merges each image of `source` with its parts and writes the result to `out`.

  Args:
    source: panoptic predictions, from `panoptic_source` or `instance_source`.
    parts: folder of images with the part channels of `spec`, 0 = background.
    out: folder for three-channel PNGs, or uid TIFFs of images with more than 256 instances of a
      class; an image that cannot be merged is not written.
    spec: the taxonomy.

  Returns:
    The images that became uid TIFFs.

  Raises:
    FileNotFoundError: the folder of parts does not exist or is empty.
    OSError: `out` cannot be written, or is the folder of parts or in it.
    ValueError: images have no parts; nothing is written.
    ValueError: images cannot be merged; all of them are listed.
  """
  require_outside(out, [parts])
  require_folder(out)
  part_files = files.find(parts, files.IMAGES)
  missing = [image_id for image_id in source if image_id not in part_files]
  if missing:
    count = f"{len(missing)} of {len(source)}"
    raise ValueError(f"{count} images have no file in {parts}, e.g. {missing[0]}.")
  problems, crowded = [], []
  for image_id, read_panoptic in tqdm(source.items(), unit="image"):
    try:
      panoptic = read_panoptic()
      channels = files.read_uids(part_files[image_id])
      check_parts(channels, spec)
      merged = merge_parts(panoptic, channels, spec)
      if not _write(out, image_id, merged, spec):
        crowded.append(image_id)
    except (ValueError, OSError) as error:
      problems.append(f"{image_id}: {error}")
  if problems:
    count = f"{len(problems)} of {len(source)}"
    raise ValueError("\n  ".join([f"{count} images cannot be merged:", *problems]))
  return crowded


def _write(
  out: Path, image_id: str, channels: Integer[np.ndarray, "H W 3"], spec: LabelSpec
) -> bool:
  """Writes a result as PNG, or as uid TIFF if it does not fit; returns whether it is a PNG.

  Raises:
    ValueError: the other form of this image is there already, and `jppf score` takes one of them.
  """
  fits = files.fits_in_png(channels)
  png, tiff = out / f"{image_id}.png", out / f"{image_id}.tif"
  in_the_way = tiff if fits else png
  if in_the_way.exists():
    raise ValueError(f"{in_the_way} is there already; remove it, or merge into another folder.")
  if fits:
    files.write_channels(png, channels)
  else:
    files.write_uids(tiff, spec.channels_to_uids(channels))
  return fits


def panoptic_source(path: Path, spec: LabelSpec) -> Source:
  """Returns a reader for each image of a folder, or of a COCO JSON, of panoptic predictions.

  Args:
    path: a COCO panoptic JSON with its PNGs in the folder of the same name or beside it; or a
      folder with such a JSON in it or beside it; or a folder of three-channel PNGs, uid TIFFs or
      Cityscapes `instanceIds`.
    spec: the taxonomy.

  Raises:
    FileNotFoundError: the folder does not exist, or has no image.
    ValueError: the folder has several JSON files, or two files are one image.
  """
  if path.suffix.lower() == ".json":
    return _coco_source(path, folder_read(path))
  whole = path.resolve()  # so that "." has a name too
  beside = whole.with_name(f"{whole.name}.json")
  indices = [beside] if beside.is_file() else sorted(path.glob("*.json"))
  if len(indices) > 1:
    raise ValueError(
      f"{path} holds {len(indices)} JSON files; name the panoptic one as --panoptic=FILE.json."
    )
  if indices:
    return _coco_source(indices[0], path)
  images = files.find(path, files.IMAGES)
  _note_others(path, files.IMAGES)
  return {image_id: partial(_read_panoptic, file, spec) for image_id, file in images.items()}


def folder_read(path: Path) -> Path:
  """Returns the folder whose images `panoptic_source(path)` reads: of a JSON, the one of the same
  name, or else the one it lies in.
  """
  if path.suffix.lower() != ".json":
    return path
  folder = path.with_name(path.stem)
  return folder if folder.is_dir() else path.parent


def _coco_source(index: Path, folder: Path) -> Source:
  source: Source = {}
  owners: dict[str, Path] = {}
  for entry in coco.read_index(index).values():
    file = folder / entry["file_name"]
    image_id = files.image_id_of(file)
    if image_id in owners:
      raise ValueError(
        f"{index}: {owners[image_id]} and {file} are both image {image_id!r}, so one result would "
        "replace the other; give the files different names."
      )
    owners[image_id] = file
    source[image_id] = partial(coco.read_panoptic, file, entry)
  if not source:
    raise ValueError(f"{index} has no annotations.")
  return source


def _note_others(folder: Path, extensions: Sequence[str]) -> None:
  """Prints on stderr which files of a folder are not read."""
  if note := files.left_out(folder, extensions):
    print(note, file=sys.stderr)


def _read_panoptic(path: Path, spec: LabelSpec) -> Panoptic:
  """Returns a panoptic prediction from a three-channel PNG, a uid TIFF or an `instanceIds` PNG.

  Instances are numbered again, from 1 in each class.
  """
  channels = files.read_prediction(path, spec)
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
    ValueError: the JSON is no list of COCO results, or none is of these images.
  """
  classes = files.find(semantic, files.IMAGES)
  _note_others(semantic, files.IMAGES)
  read_instances = _instance_reader(instances, classes)

  def read(image_id: str) -> Panoptic:
    scene = files.read_uids(classes[image_id])
    return merge_instances(
      scene,
      read_instances(image_id, scene.shape),
      spec,
      confidence=confidence,
      overlap=overlap,
      min_stuff=min_stuff,
    )

  return {image_id: partial(read, image_id) for image_id in classes}


InstanceReader = Callable[[str, tuple[int, int]], list[Detection]]


def _instance_reader(path: Path, image_ids: Collection[str]) -> InstanceReader:
  """Returns a function that reads the instances of an image, given its id and its size."""
  if path.suffix.lower() == ".json":
    return partial(_coco_instances, _by_image(path, image_ids))
  texts = files.find(path, (".txt",))
  missing = [image_id for image_id in image_ids if image_id not in texts]
  if missing:
    count = f"{len(missing)} of {len(image_ids)}"
    raise ValueError(f"{count} images have no text file in {path}, e.g. {missing[0]}.")
  return lambda image_id, _: cityscapes.read_results(texts[image_id])


def _by_image(path: Path, image_ids: Collection[str]) -> dict[str, list[coco.Record]]:
  """Returns the COCO results of each image; notes on stderr results of other images.

  An image may be called by its name, by the number in it (COCO's tools turn "000042" into 42) or by
  `coco.image_number`.
  """
  left = coco.read_results(path)
  found = {}
  for image_id in image_ids:
    names = {image_id, str(coco.image_number(image_id))}
    if image_id.isdecimal():
      names.add(image_id.lstrip("0") or "0")
    entries = [left.pop(name) for name in sorted(names) if name in left]
    found[image_id] = list(itertools.chain(*entries))
  if left and not any(found.values()):
    raise ValueError(f"{path} has no results of these images, but of {quoted(next(iter(left)))}.")
  if left:
    some = quoted(next(iter(left)))
    print(f"Left out: results of {len(left)} other images, e.g. {some}.", file=sys.stderr)
  return found


def _coco_instances(
  results: dict[str, list[coco.Record]], image_id: str, size: tuple[int, int]
) -> list[Detection]:
  return [coco.detection(entry, size) for entry in results[image_id]]
