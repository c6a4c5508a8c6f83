"""Label and prediction files: uid TIFF, three-channel PNG, Cityscapes `instanceIds`.

| form         | file         | array            | content                                         |
|--------------|--------------|------------------|-------------------------------------------------|
| uids         | TIFF, 32 bit | int32 [H W]      | scene, instance and part, see `uids.py`         |
| channels     | PNG, RGB     | uint8 [H W 3]    | scene id, instance id, evaluation pid; 255 none |
| instance ids | PNG, 16 bit  | int32 [H W] uids | scene and instance (Cityscapes `instanceIds`)   |

Files are written completely or not at all. Errors name the file. COCO's formats are in `coco.py`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int, Int32, Integer, UInt8
from PIL import Image

from jppf_jax.labels import uids as uid_format
from jppf_jax.labels.formats import lossless
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.saving import whole_file

TIFF = (".tif", ".tiff")
IMAGES = (*TIFF, ".png")
MOST_CHARACTERS = 4096  # of a path
SUFFIXES = (
  "_gtFinePanopticParts",
  "_gtFine_instanceIds",
  "_gtFine_leftImg8bit",
  "_leftImg8bit",
  "_instanceIds",
)
"""What the official file names append to an image id."""


def read_uids(path: Path) -> Int32[np.ndarray, "H W"]:
  """Returns the uids of a TIFF or PNG, unchecked: `LabelSpec` and `uids.decode` check them.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: it cannot be read to its end, or not without loss.
    ValueError: it is not one channel of whole numbers; they may have any width.
  """
  return stored_uids(path).astype(np.int32)


def stored_uids(path: Path) -> Integer[np.ndarray, "H W"]:
  """Returns uids with the type they have in the file, read-only; errors as `read_uids`."""
  return _as_uids(path, read_image(path))


def _as_uids(path: Path, array: np.ndarray) -> Integer[np.ndarray, "H W"]:
  if array.ndim != 2 or array.dtype.kind not in "iu":
    raise ValueError(f"{_form(path, array)}, expected one channel of whole numbers: uids.")
  return array


def write_uids(path: Path, uids: Int[np.ndarray, "H W"]) -> None:
  """Writes uids as a TIFF, compressed without loss (LZW)."""
  image = Image.fromarray(np.ascontiguousarray(uids, np.int32))
  write_image(path, image, format="TIFF", compression="tiff_lzw")


def read_channels(path: Path) -> UInt8[np.ndarray, "H W 3"]:
  """Returns a three-channel prediction.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: it cannot be read to its end, or not without loss.
    ValueError: it is not 8-bit RGB.
  """
  return _as_channels(path, read_image(path))


def _as_channels(path: Path, array: np.ndarray) -> UInt8[np.ndarray, "H W 3"]:
  is_rgb = array.ndim == 3 and array.shape[-1] == 3
  if not is_rgb or array.dtype != np.uint8:
    raise ValueError(f"{_form(path, array)}, expected 8-bit RGB: scene id, instance id, part id.")
  return array


def write_channels(path: Path, channels: Integer[np.ndarray, "H W 3"]) -> None:
  """Writes a three-channel prediction as PNG; see `eight_bits`.

  Raises:
    ValueError: a class has more than 256 instances, which 8 bits cannot distinguish.
  """
  image = Image.fromarray(np.ascontiguousarray(eight_bits(channels)))
  write_image(path, image, format="PNG", compress_level=3)


def eight_bits(channels: Integer[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "H W 3"]:
  """Returns a three-channel prediction with 8 bits per channel.

  If an instance id is outside 0..255, the instances of each class are numbered again from 0, in the
  order of their ids.

  Raises:
    ValueError: a class has more than 256 instances, which 8 bits cannot distinguish.
  """
  scene, instance = channels[..., 0], channels[..., 1]
  fitting = channels.astype(np.uint8)
  if _is_within_8_bits(instance):
    return fitting
  for scene_id in np.unique(scene):
    of_class = scene == scene_id
    ids, number = np.unique(instance[of_class], return_inverse=True)
    if len(ids) > 256:
      raise ValueError(
        f"Scene id {scene_id} has {len(ids)} instances in one image; a three-channel PNG has room "
        "for 256 per class. Write a uid TIFF instead (LabelSpec.to_uids and files.write_uids): it "
        "has room for 1000, and `jppf score` reads it too."
      )
    fitting[of_class, 1] = number
  return fitting


def fits_in_png(channels: Integer[np.ndarray, "H W 3"]) -> bool:
  """Returns whether no class has more than 256 instances, so that `write_channels` accepts it."""
  if _is_within_8_bits(channels[..., 1]):
    return True
  segments = np.unique(channels[..., :2].reshape(-1, 2), axis=0)
  _, instances = np.unique(segments[:, 0], return_counts=True)
  return bool(instances.max() <= 256)


def _is_within_8_bits(instance: Integer[np.ndarray, "H W"]) -> bool:
  return bool(instance.min(initial=0) >= 0 and instance.max(initial=0) <= 255)


def read_instance_ids(path: Path) -> Int32[np.ndarray, "H W"]:
  """Returns the uids of a Cityscapes `instanceIds` PNG.

  They have no parts: scene id, or scene id * 1000 + instance id.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: it cannot be read to its end.
    ValueError: it contains numbers that are no uids, or uids with parts.
  """
  uids = read_uids(path)
  try:
    parts = uid_format.decode(uids).pid
  except ValueError as error:
    raise ValueError(f"{path}: {error}") from error
  with_part = uids[parts >= 0]
  if with_part.size:
    raise ValueError(
      f"{path} contains numbers with part ids, e.g. {with_part[0]}; instanceIds have none."
    )
  return uids


def write_instance_ids(path: Path, uids: Int[np.ndarray, "H W"]) -> None:
  """Writes scene and instance of uids (parts are dropped) as a Cityscapes `instanceIds` PNG.

  Raises:
    ValueError: a scene id above 64 has instances, which does not fit in 16 bits.
  """
  sid, iid, _ = uid_format.decode(uids)
  ids = np.where(iid < 0, sid, sid * 1000 + iid)
  if ids.max(initial=0) > np.iinfo(np.uint16).max:
    largest = ids.max() // 1000
    raise ValueError(
      f"Scene id {largest} with instances does not fit in the 16 bits of instanceIds, where the "
      "largest is 64; write uid TIFFs."
    )
  image = Image.fromarray(ids.astype(np.uint16))
  write_image(path, image, format="PNG", compress_level=3)


def read_prediction(path: Path, spec: LabelSpec) -> Integer[np.ndarray, "H W 3"]:
  """Returns a prediction in the three-channel form, from three channels or from uids.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: it cannot be read, or has another form.
    ValueError: it contains ids that the dataset does not have.
  """
  stored = stored_prediction(path)
  try:
    if stored.ndim == 2:
      return spec.uids_to_channels(stored.astype(np.int32))
    spec.check_scene_ids(stored[..., 0])
    return stored
  except ValueError as error:
    raise ValueError(f"{path}: {error}") from error


def stored_prediction(path: Path) -> Integer[np.ndarray, "H W ..."]:
  """Returns a prediction as it is stored: uids [H W] or three channels [H W 3], ids unchecked.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: it cannot be read, or has another form.
  """
  array = read_image(path)
  return _as_uids(path, array) if array.ndim == 2 else _as_channels(path, array)


def find(folder: Path, extensions: Sequence[str]) -> dict[str, Path]:
  """Returns {image id: file} of the files below `folder` that have one of the extensions.

  Hidden files are left out. Image ids are those of `image_id_of`.

  Raises:
    FileNotFoundError: there is no such folder.
    FileNotFoundError: the folder contains no such file.
    ValueError: two files have the same image id.
  """
  if not folder.is_dir():
    raise FileNotFoundError(f"There is no folder {folder}.")
  found: dict[str, Path] = {}
  for path in sorted(folder.rglob("*")):
    if path.suffix.lower() not in extensions or path.name.startswith("."):
      continue
    image_id = image_id_of(path)
    if image_id in found:
      raise ValueError(
        f"{found[image_id]} and {path} are both image {image_id!r}; give a folder that contains "
        "only one of them."
      )
    found[image_id] = path
  if not found:
    patterns = " or ".join(f"*{extension}" for extension in extensions)
    raise FileNotFoundError(f"{folder} and its folders contain no {patterns} file.")
  return found


def left_out(folder: Path, extensions: Sequence[str], shown: int = 3) -> str:
  """Returns a sentence about the files that `find` leaves out; empty if there is none."""
  paths = others(folder, extensions)
  if not paths:
    return ""
  some = ", ".join(str(path.relative_to(folder)) for path in paths[:shown])
  more = " ..." if len(paths) > shown else ""
  kinds = " or ".join(f"*{extension}" for extension in extensions)
  return f"Left out: {len(paths)} files in {folder} that are no {kinds}: {some}{more}."


def others(folder: Path, extensions: Sequence[str]) -> list[Path]:
  """Returns the files below `folder` that `find` leaves out, except hidden ones."""
  files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
  return [
    path
    for path in files
    if path.suffix.lower() not in extensions and not path.name.startswith(".")
  ]


def is_file_name(value: Any) -> bool:
  """Returns whether a value that stands in a file can be the path of another file."""
  if not isinstance(value, str) or "\0" in value or len(value) > MOST_CHARACTERS:
    return False
  return Path(value).name not in ("", "..")


def image_id_of(path: Path) -> str:
  """Returns the name of a file without its extension and without one of `SUFFIXES`."""
  for suffix in SUFFIXES:
    if path.stem.endswith(suffix):
      return path.stem.removesuffix(suffix)
  return path.stem


def read_image(path: Path) -> np.ndarray:
  """Returns the numbers in an image file, see `lossless.read`.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: it cannot be read to its end, or not without loss.
  """
  try:
    with path.open("rb") as file:
      return lossless.read(file)
  except ValueError as error:
    raise ValueError(f"{path} {error}") from error


def _form(path: Path, array: np.ndarray) -> str:
  return f"{path} has shape {array.shape} and type {array.dtype}"


def write_image(path: Path, image: Image.Image, **options: Any) -> None:
  """Saves an image completely or not at all.

  Args:
    path: the file; its folder is made if needed.
    image: what to save.
    **options: of `Image.save`, such as `format`.
  """
  with whole_file(path) as partial:
    image.save(partial, **options)
