import dataclasses

import numpy as np
import pytest
from PIL import Image

from jppf_jax.evaluation.instances import in_image, instance_masks, stretch
from jppf_jax.labels.registry import load_spec
from jppf_jax.structs import Detections

SPEC = load_spec("cpp")
SIZE = (10, 20)  # height, width


def detections(*boxes, labels=None, logits=None):
  """Detections whose masks fill their boxes, with scores from 0.9 downwards."""
  count = len(boxes)
  if labels is None:
    labels = np.ones(count)
  if logits is None:
    logits = np.full((count, 28, 28), 5)
  return Detections(
    boxes=np.array(boxes, np.float32),
    labels=np.array(labels, np.int32),
    scores=np.linspace(0.9, 0.1, count, dtype=np.float32),
    mask_logits=np.array(logits, np.float32),
    valid=np.ones(count, bool),
  )


def only_mask(found):
  (instance,) = instance_masks(found, SPEC, SIZE)
  return instance.mask


def whole(image, size):
  return stretch(image, size, *map(np.arange, size))


def interpolated(values, length):
  """One row at another length, in one dimension; `np.interp` repeats the ends."""
  centres = np.arange(length) + 0.5
  positions = centres * len(values) / length - 0.5
  return np.interp(positions, np.arange(len(values)), values)


@pytest.mark.parametrize("shape", [(28, 28), (1, 5)])
@pytest.mark.parametrize("size", [(1, 1), (3, 50), (28, 28), (57, 9)])
def test_stretching_is_interpolation_in_each_dimension(shape, size):
  image = np.random.default_rng(0).normal(size=shape)
  taller = np.apply_along_axis(interpolated, 0, image, size[0])
  expected = np.apply_along_axis(interpolated, 1, taller, size[1])
  np.testing.assert_allclose(whole(image, size), expected, atol=1e-12)


def test_enlarging_is_what_pillow_does():
  image = np.random.default_rng(0).normal(size=(28, 28)).astype(np.float32)
  expected = Image.fromarray(image).resize((61, 90), Image.Resampling.BILINEAR)
  np.testing.assert_allclose(whole(image, (90, 61)), np.asarray(expected), atol=1e-5)


@pytest.mark.parametrize(
  "box, rows, columns",
  [
    ((3, 2, 9, 6), (2, 6), (3, 9)),
    ((3.9, 2.9, 9.9, 6.9), (2, 6), (3, 9)),  # fractions are dropped
    ((3.2, 2.2, 3.4, 2.4), (2, 3), (3, 4)),  # at least one pixel
    ((-4, -4, 4, 4), (0, 4), (0, 4)),
    ((0, 0, 99, 99), (0, 10), (0, 20)),
  ],
)
def test_a_full_mask_covers_the_whole_pixels_of_its_box(box, rows, columns):
  expected = np.zeros(SIZE, bool)
  expected[slice(*rows), slice(*columns)] = True
  np.testing.assert_array_equal(only_mask(detections(box)), expected)


@pytest.mark.parametrize("box", [(30, 2, 40, 6), (2, 30, 6, 40)])
def test_a_box_outside_of_the_image_has_an_empty_mask(box):
  assert not only_mask(detections(box)).any()


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("start, end", [(10, 90), (-40, 40), (-30, 80)])
def test_a_mask_is_cut_at_the_border_of_the_image_not_squeezed(axis, start, end):
  logits = np.full((28, 28), -5, np.float32)
  logits[:14] = 5  # the upper half
  box, size = [2, start, 9, end], (50, 20)
  if axis:
    logits, box, size = logits.T, [start, 2, end, 9], size[::-1]
  (found,) = instance_masks(detections(box, logits=logits[None]), SPEC, size)
  along = np.arange(50)
  expected = (along >= start) & (along < (start + end) / 2)
  np.testing.assert_array_equal(found.mask.any(1 - axis), expected)


def test_a_huge_box_costs_no_more_than_the_image():
  assert only_mask(detections((-3e6, -3e6, 3e6, 3e6))).all()


def test_half_a_mask_is_half_a_box():
  logits = np.full((1, 28, 28), -5, np.float32)
  logits[:, :, 14:] = 5
  mask = only_mask(detections((0, 0, 20, 10), logits=logits))
  right_half = np.arange(20) >= 10
  np.testing.assert_array_equal(mask, np.broadcast_to(right_half, SIZE))


def test_classes_and_scores_are_kept_and_padding_is_not():
  three = detections((0, 0, 4, 4), (1, 1, 5, 5), (2, 2, 6, 6), labels=[3, 1, 0])
  two = dataclasses.replace(three, valid=np.array([True, True, False]))
  found = instance_masks(two, SPEC, SIZE)
  names = [SPEC.class_names[SPEC.sid_to_train[instance.scene]] for instance in found]
  assert names == ["car", "person"]
  assert found[0].score == pytest.approx(0.9)


def test_boxes_return_to_the_pixels_of_the_image():
  scaled = in_image(detections((2, 4, 10, 20)), covered=(32, 64), size=(64, 256))
  np.testing.assert_allclose(scaled.boxes, [[8, 8, 40, 40]])
