"""The labelled photos in a folder of a tool: where they are, and how their labels are read.

| tool       | what is read                                                                    |
|------------|---------------------------------------------------------------------------------|
| coco       | a JSON of instances or of panoptic segments, maybe in the folder `annotations`  |
| labelme    | all LabelMe JSONs, one per photo                                                |
| cvat       | the export "COCO 1.0" or "Segmentation mask 1.1", unpacked                      |
| voc        | `SegmentationClass/*.png` and `SegmentationObject/*.png`                        |
| cityscapes | `*_polygons.json` or `*_instanceIds.png`, photos `*_leftImg8bit.png`            |
"""

from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from jppf_jax.conversion.photo_files import Photos
from jppf_jax.labels.formats import cityscapes_labels, coco_regions, labelme, palette
from jppf_jax.labels.formats.coco import read_json
from jppf_jax.labels.formats.files import image_id_of
from jppf_jax.labels.formats.region import Labelled
from jppf_jax.labels.other_names import Names
from jppf_jax.labels.quote import counted, listed

_MASKS = ("SegmentationClass", "SegmentationObject")


class Labels(NamedTuple):
  """The labels of one photo.

  Attributes:
    where: the label file, for messages.
    name: of the result, without suffix.
    load: returns the bytes of the photo, and the regions.
  """

  where: str
  name: str
  load: Callable[[], tuple[bytes, Labelled]]

  def complaint(self, reason: str) -> str:
    """Returns what is wrong with the labels, as a line that names their file once."""
    return reason if reason.startswith(self.where) else f"{self.where}: {reason}"


class Source(NamedTuple):
  """The labelled photos of a folder.

  Attributes:
    labels: of each photo.
    drawn_upright: whether the tool turns photos as EXIF says.
    left_out: a sentence about what is not read; empty if there are none.
    photos: all photos, if each of them may have labels.
  """

  labels: list[Labels]
  drawn_upright: bool
  left_out: str = ""
  photos: Photos | None = None

  def photos_without_labels(self) -> list[str]:
    """Returns the photos that no labels belong to; call it when all labels are loaded."""
    if self.photos is None:
      return []
    broken = {Path(labels.where).stem for labels in self.labels}  # files that name no photo
    return [str(place) for place in self.photos.unused() if place.stem not in broken]


def find(tool: str, source: Path, names: Names, photos: Path | None = None) -> Source:
  """Returns the labelled photos in a folder of a tool, or of a JSON.

  Args:
    tool: one of `TOOLS`.
    source: the folder, or the JSON of COCO.
    names: of the taxonomy.
    photos: the folder of the photos, if they do not lie in `source`.

  Raises:
    FileNotFoundError: there is no such folder, or nothing of the tool in it.
    ValueError: a file is not as expected, or two photos would get one name.
  """
  if not source.exists():
    raise FileNotFoundError(f"There is no file or folder {source}.")
  if source.suffix.lower() == ".zip":
    raise ValueError(f"{source} is an archive; unpack it, and name the folder.")
  if photos is not None and not photos.is_dir():
    raise FileNotFoundError(f"There is no folder {photos} (--photos).")
  found = _FINDERS[tool](source, names, photos)
  if not found.labels:
    raise FileNotFoundError(f"{source} has no labels of {tool}: expected {EXPECTED[tool]}.")
  counts = Counter(labels.name.casefold() for labels in found.labels)
  if twice := [labels for labels in found.labels if counts[labels.name.casefold()] > 1]:
    lines = [f"{labels.where}: {labels.name}" for labels in twice]
    raise ValueError(
      "These labels would get one name, that of their photos; rename the photos, or convert them "
      f"into two folders:{listed(lines, 10)}"
    )
  return found


