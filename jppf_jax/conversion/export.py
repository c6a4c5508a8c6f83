"""Predictions become files of other tools: COCO panoptic, COCO instances, LabelMe."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int32
from tqdm import tqdm

from jppf_jax.conversion.photo_files import Photos
from jppf_jax.labels import spec_names
from jppf_jax.labels.formats import coco, coco_objects, files, labelme
from jppf_jax.labels.other_names import Names
from jppf_jax.labels.registry import load_spec
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.saving import require_folder, require_outside

TOOLS = ("coco-panoptic", "coco", "labelme")
_UIDS = "uids"  # the folder in that of `jppf predict`


def export(
  tool: str,
  predictions: str | Path,
  spec: str,
  out: str | Path,
  *,
  photos: str | Path | None = None,
  min_area: int = 0,
) -> int:
  """Writes the uid TIFFs of a folder in the form of another tool; returns their number.

  - coco-panoptic: `panoptic/ID.png` and `panoptic.json`; parts are dropped;
  - coco: `instances.json`, a category for each class and part, with run-length encoded masks;
  - labelme: `ID.json` with polygons, to be corrected by hand.

  Args:
    tool: one of `TOOLS`.
    predictions: the folder of `jppf predict`, or one of uid TIFFs.
    spec: name or YAML of the taxonomy.
    out: the folder for the results.
    photos: the folder of the photos, which coco and labelme name; coco-panoptic names its PNGs
      if it is not given.
    min_area: for labelme; pieces of fewer pixels are left out, and filled from around.

  Raises:
    FileNotFoundError: there is no such folder, no label file in it, or a photo is missing.
    FileExistsError: `out` is the folder of the label files, or in it.
    ValueError: the spec is wrong, or label files are; lists all of them.
  """
  if min_area and tool != "labelme":
    raise ValueError(f"Only files of labelme can leave out small pieces, not those of {tool}.")
  predictions, out = Path(predictions), Path(out)
  require_folder(out)
  spec_of_ids, names = load_spec(spec), spec_names.load(spec)
  folder = predictions / _UIDS if (predictions / _UIDS).is_dir() else predictions
  found = files.find(folder, files.TIFF)
  if tool != "coco-panoptic" and photos is None:
    raise ValueError(f"Files of {tool} name their photos; say where they lie with --photos=DIR.")
  require_outside(out, [folder])
  photo_of = _photos(found, Path(photos)) if photos is not None else {}
  options = {"min_area": min_area} if tool == "labelme" else {}
  writer = _WRITERS[tool](out, spec_of_ids, names, photo_of, **options)
  problems = []
  for image_id, path in tqdm(found.items(), desc="convert", unit="image"):
    try:
      uids = files.read_uids(path)
      spec_of_ids.check_uids(uids)
      writer.add(image_id, uids)
    except (ValueError, OSError) as error:
      problems.append(f"{path}: {error}")
  writer.finish()
  if problems:
    count = f"{len(problems)} of {len(found)}"
    raise ValueError("\n  ".join([f"{count} label files could not be converted:", *problems]))
  return len(found)


def _photos(found: dict[str, Path], folder: Path) -> dict[str, Path]:
  """Returns the photo of each image id."""
  if not folder.is_dir():
    raise FileNotFoundError(f"There is no folder {folder} (--photos).")
  index = Photos(folder)
  photo_of: dict[str, Path] = {}
  missing = []
  for image_id in found:
    photo = index.find(image_id, any_suffix=True) or index.find(
      f"{image_id}_leftImg8bit", any_suffix=True
    )
    if photo is None:
      missing.append(image_id)
    else:
      photo_of[image_id] = photo
  if missing:
    count = f"{len(missing)} of {len(found)}"
    raise FileNotFoundError(f"{count} label files have no photo in {folder}, e.g. {missing[0]}.")
  return photo_of


class _CocoPanoptic:
  """COCO's panoptic form, as `jppf predict` writes it too."""

  def __init__(self, out: Path, spec: LabelSpec, names: Names, photo_of: dict[str, Path]):
    self._out, self._spec, self._photo_of = out, spec, photo_of
    self._records: list[coco.Record] = []

  def add(self, image_id: str, uids: Int32[np.ndarray, "H W"]) -> None:
    path = self._out / "panoptic" / f"{image_id}.png"
    record = coco.write_panoptic(path, uids, self._spec)
    if image_id in self._photo_of:
      record["photo"] = self._photo_of[image_id].name
    self._records.append(record)

  def finish(self) -> None:
    coco.write_index(self._out / "panoptic.json", self._records, self._spec)


class _Coco:
  """One JSON with all objects and parts."""

  def __init__(self, out: Path, spec: LabelSpec, names: Names, photo_of: dict[str, Path]):
    self._out, self._names, self._photo_of = out, names, photo_of
    self._images: list[coco.Record] = []
    self._entries: list[list[coco.Record]] = []

  def add(self, image_id: str, uids: Int32[np.ndarray, "H W"]) -> None:
    height, width = uids.shape
    name = self._photo_of[image_id].name
    number = coco.image_number(image_id)
    image = {"id": number, "file_name": name, "height": height, "width": width}
    self._images.append(image)
    self._entries.append(list(coco_objects.annotations(uids, self._names)))

  def finish(self) -> None:
    coco_objects.write(self._out / "instances.json", self._images, self._entries, self._names)


class _LabelMe:
  """A JSON per photo."""

  def __init__(
    self, out: Path, spec: LabelSpec, names: Names, photo_of: dict[str, Path], *, min_area: int
  ):
    self._out, self._names, self._photo_of = out, names, photo_of
    self._min_area = min_area

  def add(self, image_id: str, uids: Int32[np.ndarray, "H W"]) -> None:
    photo = self._photo_of[image_id]
    place = Path(os.path.relpath(photo, self._out.resolve())).as_posix()
    labelme.write(
      self._out / f"{photo.stem}.json", uids, self._names, place, min_area=self._min_area
    )

  def finish(self) -> None:
    """Nothing is left to do: each file is whole."""


_WRITERS: dict[str, Callable[..., Any]] = {
  "coco-panoptic": _CocoPanoptic,
  "coco": _Coco,
  "labelme": _LabelMe,
}
