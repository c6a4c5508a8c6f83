"""How images of any size meet a program of one size: scaled into a frame, padded, and back."""

import dataclasses

import numpy as np
from jaxtyping import Shaped, UInt8
from PIL import Image

from jppf_jax.structs import Array

Size = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Frame:
  """Where an image lies in the input of the network and in its answer. Sizes are (H, W).

  Attributes:
    image: size of the image itself.
    size: of the network's input, which the image is scaled into and padded to.
    covered: rows and columns of the input that the image covers, from the top left.
    canvas: of the answer. Images that are larger than the input get one for their own pixels, of
      the few sizes that `frame_of` chooses from.
    answered: rows and columns of the answer that the image covers.
  """

  image: Size
  size: Size
  covered: Size
  canvas: Size
  answered: Size

  @property
  def is_enlarged(self) -> bool:
    """Whether the answer has more pixels than the network saw."""
    return self.answered != self.covered

  @property
  def program(self) -> tuple[Size, Size | None]:
    """What images share that go through one compiled program: the size of the input, and the canvas
    if the answer is enlarged.
    """
    return self.size, self.canvas if self.is_enlarged else None


def frame_of(image: Size, size: Size) -> Frame:
  """Returns the frame of an image: it is scaled into the working size, aspect kept.

  The answer for a larger image has the image's own pixels: logits and masks are interpolated
  between those of the network. Its canvas has sides of 1, 1.5, 2, 3, 4, 6, 8, ... times those of
  the input, so that images of many sizes share a program.

  Args:
    image: height and width of the image.
    size: the working size; see `working_size` for images of the other orientation.
  """
  size = working_size(image, size)
  factor = min(size[0] / image[0], size[1] / image[1])
  rows = _side(image[0] * factor, size[0])
  columns = _side(image[1] * factor, size[1])
  covered = rows, columns
  if factor >= 1:
    return Frame(image, size, covered, size, covered)
  canvas = _canvas_side(image[0], size[0]), _canvas_side(image[1], size[1])
  return Frame(image, size, covered, canvas, image)


def _canvas_side(length: int, unit: int) -> int:
  """Returns the first of 1, 1.5, 2, 3, 4, 6, 8, ... times the unit that is at least the length."""
  whole = unit
  while whole < length:
    middle = whole + -(-whole // 2)
    if middle >= length:
      return middle
    whole *= 2
  return whole


def working_size(image_size: Size, size: Size) -> Size:
  """Returns the working size (H, W) of an image: `size`, or `size` turned if that is portrait and
  the image is landscape, or the other way round.

  So the long side of an image is fitted to the long side of `size`, as in training
  (`augment.random_view`), and portrait photos have the scale of landscape ones. Square images are
  not turned.

  Args:
    image_size: height and width of the image.
    size: height and width that the config gives.
  """
  height, width = image_size
  is_other_way = (height - width) * (size[0] - size[1]) < 0
  return size[::-1] if is_other_way else size


def _side(length: float, largest: int) -> int:
  """Returns a length as whole pixels, at least one."""
  return max(1, min(largest, round(length)))


def fit(
  image: UInt8[np.ndarray, "H W 3"], frame: Frame, color: tuple[int, ...]
) -> UInt8[np.ndarray, "h w 3"]:
  """Scales an image into its frame, and pads it bottom and right with one colour.

  Args:
    image: RGB.
    frame: of this image.
    color: of the padding, RGB.
  """
  rows, columns = frame.covered
  if frame.covered != frame.image:
    scaled = Image.fromarray(image).resize((columns, rows), Image.Resampling.BILINEAR)
    image = np.asarray(scaled)
  canvas = np.full((*frame.size, 3), color, np.uint8)
  canvas[:rows, :columns] = image
  return canvas


def checked(image: Shaped[Array, "..."]) -> UInt8[np.ndarray, "H W 3"]:
  """Returns an array that is an RGB image.

  Raises:
    ValueError: it is none.
  """
  image = np.asarray(image)
  if image.dtype == np.uint8 and image.ndim == 3 and image.shape[-1] == 3 and image.size:
    return image
  advice = "read files with jppf_jax.photos.read_image"
  if image.dtype != np.uint8 and image.size:
    advice = "give the values 0..255 as uint8, e.g. (255 * image).round().astype(np.uint8) for 0..1"
  raise ValueError(
    f"Expected an RGB image, uint8 [H W 3]; got {image.dtype} {list(image.shape)}: {advice}."
  )