def _photos_of(source: Path, photos: Path | None, *masks: str) -> Photos:
  """Returns an index of the photos in the folder of the source, or in that of `--photos`.

  Args:
    source: a folder, or a JSON in it.
    photos: the folder that the user names.
    *masks: names of folders that hold none.
  """
  folder = source if source.is_dir() else source.parent
  if source.is_file() and folder.name == "annotations":
    folder = folder.parent
  return Photos(photos or folder, without=(*_MASKS, *masks))


def _labelme(source: Path, names: Names, photos: Path | None) -> Source:
  files = sorted(source.rglob("*.json")) if source.is_dir() else [source]
  visible = [path for path in files if not path.name.startswith(".")]
  found = [path for path in visible if b'"shapes"' in path.read_bytes()]
  others = [path for path in visible if path not in found]
  index = _photos_of(source, photos)
  places = [_stem_below(path, source) for path in found]
  short = _short_names(places)
  labels = [
    Labels(str(path), short[place], partial(_load_labelme, path, index))
    for path, place in zip(found, places)
  ]
  count = counted(len(others), "JSON file")
  left_out = f"{count} not of LabelMe, e.g. {others[0]}" if others else ""
  return Source(labels, True, left_out, index if source.is_dir() else None)


def _load_labelme(path: Path, index: Photos) -> tuple[bytes, Labelled]:
  file = labelme.read(path)
  if file.size is None:
    raise ValueError("imageHeight and imageWidth are missing; save the file anew with LabelMe")
  beside = path.parent / file.image_path
  found = beside if file.image_path and beside.is_file() else None
  if found is None and (file.image_path or not file.image_data):
    found = index.find(file.image_path or path.stem, any_suffix=not file.image_path)
  if found is None and not file.image_data:
    missing = index.missing(file.image_path or path.stem)
    raise FileNotFoundError(f"{missing}; nor is it in the file (imageData)")
  if found:
    index.use(found)
  photo = found.read_bytes() if found else file.image_data
  return photo, Labelled(file.size, file.regions(file.size))


def _stem_below(path: Path, folder: Path) -> tuple[str, ...]:
  """Returns the path of a file below a folder, without its suffix, as words."""
  place = path.relative_to(folder) if path != folder else Path(path.name)
  return (*place.parent.parts, path.stem)


