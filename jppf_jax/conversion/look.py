"""Looks at a folder: photos with uid files, or the labels of a tool; sizes, ids, class balance."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError
from tqdm import tqdm

from jppf_jax.conversion.convert import REPORT
from jppf_jax.conversion.photo_files import SUFFIXES
from jppf_jax.labels import runs
from jppf_jax.labels import uids as uid_format
from jppf_jax.labels.formats import files
from jppf_jax.labels.quote import listed

SPLITS = {"train": "train", "training": "train", "val": "validation", "validation": "validation"}
_NOT_SEARCHED = (REPORT, "data_sets", "runs")
_ONE_CHANNEL = ("1", "L", "P", "I", "I;16", "I;16B")


class Layout(NamedTuple):
  """Where photos and label files lie, below a folder.

  Attributes:
    folders: photos and labels of each split; both splits have the same if one photo in ten is to be
      for validation.
    photo_suffixes: of the photos.
    label_suffixes: of the label files.
  """

  folders: dict[str, tuple[str, str]]
  photo_suffixes: tuple[str, ...]
  label_suffixes: tuple[str, ...]

  @property
  def has_splits(self) -> bool:
    """Whether the splits have folders of their own."""
    return len(set(self.folders.values())) == 2


def tool_of(folder: Path) -> str:
  """Returns the tool whose label files lie in a folder, a name of `sources.TOOLS`; "" if none."""
  if (folder / "SegmentationClass").is_dir():
    return "cvat" if (folder / "labelmap.txt").is_file() else "voc"
  if (folder / "annotations.xml").is_file():
    return "cvat"
  if next(folder.rglob("*_gt*_polygons.json"), None) or next(
    folder.rglob("*_instanceIds.png"), None
  ):
    return "cityscapes"
  for path in sorted(folder.rglob("*.json")):
    content = path.read_bytes()
    if b'"shapes"' in content and b'"imagePath"' in content:
      return "labelme"
    if all(name in content for name in (b'"images"', b'"annotations"', b'"categories"')):
      return "cvat" if b'"occluded"' in content else "coco"  # an attribute of all CVAT's shapes
  return ""


def layout(folder: Path) -> Layout:
  """Returns where photos and label files lie below a folder.

  Label files are PNGs or TIFFs with one channel; photos are all other images.

  Raises:
    FileNotFoundError: there is no such folder, or no photos and labels in it.
    ValueError: it is not clear which photos and labels belong together.
  """
  if not folder.is_dir():
    raise FileNotFoundError(f"There is no folder {folder}.")
  photo_folders: dict[str, set[str]] = {}
  label_folders: dict[str, set[str]] = {}
  for place, suffix, path in _groups(folder):
    found = label_folders if _is_label(path) else photo_folders
    found.setdefault(place, set()).add(suffix)
  if not photo_folders or not label_folders:
    lacking = "photos" if label_folders else "label files"
    raise FileNotFoundError(
      f"{folder} has no {lacking}: expected photos (jpg, png, ...) and, with the same names, "
      "labels as PNG or TIFF with one number per pixel, for example in photos/ and labels/."
    )
  folders = _matched(folder, sorted(photo_folders), sorted(label_folders))
  used = set(folders.values())
  photo_suffixes = {suffix for place, _ in used for suffix in photo_folders[place]}
  label_suffixes = {suffix for _, place in used for suffix in label_folders[place]}
  return Layout(folders, tuple(sorted(photo_suffixes)), tuple(sorted(label_suffixes)))


def _groups(folder: Path) -> Iterator[tuple[str, str, Path]]:
  """Yields folder, suffix and first file of all images."""
  seen = set()
  for path in sorted(folder.rglob("*")):
    place = path.relative_to(folder)
    suffix = path.suffix.lower()
    is_hidden = any(part.startswith(".") or part in _NOT_SEARCHED for part in place.parts)
    group = place.parent.as_posix(), suffix
    if is_hidden or suffix not in SUFFIXES or group in seen or not path.is_file():
      continue
    seen.add(group)
    yield *group, path


def _is_label(path: Path) -> bool:
  try:
    with Image.open(path) as image:
      return image.format in ("PNG", "TIFF") and image.mode in _ONE_CHANNEL
  except (UnidentifiedImageError, OSError):
    return False


def _matched(folder: Path, photos: list[str], labels: list[str]) -> dict[str, tuple[str, str]]:
  if len(photos) == len(labels) == 1:
    both = photos[0], labels[0]
    return {"train": both, "validation": both}
  photos_of, labels_of = ({_split(place): place for place in places} for places in (photos, labels))
  is_clear = len(photos_of) == len(photos) and len(labels_of) == len(labels)
  if is_clear and photos_of.keys() == labels_of.keys() == {"train", "validation"}:
    return {split: (photos_of[split], labels_of[split]) for split in ("train", "validation")}
  lines = [f"photos: {place}" for place in photos] + [f"labels: {place}" for place in labels]
  raise ValueError(
    f"It is not clear which photos and labels in {folder} belong together; expected one folder of "
    f"each, or one of each for train and one for validation. Found:{listed(lines, 20)}"
  )


def _split(place: str) -> str:
  """Returns the split that a part of a path names; the path itself if none does."""
  named = [SPLITS[part.lower()] for part in Path(place).parts if part.lower() in SPLITS]
  return named[0] if named else place


@dataclass
class Survey:
  """What the label files hold.

  Attributes:
    counts: photos with labels, by split; all are of "train" if the splits share a folder.
    sizes: height and width of the photos, and how many have it.
    pixels: by scene id.
    objects: by scene id; 0 if a class has no instances.
    crowds: pixels of a class that are of no object.
    parts: pixels by scene id and part id.
    sides: square roots of the areas of objects.
    most_objects: in one photo.
    without_label: photos that have no label file.
  """

  counts: Counter[str] = field(default_factory=Counter)
  sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
  pixels: Counter[int] = field(default_factory=Counter)
  objects: Counter[int] = field(default_factory=Counter)
  crowds: Counter[int] = field(default_factory=Counter)
  parts: Counter[tuple[int, int]] = field(default_factory=Counter)
  sides: list[float] = field(default_factory=list)
  most_objects: int = 0
  without_label: list[str] = field(default_factory=list)

  @property
  def median_size(self) -> tuple[int, int]:
    """Median height and width of the photos of the usual orientation."""
    wide = sum(count for (height, width), count in self.sizes.items() if width >= height)
    usual = 2 * wide >= self.sizes.total()
    turned = [
      (min(size), max(size)) if usual else (max(size), min(size)) for size in self.sizes.elements()
    ]
    heights, widths = zip(*turned)
    return int(median(heights)), int(median(widths))

  def add(self, uids: np.ndarray) -> None:
    """Counts the ids of an image."""
    self.sizes[uids.shape] += 1
    objects: Counter[int] = Counter()
    regions = runs.regions(uids)
    ids = uid_format.decode(np.array(list(regions)))
    for region, sid, iid, pid in zip(regions.values(), *(of_all.tolist() for of_all in ids)):
      self.pixels[sid] += region.area
      if pid > 0:
        self.parts[sid, pid] += region.area
      if iid >= 0:
        objects[sid * 1000 + iid] += region.area
      else:
        self.crowds[sid] += region.area
    for number, area in objects.items():
      self.objects[number // 1000] += 1
      self.sides.append(area**0.5)
    self.most_objects = max(self.most_objects, len(objects))


def survey(folder: Path, found: Layout) -> Survey:
  """Reads all label files.

  Raises:
    ValueError: files are no uids or have another size than their photo, or labels have no photo;
      all are listed.
  """
  result, problems = Survey(), []
  for split in ("train", "validation") if found.has_splits else ("train",):
    photo_folder, label_folder = (folder / place for place in found.folders[split])
    photos = _by_stem(photo_folder, found.photo_suffixes, labels=photo_folder == label_folder)
    labels = _by_stem(label_folder, found.label_suffixes)
    result.without_label += [photos[stem].name for stem in sorted(photos.keys() - labels.keys())]
    for stem, path in tqdm(labels.items(), desc=f"look at {split}", unit="photo"):
      try:
        if stem not in photos:
          raise ValueError(f"there is no photo of that name in {photo_folder}")
        result.add(_checked(path, photos[stem]))
        result.counts[split] += 1
      except (ValueError, OSError) as error:
        problems.append(f"{path}: {error}")
  if problems:
    raise ValueError(
      f"{len(problems)} label files cannot be used. Labels are uids: class, class * 1000 + "
      f"instance, or class * 100000 + instance * 100 + part.{listed(problems, 20)}"
    )
  return result


def _by_stem(folder: Path, suffixes: tuple[str, ...], *, labels: bool = False) -> dict[str, Path]:
  """Returns the files of a folder by their names without suffix.

  Args:
    folder: subfolders are not searched.
    suffixes: of the files.
    labels: whether label files lie among them, which are passed over.
  """
  paths = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in suffixes]
  visible = [path for path in paths if not path.name.startswith(".")]
  return {path.stem: path for path in visible if not (labels and _is_label(path))}


def _checked(path: Path, photo: Path) -> np.ndarray:
  """Returns the uids of a label file that has the size of its photo, upright or as it is stored."""
  uids = uid_format.check(files.stored_uids(path))
  with Image.open(photo) as image:
    width, height = image.size
  if uids.shape not in ((height, width), (width, height)):
    raise ValueError(f"it has height and width {uids.shape}, its photo has {(height, width)}")
  return uids
