"""Detections as masks in an image's own pixels, for average precision; the fusions do not need
them.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import Detection, Detections


def in_image(detections: Detections, covered: tuple[int, int], size: tuple[int, int]) -> Detections:
  """Returns the detections of one image with boxes scaled from the `covered` part of the working
  size to `size`.
  """
  factors = np.array([size[1] / covered[1], size[0] / covered[0]] * 2, np.float32)
  return dataclasses.replace(detections, boxes=np.asarray(detections.boxes) * factors)


def instance_masks(
  detections: Detections, spec: LabelSpec, size: tuple[int, int]
) -> list[Detection]:
  """Returns the instances of one image, best first, with masks of height and width `size`.

  As EfficientPS does for its instance results: the box is cut to whole pixels, the mask of 28 x 28
  probabilities is stretched over it, and what is above one half is the instance.

  Args:
    detections: of this image (no batch axis), boxes in its pixels; NumPy.
    spec: the taxonomy.
    size: height and width of the image.
  """
  found = []
  for n in np.flatnonzero(detections.valid):
    mask = np.zeros(size, bool)
    left, top, right, bottom = _whole_pixels(np.asarray(detections.boxes[n]), size)
    if left < right and top < bottom:
      probability = 1 / (1 + np.exp(-np.asarray(detections.mask_logits[n], np.float64)))
      mask[top:bottom, left:right] = stretch(probability, (bottom - top, right - left)) > 0.5
    scene = int(spec.class_ids[spec.num_stuff + int(detections.labels[n]) - 1])
    found.append(Detection(scene, float(detections.scores[n]), mask))
  return found


def _whole_pixels(box: Float[np.ndarray, "4"], size: tuple[int, int]) -> tuple[int, int, int, int]:
  """The first and one past the last column and row: fractions dropped, at least one pixel, inside
  the image.
  """
  x0, y0 = np.maximum(np.trunc(box[:2]), 0).astype(int)
  x1, y1 = np.trunc(box[2:] - 1).astype(int) + 1  # theirs name the last pixel
  return int(x0), int(y0), int(min(max(x1, x0 + 1), size[1])), int(min(max(y1, y0 + 1), size[0]))


def stretch(image: Float[np.ndarray, "h w"], size: tuple[int, int]) -> Float[np.ndarray, "H W"]:
  """Bilinear interpolation at pixel centres, borders repeated, no smoothing when it shrinks."""
  rows, columns = (_weights(length, cells) for length, cells in zip(size, image.shape))
  return rows @ image @ columns.T


def _weights(length: int, cells: int) -> Float[np.ndarray, "L C"]:
  position = np.clip((np.arange(length) + 0.5) * cells / length - 0.5, 0, cells - 1)
  return np.maximum(0, 1 - np.abs(position[:, None] - np.arange(cells)))
