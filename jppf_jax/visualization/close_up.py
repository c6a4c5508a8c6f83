"""One instance, enlarged: a window of the image around it, and numbers as heat on one scale."""

import numpy as np
from jaxtyping import Float, Int, UInt8
from PIL import Image

from jppf_jax.structs import Array
from jppf_jax.visualization.palette import NOT_FINITE, finite_range, heat
from jppf_jax.visualization.render import Answer, LabelMaps, label_maps
from jppf_jax.visualization.sheet import fitted, grid, legend, stack

_STEPS = 7  # colours on the scale


def window_around(
  box: Float[Array, "4"] | Int[Array, "4"],
  size: tuple[int, int],
  *,
  margin: float = 0.25,
  aspect: float = 4 / 3,
) -> tuple[slice, slice]:
  """Returns the rows and columns of a window around a box, to index maps with.

  All windows have about the same proportions, so tall and wide instances fill pictures of one size.

  Args:
    box: `x0 y0 x1 y1`, pixels; may reach beyond the image.
    size: height and width of the image; the window lies inside.
    margin: free space on each side, as a share of the box.
    aspect: width / height of the window, if the image has room for it.
  """
  x0, y0, x1, y1 = (float(side) for side in box)
  image_height, image_width = size
  growth = 1 + 2 * margin
  height = max(1.0, growth * (y1 - y0))
  width = max(1.0, growth * (x1 - x0))
  window_height = max(height, width / aspect)
  window_width = max(width, height * aspect)
  center_y = (y0 + y1) / 2
  center_x = (x0 + x1) / 2
  rows = _interval(center_y, window_height, image_height)
  columns = _interval(center_x, window_width, image_width)
  return rows, columns


def _interval(middle: float, length: float, end: int) -> slice:
  """Returns `length` whole pixels around `middle`, at most `end`, shifted to lie inside 0..end."""
  pixels = min(end, round(length))
  start = max(0, round(middle - pixels / 2))
  start = min(start, end - pixels)
  return slice(start, start + pixels)


def cropped(
  image: UInt8[np.ndarray, "H W 3"], answer: Answer, window: tuple[slice, slice]
) -> tuple[UInt8[np.ndarray, "h w 3"], LabelMaps]:
  """Returns photo and maps inside a window; `render.scaled` enlarges them."""
  maps = [ids[window] for ids in label_maps(answer)]
  return image[window], LabelMaps(*maps)


def heat_maps(
  image: UInt8[np.ndarray, "H W 3"],
  maps: dict[str, Float[Array, "H W"]],
  window: tuple[slice, slice],
  *,
  low: float | int | None = None,
  high: float | int | None = None,
  width: int = 320,
  columns: int = 4,
) -> UInt8[np.ndarray, "H2 W2 3"]:
  """Returns a window of the photo and numbers as heat beside it, on one scale that stands below.

  Args:
    image: the photo.
    maps: {title: logits or probabilities}; values that are not finite are grey, and the legend says
      so.
    window: rows and columns, e.g. of `window_around`.
    low: the darkest value; by default the smallest finite one inside the window.
    high: the lightest value; by default the largest finite one.
    width: of each picture, in pixels.
    columns: pictures side by side.
  """
  inside = {title: np.asarray(values)[window] for title, values in maps.items()}
  everything = np.concatenate([values.ravel() for values in inside.values()])
  low, high = finite_range(everything, low, high)
  pictures = {"Photo": _enlarged(image[window], width)}
  for title, values in inside.items():
    pictures[title] = _enlarged(heat(values, low, high), width)
  sheet = grid(pictures, columns=columns)
  entries = {"Scale": _scale(low, high)}
  if not np.isfinite(everything).all():
    grey = np.full(3, NOT_FINITE, np.uint8)
    entries["Other"] = {"does not compete here": grey}
  return stack([sheet, legend(entries, width=sheet.shape[1])])


def _scale(low: float, high: float) -> dict[str, UInt8[np.ndarray, "3"]]:
  """Returns {number: colour} at even distances from `low` to `high`."""
  numbers = np.linspace(low, high, _STEPS)
  names = [f"{number:.3g}" for number in numbers]
  colors = heat(numbers[None], low, high)[0]
  return dict(zip(names, colors))


def _enlarged(picture: UInt8[np.ndarray, "h w 3"], width: int) -> UInt8[np.ndarray, "H W 3"]:
  """Returns the picture enlarged to a width, or twice that height, whichever is reached first.

  Pixels stay squares, so each value can be seen.
  """
  size = fitted(picture.shape[:2], (2 * width, width))
  resized = Image.fromarray(picture).resize(size[::-1], Image.Resampling.NEAREST)
  return np.asarray(resized)
