"""Detections as masks in the image's own pixels, for average precision. The fusions do not use
them.
"""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import map_coordinates

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.panoptic import Detection
from jppf_jax.structs import Detections


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

  As EfficientPS does for its instance results: the box is rounded to whole pixels, the mask of
  28 x 28 probabilities is stretched over it, and the instance is where it exceeds one half, cut at
  the border of the image.

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
  """Returns a mask of the whole image; it is empty if the box lies outside of the image.

  The mask is stretched over the whole box and then cut at the border of the image.
  """
  mask = np.zeros(size, bool)
  left, top, right, bottom = _whole_pixels(box)
  rows = np.arange(max(top, 0), min(bottom, size[0]))
  columns = np.arange(max(left, 0), min(right, size[1]))
  if not rows.size or not columns.size:
    return mask
  probability = 1 / (1 + np.exp(-logits.astype(np.float64)))
  stretched = stretch(probability, (bottom - top, right - left), rows - top, columns - left)
  mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = stretched > 0.5
  return mask


def _whole_pixels(box: Float[np.ndarray, "4"]) -> tuple[int, int, int, int]:
  """Returns the first column and row of a box, and one past its last column and row.

  Fractions are dropped. A box has at least one pixel.
  """
  left, top = np.trunc(box[:2]).astype(int).tolist()
  # EfficientPS counts the last pixel as part of the box
  last_column, last_row = np.trunc(box[2:] - 1).astype(int).tolist()
  return left, top, max(last_column, left) + 1, max(last_row, top) + 1


def stretch(
  image: Float[np.ndarray, "h w"],
  size: tuple[int, int],
  rows: Int[np.ndarray, "a"],
  columns: Int[np.ndarray, "b"],
) -> Float[np.ndarray, "a b"]:
  """Returns some rows and columns of the image at another height and width.

  Bilinear interpolation at pixel centres; borders are repeated, and nothing is smoothed if the
  image shrinks.

  Args:
    image: any values.
    size: height and width that the whole image is stretched to.
    rows: which of these rows to return.
    columns: which of these columns.
  """
  y = (rows + 0.5) * image.shape[0] / size[0] - 0.5
  x = (columns + 0.5) * image.shape[1] / size[1] - 0.5
  grid = np.meshgrid(y, x, indexing="ij")
  return map_coordinates(image, grid, order=1, mode="nearest")