def _short_names(places: list[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
  """Returns a name for each file: its stem, or its path if two have that stem."""
  counts = Counter(place[-1].casefold() for place in places)
  return {
    place: place[-1] if counts[place[-1].casefold()] == 1 else "_".join(place) for place in places
  }


def _coco(source: Path, names: Names, photos: Path | None, *, of_cvat: bool = False) -> Source:
  path = _coco_json(source, "cvat" if of_cvat else "coco")
  coco = coco_regions.read(path)
  index = _photos_of(source, photos, *([path.stem] if coco.is_panoptic else []))
  places = [Path(image.file_name.replace("\\", "/")) for image in coco.images]
  short = _short_names([(*place.parent.parts, place.stem) for place in places])
  folder = _panoptic_folder(path)
  labels = []
  for image, place in zip(coco.images, places):
    if coco.is_panoptic:
      read = partial(coco_regions.segments, image, coco, folder)
    else:
      read = partial(coco_regions.instances, image, coco, crowds=not of_cvat)
    name = image_id_of(Path(f"{short[(*place.parent.parts, place.stem)]}.png"))
    load = partial(_load, place.as_posix(), index, read)
    labels.append(Labels(f"{path} (image {image.file_name})", name, load))
  lost = counted(len(coco.lost), "annotation")
  left_out = f"{lost} of images that {path} does not list, e.g. {coco.lost[0]}" if coco.lost else ""
  return Source(labels, of_cvat, left_out, photos=None if coco.is_panoptic else index)


def _coco_json(source: Path, tool: str) -> Path:
  """Returns the one JSON with annotations in a folder."""
  if source.is_file():
    return source
  files = sorted((source / "annotations").glob("*.json")) or sorted(source.glob("*.json"))
  found = [path for path in files if coco_regions.is_coco(read_json(path))]
  if not found:
    raise FileNotFoundError(f"{source} has no labels of {tool}: expected {EXPECTED[tool]}.")
  if len(found) > 1:
    paths = listed([str(path) for path in found])
    raise ValueError(f"{source} has several files of annotations; name one of them:{paths}")
  return found[0]


def _panoptic_folder(path: Path) -> Path:
  beside = path.with_suffix("")
  return beside if beside.is_dir() else path.parent


def _load(
  name: str, index: Photos, read: Callable[[], Labelled], *, any_suffix: bool = False
) -> tuple[bytes, Labelled]:
  """Returns the photo of that name, or of its stem if none has its suffix, and the labels."""
  found = None if any_suffix else index.find(name)
  if found is None:
    found = index.find(name if any_suffix else str(Path(name).with_suffix("")), any_suffix=True)
  if found is None:
    raise FileNotFoundError(index.missing(name))
  return found.read_bytes(), read()


def _cvat(source: Path, names: Names, photos: Path | None) -> Source:
  if source.is_dir() and (source / _MASKS[0]).is_dir():
    return _masks(source, names, photos, of_cvat=True)
  if (source / "annotations.xml").is_file():
    raise ValueError(
      f"{source} is the export 'CVAT for images'; export the task as 'COCO 1.0', which keeps "
      "parts, or as 'Segmentation mask 1.1'."
    )
  return _coco(source, names, photos, of_cvat=True)


def _voc(source: Path, names: Names, photos: Path | None) -> Source:
  return _masks(source, names, photos)


def _masks(source: Path, names: Names, photos: Path | None, *, of_cvat: bool = False) -> Source:
  classes, objects = (source / name for name in _MASKS)
  index = _photos_of(source, photos)
  labelmap = palette.read_labelmap(source)
  labels = []
  for path in sorted(classes.rglob("*.png")):
    place = path.relative_to(classes)
    beside = objects / place
    read = partial(
      palette.read,
      path,
      beside if beside.is_file() else None,
      labelmap,
      names,
      parts_imply_objects=not of_cvat,
    )
    name = "_".join(place.with_suffix("").parts)
    load = partial(_load, place.with_suffix("").as_posix(), index, read, any_suffix=True)
    labels.append(Labels(str(path), name, load))
  return Source(labels, of_cvat, photos=index)


def _cityscapes(source: Path, names: Names, photos: Path | None) -> Source:
  index = _photos_of(source, photos)
  readers = (
    ("_polygons", ".json", cityscapes_labels.read_polygons),
    ("_instanceIds", ".png", cityscapes_labels.read_instances),
  )
  found: dict[tuple[Path, str], Labels] = {}
  for ending, suffix, read in readers:  # what was made of the polygons replaces them
    for path in sorted(source.rglob(f"*{ending}{suffix}")):
      stem = path.stem.removesuffix(ending)
      name = stem.removesuffix("_gtFine").removesuffix("_gtCoarse")
      load = partial(_load, f"{name}_leftImg8bit.png", index, partial(read, path))
      found[path.parent, name] = Labels(str(path), name, load)
  return Source([found[place] for place in sorted(found)], False)


_FINDERS: dict[str, Callable[[Path, Names, Path | None], Source]] = {
  "coco": _coco,
  "labelme": _labelme,
  "cvat": _cvat,
  "voc": _voc,
  "cityscapes": _cityscapes,
}
TOOLS = tuple(_FINDERS)
EXPECTED = {
  "coco": "a JSON with images, annotations and categories, in it or in its folder annotations",
  "labelme": "JSON files with shapes and imagePath",
  "cvat": "annotations/*.json or SegmentationClass/*.png",
  "voc": "SegmentationClass/*.png, and SegmentationObject/*.png for objects",
  "cityscapes": "*_polygons.json or *_instanceIds.png",
}
"""What is looked for, for messages."""
