"""Label and prediction files: uid TIFF, three-channel PNG, Cityscapes `instanceIds`. For COCO's
formats see `coco.py`.

| form         | file                     | array            | holds                                           |
|--------------|--------------------------|------------------|-------------------------------------------------|
| uids         | TIFF, one 32-bit channel | int32 [H W]      | scene, instance and part, see `uids.py`         |
| channels     | PNG, RGB                 | uint8 [H W 3]    | scene id, instance id, evaluation pid; 255 none |
| instance ids | PNG, one 16-bit channel  | int32 [H W] uids | scene and instance (Cityscapes `instanceIds`)   |

Files appear complete or not at all. Errors name the file.
"""

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int, Int32, UInt8
from PIL import Image

from jppf_jax.labels import uids as uid_format
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.saving import whole_file

TIFF = (".tif", ".tiff")
SUFFIXES = (
  "_gtFinePanopticParts",
  "_gtFine_instanceIds",
  "_gtFine_leftImg8bit",
  "_leftImg8bit",
  "_instanceIds",
)
"""What the official layouts append to an image id."""


def read_uids(path: Path) -> Int32[np.ndarray, "H W"]:
  """Returns the uids of a TIFF, unchecked: `LabelSpec` and `uids.decode` say what is legal.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: it cannot be read to its end, or is not one channel of whole numbers.
  """
  array = read_image(path)
  if array.ndim != 2 or array.dtype.kind not in "iu":
    raise ValueError(
      f"{path} has shape {array.shape} and type {array.dtype}, expected one channel of 32-bit integers."
    )
  return array.astype(np.int32)


def write_uids(path: Path, uids: Int[np.ndarray, "H W"]) -> None:
  """Writes uids as a TIFF, compressed without loss (LZW)."""
  write_image(
    path,
    Image.fromarray(np.ascontiguousarray(uids, np.int32)),
    format="TIFF",
    compression="tiff_lzw",
  )


def read_channels(path: Path) -> UInt8[np.ndarray, "H W 3"]:
  """Returns a three-channel prediction. Raises as `read_uids`; anything but 8-bit RGB is a
  ValueError.
  """
  array = read_image(path)
  if array.ndim != 3 or array.shape[-1] != 3 or array.dtype != np.uint8:
    raise ValueError(
      f"{path} has shape {array.shape} and type {array.dtype}, expected 8-bit RGB: scene id, instance id, part id."
    )
  return array


def write_channels(path: Path, channels: UInt8[np.ndarray, "H W 3"]) -> None:
  """Writes a three-channel prediction as PNG."""
  write_image(path, Image.fromarray(np.ascontiguousarray(channels)), format="PNG", compress_level=3)


def read_instance_ids(path: Path) -> Int32[np.ndarray, "H W"]:
  """Returns the uids (no parts) of a Cityscapes `instanceIds` PNG: scene id, or scene id * 1000 +
  instance id.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: it cannot be read to its end, or holds other numbers.
  """
  uids = read_uids(path)
  try:
    parts = uid_format.decode(uids).pid
  except ValueError as error:
    raise ValueError(f"{path}: {error}") from error
  if (parts >= 0).any():
    raise ValueError(
      f"{path} holds numbers with part ids, e.g. {uids[parts >= 0][0]}; instanceIds have none."
    )
  return uids


def write_instance_ids(path: Path, uids: Int[np.ndarray, "H W"]) -> None:
  """Writes scene and instance of uids (parts are dropped) as a Cityscapes `instanceIds` PNG.

  Raises:
    ValueError: a scene id with instances above 64, which 16 bits cannot hold.
  """
  sid, iid, _ = uid_format.decode(uids)
  ids = np.where(iid < 0, sid, sid * 1000 + iid)
  if ids.max(initial=0) > np.iinfo(np.uint16).max:
    raise ValueError(
      f"Scene id {ids.max() // 1000} with instances does not fit in the 16 bits of instanceIds, which end at 64; "
      "write uid TIFFs."
    )
  write_image(path, Image.fromarray(ids.astype(np.uint16)), format="PNG", compress_level=3)


def read_prediction(path: Path, spec: LabelSpec) -> UInt8[np.ndarray, "H W 3"]:
  """Returns a prediction in the three-channel form, from a PNG of that form or from a uid TIFF.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: it cannot be read, has another form, or holds ids that the data set does not have.
  """
  if path.suffix.lower() not in TIFF:
    return read_channels(path)
  uids = read_uids(path)
  try:
    return spec.uids_to_channels(uids)
  except ValueError as error:
    raise ValueError(f"{path}: {error}") from error


def find(folder: Path, extensions: Sequence[str]) -> dict[str, Path]:
  """Returns {image id: file} of the files below `folder` with one of the extensions; hidden files
  are left out.

  The image id is the file's name without the extension and without what the official layouts append
  to it.

  Raises:
    FileNotFoundError: no such folder, or no such file in it.
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
        f"{found[image_id]} and {path} are both image {image_id!r}; name the folder that holds just one of them."
      )
    found[image_id] = path
  if not found:
    raise FileNotFoundError(
      f"{folder} and its folders hold no {' or '.join('*' + e for e in extensions)} file."
    )
  return found


def image_id_of(path: Path) -> str:
  """Returns the name of a file without extension and official suffix."""
  for suffix in SUFFIXES:
    if path.stem.endswith(suffix):
      return path.stem.removesuffix(suffix)
  return path.stem


def read_image(path: Path) -> np.ndarray:
  """Returns the pixels of an image file as they are stored.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: it cannot be read to its end.
  """
  try:
    with Image.open(path) as image:
      return np.asarray(image)
  except FileNotFoundError:
    raise
  except (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
  ) as error:
    raise ValueError(f"{path} cannot be read as an image ({error}); is it complete?") from error


def write_image(path: Path, image: Image.Image, **options) -> None:
  """Saves an image, whole or not at all."""
  with whole_file(path) as partial:
    image.save(partial, **options)
