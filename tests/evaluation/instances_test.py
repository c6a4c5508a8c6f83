import dataclasses

import numpy as np
import pytest
from PIL import Image

from jppf_jax.evaluation.instances import in_image, instance_masks, stretch
from jppf_jax.labels.registry import load_spec
from jppf_jax.structs import Detections

SPEC = load_spec("cpp")


def detections(*boxes, labels=None, logits=None):
  count = len(boxes)
  return Detections(
    np.array(boxes, np.float32).reshape(-1, 4),
    np.array([1] * count if labels is None else labels, np.int32),
    np.linspace(0.9, 0.1, count, dtype=np.float32),
    np.full((count, 28, 28), 5, np.float32) if logits is None else logits,
    np.ones(count, bool),
  )


def stretched_by_loops(image, size):
  """One pixel at a time: the four neighbours of its centre, borders repeated."""
  result = np.zeros(size)
  for i in range(size[0]):
    for j in range(size[1]):
      y = min(max((i + 0.5) * image.shape[0] / size[0] - 0.5, 0), image.shape[0] - 1)
      x = min(max((j + 0.5) * image.shape[1] / size[1] - 0.5, 0), image.shape[1] - 1)
      top, left = int(y), int(x)
      bottom, right = min(top + 1, image.shape[0] - 1), min(left + 1, image.shape[1] - 1)
      upper = image[top, left] * (1 - x + left) + image[top, right] * (x - left)
      lower = image[bottom, left] * (1 - x + left) + image[bottom, right] * (x - left)
      result[i, j] = upper * (1 - y + top) + lower * (y - top)
  return result


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (28, 28), (57, 9)])
def test_stretching_equals_the_loops(size):
  image = np.random.default_rng(0).normal(size=(28, 28))
  np.testing.assert_allclose(stretch(image, size), stretched_by_loops(image, size), atol=1e-12)


def test_enlarging_is_what_pillow_does():
  image = np.random.default_rng(0).normal(size=(28, 28)).astype(np.float32)
  expected = np.asarray(Image.fromarray(image).resize((61, 90), Image.Resampling.BILINEAR))
  np.testing.assert_allclose(stretch(image, (90, 61)), expected, atol=1e-5)


@pytest.mark.parametrize(
  "box, rows, columns",
  [
    ((3, 2, 9, 6), (2, 6), (3, 9)),
    ((3.9, 2.9, 9.9, 6.9), (2, 6), (3, 9)),  # fractions are dropped
    ((3.2, 2.2, 3.4, 2.4), (2, 3), (3, 4)),  # one pixel at least
    ((-4, -4, 4, 4), (0, 4), (0, 4)),
    ((0, 0, 99, 99), (0, 10), (0, 20)),
  ],
)
def test_a_full_mask_covers_the_whole_pixels_of_its_box(box, rows, columns):
  (found,) = instance_masks(detections(box), SPEC, (10, 20))
  expected = np.zeros((10, 20), bool)
  expected[slice(*rows), slice(*columns)] = True
  np.testing.assert_array_equal(found.mask, expected)


def test_a_box_outside_of_the_image_has_an_empty_mask():
  (found,) = instance_masks(detections((30, 2, 40, 6)), SPEC, (10, 20))
  assert not found.mask.any()


def test_half_a_mask_is_half_a_box():
  logits = np.full((1, 28, 28), -5, np.float32)
  logits[:, :, 14:] = 5
  (found,) = instance_masks(detections((0, 0, 20, 10), logits=logits), SPEC, (10, 20))
  np.testing.assert_array_equal(found.mask, np.broadcast_to(np.arange(20) >= 10, (10, 20)))


def test_classes_and_scores_come_along_and_padding_does_not():
  some = detections((0, 0, 4, 4), (1, 1, 5, 5), (2, 2, 6, 6), labels=[3, 1, 0])
  found = instance_masks(
    dataclasses.replace(some, valid=np.array([True, True, False])), SPEC, (10, 20)
  )
  assert [SPEC.class_names[int(SPEC.sid_to_train[x.scene])] for x in found] == ["car", "person"]
  assert found[0].score == pytest.approx(0.9)


def test_boxes_return_to_the_pixels_of_the_image():
  scaled = in_image(detections((2, 4, 10, 20)), covered=(32, 64), size=(64, 256))
  np.testing.assert_allclose(scaled.boxes, [[8, 8, 40, 40]])
