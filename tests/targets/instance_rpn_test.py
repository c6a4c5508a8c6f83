"""RPN targets: all of them against the oracle, then the rules that a sample keeps."""

import jax
import numpy as np
import pytest

from jppf_jax.ops.anchors import pyramid_anchors
from jppf_jax.ops.boxes import decode
from jppf_jax.targets.instance_rpn import rpn_targets
from jppf_jax.targets.matching import image_keys
from tests.oracles import targets as oracles

SIZE = (32, 64)
ANCHORS = np.concatenate(list(pyramid_anchors(SIZE, (4, 8), scale=2.0).values()))  # 480
X0, Y0, X1, Y1 = ANCHORS.T
INSIDE = (X0 >= 0) & (Y0 >= 0) & (X1 <= 64) & (Y1 <= 32)
NONE, HUGE = [0, 0, 0, 0], [-100, -100, 200, 200]
OBJECTS = np.float32(
  [
    [[0, 0, 9, 12], [20, 8, 36, 24], [40, 20, 46, 25], NONE],
    [NONE] * 4,
    [HUGE, NONE, NONE, [30, 10, 38, 18]],
  ]
)
VALID = OBJECTS.any(-1)
KEYS = image_keys(jax.random.key(0), 3)

_targets = jax.jit(rpn_targets, static_argnames=("image_size", "samples", "positive_fraction"))


def _assigned(image):
  thresholds = {"positive_iou": 0.7, "negative_iou": 0.3, "min_positive_iou": 0.3}
  return oracles.match(ANCHORS, INSIDE, OBJECTS[image], VALID[image], **thresholds)


def _all(objects=OBJECTS, valid=VALID):
  """So many samples that all anchors are drawn."""
  return _targets(KEYS, ANCHORS, objects, valid, SIZE, samples=2 * len(ANCHORS))


@pytest.mark.parametrize("image", range(3))
def test_without_a_limit_the_anchors_are_those_of_the_oracle(image):
  found = jax.tree.map(lambda x: np.asarray(x)[image], _all())
  assigned = _assigned(image)
  positive = assigned >= 0
  np.testing.assert_array_equal(found.positive, positive)
  np.testing.assert_array_equal(found.negative, assigned == -1)
  decoded = decode(ANCHORS, found.deltas, (1, 1, 1, 1))[positive]
  objects = OBJECTS[image][assigned[positive]]
  np.testing.assert_allclose(decoded, objects, atol=1e-4)
  np.testing.assert_array_equal(found.deltas[~positive], 0)


def test_each_object_that_fits_has_an_anchor():
  assert set(_assigned(0)) == {-2, -1, 0, 1, 2}
  assert {0, 3} & set(_assigned(2)) == {3}  # the huge one overlaps no anchor enough


def test_a_sample_is_a_subset_of_the_size_asked_for():
  everything, drawn = _all(), _targets(KEYS, ANCHORS, OBJECTS, VALID, SIZE, samples=6)
  assert not (drawn.positive & ~everything.positive).any()
  assert not (drawn.negative & ~everything.negative).any()
  available = everything.positive.sum(1)
  assert available[0] > 3
  positives = np.minimum(available, 3)
  np.testing.assert_array_equal(drawn.positive.sum(1), positives)
  np.testing.assert_array_equal(drawn.negative.sum(1), 6 - positives)
  deltas = np.where(drawn.positive[..., None], everything.deltas, 0)
  np.testing.assert_array_equal(drawn.deltas, deltas)


def test_anchors_across_the_border_are_never_drawn():
  everything = _all()
  drawn = everything.positive | everything.negative
  assert not INSIDE.all() and not drawn[:, ~INSIDE].any()


def test_each_image_has_its_own_size_and_padding_is_not_image():
  sizes = np.int32([[32, 64], [20, 64], [32, 31]])
  found = jax.jit(lambda sizes: rpn_targets(KEYS, ANCHORS, OBJECTS, VALID, sizes, samples=960))(
    sizes
  )
  for image, (height, width) in enumerate(sizes):
    ends_inside = (width >= X1) & (height >= Y1)
    inside = (X0 >= 0) & (Y0 >= 0) & ends_inside
    thresholds = {"positive_iou": 0.7, "negative_iou": 0.3, "min_positive_iou": 0.3}
    assigned = oracles.match(ANCHORS, inside, OBJECTS[image], VALID[image], **thresholds)
    np.testing.assert_array_equal(found.negative[image], assigned == -1)
    np.testing.assert_array_equal(found.positive[image], assigned >= 0)


def test_an_anchor_that_ends_at_the_last_pixel_takes_part():
  anchors = np.float32([[0, 0, 64, 32], [0, 0, 64, 33], [-1, 0, 10, 10], [0, 0, 65, 32]])
  found = _targets(KEYS[1:2], anchors, OBJECTS[1:2], VALID[1:2], SIZE, samples=6)
  assert np.asarray(found.negative).tolist() == [[True, False, False, False]]


def test_if_no_anchor_fits_nothing_is_drawn():
  outside = np.float32([[-1, 0, 5, 5], [60, 0, 70, 5]])
  found = _targets(KEYS, outside, OBJECTS, VALID, SIZE, samples=6)
  assert not found.positive.any() and not found.negative.any()
  np.testing.assert_array_equal(found.deltas, 0)


def test_the_contents_of_padding_do_not_matter():
  garbage = OBJECTS.copy()
  garbage[~VALID] = [20, 8, 36, 24]
  jax.tree.map(np.testing.assert_array_equal, _all(garbage), _all())


def test_the_place_of_an_object_in_the_list_does_not_matter():
  order = [2, 0, 3, 1]
  turned = _all(OBJECTS[:, order], VALID[:, order])
  jax.tree.map(np.testing.assert_array_equal, turned, _all())


def test_the_key_alone_decides_the_sample():
  def sample(seed):
    return _targets(image_keys(jax.random.key(seed), 3), ANCHORS, OBJECTS, VALID, SIZE, samples=6)

  first, again, *others = map(sample, (1, 1, 2, 3, 4))
  jax.tree.map(np.testing.assert_array_equal, first, again)
  assert (first.negative != others[0].negative).any(1).all()
  assert any((first.positive != other.positive).any() for other in others)


def test_images_draw_independently():
  same = np.repeat(OBJECTS[:1], 3, 0), np.repeat(VALID[:1], 3, 0)
  drawn = _targets(KEYS, ANCHORS, *same, SIZE, samples=6).negative
  assert (drawn[0] != drawn[1]).any() and (drawn[1] != drawn[2]).any()


def test_an_image_alone_draws_what_it_draws_in_a_batch():
  whole = _targets(KEYS, ANCHORS, OBJECTS, VALID, SIZE, samples=6)
  for image in range(3):
    one = slice(image, image + 1)
    drawn = _targets(KEYS[one], ANCHORS, OBJECTS[one], VALID[one], SIZE, samples=6)
    jax.tree.map(lambda a, b, i=one: np.testing.assert_array_equal(a, b[i]), drawn, whole)
