"""Random colours of a photo, for training on photos of many cameras and kinds of light."""

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageEnhance

_KINDS = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)
_HUES = 256  # steps of Pillow's circle of hues
_HUE_SHARE = 0.1  # of the strength: whole clothes keep a likely colour


def jitter(
  rng: np.random.Generator, image: UInt8[np.ndarray, "h w 3"], strength: float
) -> UInt8[np.ndarray, "h w 3"]:
  """Returns an image with another brightness, contrast, saturation and hue.

  The first three are multiplied by factors between 1 - strength and 1 + strength, one after the
  other; hues turn by at most a tenth of the strength of the circle, either way. Differs from
  EfficientPS, which does not change colours.

  Args:
    rng: draws the three factors, then the angle.
    image: RGB, 0..255.
    strength: 0 to 1; 0 changes nothing.
  """
  factors = rng.uniform(1 - strength, 1 + strength, len(_KINDS))
  angle = round(_HUES * _HUE_SHARE * strength * rng.uniform(-1, 1))
  picture = Image.fromarray(image)
  for kind, factor in zip(_KINDS, factors, strict=True):
    picture = kind(picture).enhance(float(factor))
  if angle:
    hue, saturation, value = picture.convert("HSV").split()
    turned = hue.point([(level + angle) % _HUES for level in range(_HUES)])
    picture = Image.merge("HSV", (turned, saturation, value)).convert("RGB")
  return np.asarray(picture)
