"""Random views of a labelled image. NumPy and Pillow on uint8 images, 0..255.

Labels are moved as uids, before their meaning is decided: nothing but geometry can change, and no
new id can appear.
That is enough for flips too: what files call left and right parts is one part in every spec (tests
hold it).
"""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Int32, UInt8
from PIL import Image

from jppf_jax.labels.resample import nearest_positions

VOID = 0
MEAN_COLOR = (106, 117, 120)  # RGB, of Cityscapes

View = tuple[UInt8[np.ndarray, "h w 3"], Int32[np.ndarray, "h w"]]


def mean_color(pixel_mean: Iterable[float]) -> tuple[int, int, int]:
  """Returns the colour that normalisation with this mean (RGB) turns into about 0, for what no
  image covers.
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
  pad_uid: int = VOID,
  pad_color: tuple[int, int, int] = MEAN_COLOR,
) -> View:
  """Returns a randomly scaled, cropped and flipped view of a fixed size (EfficientPS, Sec. 4.2).

  The image is scaled, keeping its ratio, until its long side reaches r times the long side of
  `size` or its short side r times the short one, r uniform in `scale`: a portrait in a landscape
  frame keeps its detail. What is larger than the frame is cropped at a uniform place, what is
  smaller stands at the top left; the rest is `pad_color` and void.

  Differs from EfficientPS: the image is smoothed when it shrinks, and labels are sampled at pixel
  centres. Small images are padded to the full size, so that shapes are static; their padding is
  void, not road.

  Args:
    rng: draws scale, place and flip, in this order.
    image: RGB.
    uids: its labels.
    size: rows and columns of the view.
    scale: range of r; (1, 1) keeps an image of that size as it is.
    flip: whether to mirror every second view.
    pad_uid: label of the padding; 7 (road, in Cityscapes) is what EfficientPS teaches.
    pad_color: of the padding, RGB; EfficientPS has the mean colour there.

  Raises:
    ValueError: `scale` is not an increasing pair of positive numbers.
  """
  low, high = scale
  if not 0 < low <= high:
    raise ValueError(f"scale must be two positive numbers, the smaller first; got {scale}.")
  height, width = uids.shape
  fitting = min(max(size) / max(height, width), min(size) / min(height, width))
  factor = rng.uniform(low, high) * fitting
  scaled = max(1, round(height * factor)), max(1, round(width * factor))
  top = rng.integers(0, max(scaled[0] - size[0], 0) + 1)
  left = rng.integers(0, max(scaled[1] - size[1], 0) + 1)
  mirrored = flip and rng.random() < 0.5
  image, uids = _cut(image, uids, scaled, (int(top), int(left)), size)
  if mirrored:
    image, uids = image[:, ::-1], uids[:, ::-1]
  return _pad(np.ascontiguousarray(image), np.ascontiguousarray(uids), size, pad_uid, pad_color)


def _pad(
  image: UInt8[np.ndarray, "a b 3"],
  uids: Int32[np.ndarray, "a b"],
  size: tuple[int, int],
  uid: int,
  color: tuple[int, int, int],
) -> View:
  """Extends to `size` at the bottom and the right, with one colour and one label."""
  if uids.shape == size:
    return image, uids
  rows, columns = uids.shape
  framed = np.full((*size, 3), color, np.uint8)
  framed[:rows, :columns] = image
  labels = np.full(size, uid, np.int32)
  labels[:rows, :columns] = uids
  return framed, labels


def _cut(
  image: np.ndarray,
  uids: np.ndarray,
  scaled: tuple[int, int],
  corner: tuple[int, int],
  size: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:
  """Scales to `scaled` and returns the window of at most `size` at `corner` (top left), computing
  only that window.
  """
  height, width = uids.shape
  rows = np.arange(corner[0], min(corner[0] + size[0], scaled[0]))
  columns = np.arange(corner[1], min(corner[1] + size[1], scaled[1]))
  if scaled == (height, width):
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return image[window], uids[window]
  step_y, step_x = (
    height / scaled[0],
    width / scaled[1],
  )  # source pixels per pixel of the scaled image
  from_rows = nearest_positions(height, scaled[0])[rows]
  from_columns = nearest_positions(width, scaled[1])[columns]
  box = (columns[0] * step_x, rows[0] * step_y, (columns[-1] + 1) * step_x, (rows[-1] + 1) * step_y)
  box = (*box[:2], min(box[2], width), min(box[3], height))
  resized = Image.fromarray(image).resize(
    (len(columns), len(rows)), Image.Resampling.BILINEAR, box=box
  )
  return np.asarray(resized), uids[from_rows[:, None], from_columns]
