"""One instance, large: a window of the image around it, and numbers as heat, side by side on one
scale.
"""

import numpy as np
from jaxtyping import Float, Int, UInt8
from PIL import Image

from jppf_jax.structs import Array
from jppf_jax.visualization.palette import heat
from jppf_jax.visualization.render import Answer, LabelMaps, label_maps
from jppf_jax.visualization.sheet import grid, legend, stack

_STEPS = 7  # colours that the scale names
_NOWHERE = np.array([128, 128, 128], np.uint8)  # what `heat` paints where numbers are not finite


def window_around(
  box: Float[Array, "4"] | Int[Array, "4"],
  size: tuple[int, int],
  *,
  margin: float = 0.25,
  aspect: float = 4 / 3,
) -> tuple[slice, slice]:
  """Returns the rows and columns of a window around a box, to index maps with.

  All windows have about the same proportions, so that tall and wide instances fill pictures of one
  size.

  Args:
    box: `x0 y0 x1 y1`, pixels; may reach over the rim of the image.
    size: height and width of the image; the window lies inside.
    margin: free space on each side, as a share of the box.
    aspect: width by height, where the image has room for it.
  """
  x0, y0, x1, y1 = (float(side) for side in box)
  height, width = (max(1.0, (1 + 2 * margin) * extent) for extent in (y1 - y0, x1 - x0))
  height, width = max(height, width / aspect), max(width, height * aspect)
  return _interval((y0 + y1) / 2, height, size[0]), _interval((x0 + x1) / 2, width, size[1])


def _interval(middle: float, length: float, end: int) -> slice:
  """`length` whole pixels around `middle`, pushed inside 0..end and cut to it."""
  pixels = min(end, round(length))
  start = min(max(0, round(middle - pixels / 2)), end - pixels)
  return slice(start, start + pixels)


def cropped(
  image: UInt8[np.ndarray, "H W 3"], answer: Answer, window: tuple[slice, slice]
) -> tuple[UInt8[np.ndarray, "h w 3"], LabelMaps]:
  """Returns photo and maps inside a window; `render.scaled` enlarges them."""
  return image[window], LabelMaps(*(x[window] for x in label_maps(answer)))


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
  """Returns a window of the photo and beside it numbers as heat, all on one scale, which stands
  below.

  Args:
    image: the photo.
    maps: {title: logits or probabilities}; values that are not finite are grey, and the scale says
      so.
    window: rows and columns, e.g. of `window_around`.
    low: what is darkest; by default the smallest finite value inside the window.
    high: what is lightest; by default the largest.
    width: of each picture, in pixels.
    columns: pictures side by side.
  """
  inside = {title: np.asarray(values)[window] for title, values in maps.items()}
  everything = np.concatenate([values.ravel() for values in inside.values()])
  finite = everything[np.isfinite(everything)] if np.isfinite(everything).any() else np.zeros(1)
  low, high = (
    float(finite.min() if low is None else low),
    float(finite.max() if high is None else high),
  )
  pictures = {
    "Photo": image[window],
    **{title: heat(values, low, high) for title, values in inside.items()},
  }
  sheet = grid(
    {title: _enlarged(picture, width) for title, picture in pictures.items()}, columns=columns
  )
  numbers = np.linspace(low, high, _STEPS)
  entries = {"Scale": dict(zip([f"{n:.3g}" for n in numbers], heat(numbers[None], low, high)[0]))}
  if not np.isfinite(everything).all():
    entries["Other"] = {"does not compete here": _NOWHERE}
  return stack([sheet, legend(entries, width=sheet.shape[1])])


def _enlarged(picture: UInt8[np.ndarray, "h w 3"], width: int) -> UInt8[np.ndarray, "H W 3"]:
  """Pixels stay squares: what is shown is what is computed with."""
  height = max(1, round(picture.shape[0] * width / picture.shape[1]))
  return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.NEAREST))
