import numpy as np
import pytest

from jppf_jax.metrics.cells import count_cells
from jppf_jax.panoptic import IGNORE
from jppf_jax.report import maps
from jppf_jax.report.segments import compared
from tests.report import small
from tests.report.segments_test import SPEC, drawn


def decoded(numbers, meaning):
  """The class (255: void), instance and part of each pixel, as a map says."""
  segments, regions = np.array(meaning["segments"])[:, :2].astype(int), meaning["regions"]
  labels = [(*(segments[place] if place >= 0 else (IGNORE, 0)), part) for place, part in regions]
  return np.moveaxis(np.array(labels)[numbers], -1, 0)


@pytest.mark.parametrize("seed", range(3))
def test_each_pixel_of_the_truth_has_its_class_instance_and_part(seed):
  uids, channels = drawn(seed)
  cells = count_cells(SPEC, uids, channels)
  truth, _ = compared(cells, SPEC)
  numbers, meaning = maps.of_truth(uids, uids.shape, truth, cells, SPEC)
  semantic, instance, part = decoded(numbers, meaning)
  wanted = SPEC.decode(uids)
  void = wanted.semantic == IGNORE
  np.testing.assert_array_equal(semantic, wanted.semantic)
  known = np.where(wanted.crowd, -1, np.maximum(wanted.instance, 0))
  np.testing.assert_array_equal(instance, np.where(void, 0, known))
  np.testing.assert_array_equal(part, np.where(void, 0, wanted.part))
  areas = [row[2] for row in meaning["segments"]]
  assert sum(areas) == (~void).sum()


@pytest.mark.parametrize("size", [(24, 32), (12, 16)])
def test_each_pixel_of_a_prediction_has_its_class_instance_and_part(size):
  uids, channels = drawn(5)
  cells = count_cells(SPEC, uids, channels)
  _, predicted = compared(cells, SPEC)
  scores = [0.5] * len(predicted.classes)
  numbers, meaning = maps.of_prediction(channels, size, predicted, scores, SPEC)
  semantic, instance, part = decoded(numbers, meaning)
  step = channels.shape[0] // size[0]
  small_channels = channels[step // 2 :: step, step // 2 :: step]
  classes = SPEC.scene_to_train[small_channels[..., 0]]
  void = classes == IGNORE
  np.testing.assert_array_equal(semantic, classes)
  np.testing.assert_array_equal(instance, np.where(void, 0, small_channels[..., 1]))
  of_pid = SPEC.pid_to_channel[classes, small_channels[..., 2]]
  np.testing.assert_array_equal(part, np.where(void, 0, of_pid))
  assert len(meaning["segments"][0]) == 7


def test_many_regions_take_two_bytes_and_few_one():
  uids = small.truth()
  many = small.SPEC.to_channels(
    np.full((18, 18), small.PERSON), np.arange(324).reshape(18, 18), np.zeros((18, 18), int)
  )
  for channels, truth, dtype in (
    (many, np.full((18, 18), uids[8, 21]), np.uint16),
    (small.predicted(), uids, np.uint8),
  ):
    cells = count_cells(small.SPEC, truth, channels)
    _, predicted = compared(cells, small.SPEC)
    scores = [None] * len(predicted.classes)
    numbers, _ = maps.of_prediction(channels, truth.shape, predicted, scores, small.SPEC)
    assert numbers.dtype == dtype
    assert len(np.unique(numbers)) == (324 if dtype == np.uint16 else 5)


@pytest.mark.parametrize("count, dtype", [(256, np.uint8), (257, np.uint16)])
def test_a_byte_numbers_256_regions(count, dtype):
  numbers = np.arange(count)[None]
  person = np.full_like(numbers, small.PERSON)
  channels = small.SPEC.to_channels(person, numbers, np.zeros_like(numbers))
  truth = np.full(numbers.shape, small.truth()[8, 21])
  _, predicted = compared(count_cells(small.SPEC, truth, channels), small.SPEC)
  found, _ = maps.of_prediction(channels, (1, count), predicted, [None] * count, small.SPEC)
  assert found.dtype == dtype and len(np.unique(found)) == count


def test_numbers_have_four_digits():
  assert maps.rounded(np.float32([0.123456, 1])) == [0.1235, 1.0]
