"""Random views of a labelled image. NumPy and Pillow on uint8 images, 0..255.

Labels are transformed as uids, before their meaning is decided: only the geometry changes, and no
new id can appear. Every flip goes through `mirror`, which exchanges left and right parts.
"""

from collections.abc import Callable, Iterable

import numpy as np
from jaxtyping import Int32, UInt8
from PIL import Image

from jppf_jax.labels.resample import nearest_positions

VOID = 0
MEAN_COLOR = (106, 117, 120)  # RGB, of Cityscapes

Labelled = tuple[UInt8[np.ndarray, "h w 3"], Int32[np.ndarray, "h w"]]  # image and its uids
Sides = Callable[[np.ndarray], np.ndarray]  # uids -> uids: `LabelSpec.mirrored`


def no_sides(uids: Int32[np.ndarray, "h w"]) -> Int32[np.ndarray, "h w"]:
  """Returns the uids as they are: for labels without left and right parts."""
  return uids


def mirror(
  image: UInt8[np.ndarray, "h w 3"], uids: Int32[np.ndarray, "h w"], sides: Sides
) -> Labelled:
  """Returns an image and its labels mirrored left to right.

  Args:
    image: RGB.
    uids: its labels.
    sides: exchanges the ids of left and right parts, `LabelSpec.mirrored`.
  """
  return image[:, ::-1], sides(uids[:, ::-1])


def mean_color(pixel_mean: Iterable[float]) -> tuple[int, int, int]:
  """Returns the padding colour for images that are normalised with this mean (RGB, 0..255).

  It is the mean in whole numbers, so padding is about 0 after normalisation.
  """
  red, green, blue = (round(value) for value in pixel_mean)
  return red, green, blue


def random_view(
  rng: np.random.Generator,
  image: UInt8[np.ndarray, "H W 3"],
  uids: Int32[np.ndarray, "H W"],
  *,
  size: tuple[int, int],
  scale: tuple[int | float, int | float] = (0.5, 2.0),
  flip: bool = True,
  sides: Sides = no_sides,
) -> Labelled:
  """Returns a randomly scaled, cropped and flipped view (EfficientPS, Sec. 4.2).

  The image is scaled, keeping its aspect ratio, until its long side is r times the long side of
  `size`, or its short side r times the short one, whichever comes first; r is uniform in `scale`.
  Long side is compared with long side, so a portrait in a landscape frame keeps its detail. If the
  scaled image is larger than the frame, it is cropped at a uniform random place. If it is smaller,
  the view is smaller than `size`; `pad` makes it that size.

  Differs from EfficientPS: the image is smoothed when it shrinks, and labels are sampled at pixel
  centres.

  Args:
    rng: draws scale, place and flip, in this order.
    image: RGB.
    uids: its labels.
    size: largest rows and columns of the view.
    scale: range of r; (1, 1) leaves an image of that size unchanged.
    flip: whether to mirror a view with probability 1/2.
    sides: as in `mirror`.

  Raises:
    ValueError: `scale` is not two positive numbers, the smaller first.
  """
  low, high = scale
  if not 0 < low <= high:
    raise ValueError(f"scale must be two positive numbers, the smaller first; got {scale}.")
  height, width = uids.shape
  long_ratio = max(size) / max(height, width)
  short_ratio = min(size) / min(height, width)
  factor = rng.uniform(low, high) * min(long_ratio, short_ratio)
  scaled_height = max(1, round(height * factor))
  scaled_width = max(1, round(width * factor))
  excess_rows = max(scaled_height - size[0], 0)
  excess_columns = max(scaled_width - size[1], 0)
  top = int(rng.integers(0, excess_rows + 1))
  left = int(rng.integers(0, excess_columns + 1))
  mirrored = flip and rng.random() < 0.5
  image, uids = cut(image, uids, (scaled_height, scaled_width), (top, left), size)
  if mirrored:
    image, uids = mirror(image, uids, sides)
  return np.ascontiguousarray(image), np.ascontiguousarray(uids)


def pad(
  image: UInt8[np.ndarray, "a b 3"],
  uids: Int32[np.ndarray, "a b"],
  size: tuple[int, int],
  *,
  uid: int = VOID,
  color: tuple[int, int, int] = MEAN_COLOR,
) -> Labelled:
  """Returns a view padded to `size` at the bottom and the right.

  Differs from EfficientPS: views are padded to one size, so that shapes are static, and the padding
  is void, not road.

  Args:
    image: RGB.
    uids: its labels.
    size: rows and columns of the result.
    uid: label of the padding; EfficientPS trains with 7 (road, in Cityscapes).
    color: RGB colour of the padding; EfficientPS has the mean colour there.
  """
  if uids.shape == size:
    return image, uids
  rows, columns = uids.shape
  framed = np.full((*size, 3), color, np.uint8)
  framed[:rows, :columns] = image
  labels = np.full(size, uid, np.int32)
  labels[:rows, :columns] = uids
  return framed, labels


def cut(
  image: np.ndarray,
  uids: np.ndarray,
  scaled: tuple[int, int],
  corner: tuple[int, int],
  size: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:
  """Returns the window of at most `size` at `corner` (top, left) of the image scaled to `scaled`.

  Only that window is computed.
  """
  height, width = uids.shape
  top, left = corner
  bottom = min(top + size[0], scaled[0])
  right = min(left + size[1], scaled[1])
  if scaled == (height, width):
    return image[top:bottom, left:right], uids[top:bottom, left:right]
  rows = nearest_positions(height, scaled[0])[top:bottom]
  columns = nearest_positions(width, scaled[1])[left:right]
  step_y, step_x = height / scaled[0], width / scaled[1]  # source pixels per scaled pixel
  x1, y1 = min(right * step_x, width), min(bottom * step_y, height)
  box = (left * step_x, top * step_y, x1, y1)
  window_size = (right - left, bottom - top)
  resized = Image.fromarray(image).resize(window_size, Image.Resampling.BILINEAR, box=box)
  return np.asarray(resized), uids[rows[:, None], columns]
