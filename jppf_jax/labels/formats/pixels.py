"""The numbers of a Pillow image as an array, without a copy where Pillow allows it.

`np.asarray(image)` copies twice, which takes half as long as decoding the file.
"""

import contextlib
import ctypes
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from jaxtyping import Shaped
from PIL import Image


class _ArrowArray(ctypes.Structure):
  """`struct ArrowArray` of the Arrow C data interface, up to the fields that are read."""

  _fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
  ]


class _Shared:
  """The memory of an image, for `np.asarray`; the array keeps it alive."""

  def __init__(self, image: Image.Image, export: Callable[[], tuple[object, object]]):
    _, self.capsule = export()  # holds the memory, also after the image is gone
    array = _ArrowArray.from_address(_pointer(self.capsule))
    address = array.buffers[array.n_buffers - 1]  # those before say that no pixel is missing
    self.__array_interface__ = {
      "version": 3,
      "shape": (image.height, image.width),
      "typestr": np.dtype(np.int32).str,
      "data": (address, True),
    }


def of_image(image: Image.Image) -> Shaped[np.ndarray, "H W ..."]:
  """Returns the pixels of an image, as `np.asarray` does; read-only.

  Images of 32-bit numbers share Pillow's memory. Not all do: above 16 MB Pillow keeps them in
  several blocks, and before Pillow 11.3 none does.
  """
  image.load()
  export: Any = getattr(image, "__arrow_c_array__", None)
  if image.mode == "I" and export is not None and min(image.size) > 0:
    with contextlib.suppress(ValueError):  # several blocks
      return np.asarray(_Shared(image, export))
  return np.asarray(image)


def _pointer(capsule: object) -> int:
  """Returns the address in a capsule of the Arrow C data interface."""
  get = ctypes.pythonapi.PyCapsule_GetPointer
  get.restype = ctypes.c_void_p
  get.argtypes = [ctypes.py_object, ctypes.c_char_p]
  return int(get(capsule, b"arrow_array"))


@contextlib.contextmanager
def memory_kept(images: int) -> Iterator[None]:
  """Lets Pillow use the memory of an image again for the next one, 16 MB for each of `images`.

  Otherwise each image takes new memory from the system, which has to clear it first.
  """
  kept = Image.core.get_blocks_max()
  Image.core.set_blocks_max(max(kept, images))
  try:
    yield
  finally:
    Image.core.set_blocks_max(kept)
