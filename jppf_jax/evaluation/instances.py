"""Detections as masks in the image's own pixels, for average precision. The fusions do not use
them.
"""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import Detection, Detections


def in_image(detections: Detections, covered: tuple[int, int], size: tuple[int, int]) -> Detections:
  """Returns the detections of one image with their boxes in the image's own pixels.

  Args:
    detections: of one image, boxes in pixels of the working size.
    covered: rows and columns of the working size that the image covers.
    size: height and width of the image itself.
  """
  vertical = size[0] / covered[0]
  horizontal = size[1] / covered[1]
  factors = np.array([horizontal, vertical, horizontal, vertical], np.float32)
  boxes = np.asarray(detections.boxes) * factors
  return dataclasses.replace(detections, boxes=boxes)


def instance_masks(
  detections: Detections, spec: LabelSpec, size: tuple[int, int]
) -> list[Detection]:
  """Returns the instances of one image, best first, with masks of height and width `size`.

  As EfficientPS does for its instance results: the box is cut to whole pixels, the mask of 28 x 28
  probabilities is stretched over it, and the instance is where it exceeds one half.

  Args:
    detections: of this image (no batch axis), boxes in its pixels; NumPy.
    spec: the taxonomy.
    size: height and width of the image.
  """
  boxes = np.asarray(detections.boxes)
  mask_logits = np.asarray(detections.mask_logits)
  instances = []
  for slot in np.flatnonzero(detections.valid):
    mask = _pasted(mask_logits[slot], boxes[slot], size)
    train_id = spec.num_stuff + int(detections.labels[slot]) - 1
    scene = int(spec.class_ids[train_id])
    score = float(detections.scores[slot])
    instances.append(Detection(scene, score, mask))
  return instances


def _pasted(
  logits: Float[np.ndarray, "28 28"], box: Float[np.ndarray, "4"], size: tuple[int, int]
) -> Bool[np.ndarray, "H W"]:
  """Returns a mask of the whole image; it is empty if the box lies outside of the image."""
  mask = np.zeros(size, bool)
  left, top, right, bottom = _whole_pixels(box, size)
  if left >= right or top >= bottom:
    return mask
  probability = 1 / (1 + np.exp(-logits.astype(np.float64)))
  stretched = stretch(probability, (bottom - top, right - left))
  mask[top:bottom, left:right] = stretched > 0.5
  return mask


def _whole_pixels(box: Float[np.ndarray, "4"], size: tuple[int, int]) -> tuple[int, int, int, int]:
  """Returns the first column and row of a box, and one past its last column and row.

  Fractions are dropped. A box has at least one pixel before it is cut at the image's border.
  """
  height, width = size
  left, top = np.maximum(np.trunc(box[:2]), 0).astype(int).tolist()
  # EfficientPS counts the last pixel as part of the box
  last_column, last_row = np.trunc(box[2:] - 1).astype(int).tolist()
  right = max(last_column, left) + 1
  bottom = max(last_row, top) + 1
  return left, top, min(right, width), min(bottom, height)


def stretch(image: Float[np.ndarray, "h w"], size: tuple[int, int]) -> Float[np.ndarray, "H W"]:
  """Returns the image at another height and width.

  Bilinear interpolation at pixel centres; borders are repeated, and nothing is smoothed if the
  image shrinks.
  """
  from skimage.transform import resize  # its import takes a second

  return resize(image, size, order=1, mode="edge", anti_aliasing=False)
