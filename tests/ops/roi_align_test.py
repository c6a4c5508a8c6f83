from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jppf_jax.ops.roi_align import assign_levels, roi_align
from tests.oracles import roi_align as oracle
from tests.oracles.boxes import boxes_around

pool = jax.jit(roi_align, static_argnames=("bins", "samples", "finest_scale", "legacy"))
SIZE = (32, 48)
REGIONS = 6
# Powers of two: sample positions are exact in float32, also on the edge where zeros begin.
OPTIONS = [
  {"bins": 1, "legacy": True},
  {"bins": 2, "legacy": False, "samples": 1},
  {"bins": 4, "legacy": True},
  {"bins": 8, "legacy": False, "samples": 4},
]
compiled = [partial(pool, finest_scale=6.0, **options) for options in OPTIONS]


def random_pyramid(seed, strides=(4, 8, 16), channels=3):
  rng = np.random.default_rng(seed)
  shapes = {stride: (SIZE[0] // stride, SIZE[1] // stride, channels) for stride in strides}
  return {stride: rng.normal(size=shapes[stride]).astype(np.float32) for stride in strides}


@settings(deadline=None, max_examples=40)
@given(boxes_around(SIZE, REGIONS, step=0.125), st.integers(0, len(OPTIONS) - 1))
def test_equals_the_loop_oracle(boxes, option):
  pyramid = random_pyramid(0)
  expected = oracle.roi_align(pyramid, boxes, finest_scale=6.0, **OPTIONS[option])
  np.testing.assert_allclose(compiled[option](pyramid, boxes), expected, atol=1e-5)


@pytest.mark.parametrize("legacy", [True, False])
def test_seven_bins_equal_the_loop_oracle_all_over_the_image_and_beyond(legacy):
  corners = np.random.default_rng(3).uniform(-30, 70, (40, 2, 2)).astype(np.float32)
  boxes, pyramid = np.concatenate([corners.min(1), corners.max(1)], -1), random_pyramid(0)
  expected = oracle.roi_align(pyramid, boxes, bins=7, finest_scale=6.0, legacy=legacy)
  pooled = pool(pyramid, boxes, bins=7, finest_scale=6.0, legacy=legacy)
  np.testing.assert_allclose(pooled, expected, atol=1e-4)


@settings(deadline=None, max_examples=60)
@given(boxes_around((512, 512), REGIONS, step=0.5), st.integers(1, 4))
def test_levels_equal_the_formula(boxes, levels):
  strides = tuple(4 * 2**i for i in range(levels))
  expected = [oracle.assign_level(box, levels, 56.0) for box in boxes]
  np.testing.assert_array_equal(assign_levels(boxes, strides, 56.0), expected)


@pytest.mark.parametrize(
  ("side", "level"),
  [(0, 0), (111.9, 0), (111.99998, 1), (112, 1), (223.9, 1), (224, 2), (448, 3), (1e5, 3)],
)
def test_a_box_moves_one_level_up_when_its_side_doubles(side, level):
  box = np.array([[10, 10, 10 + side, 10 + side]], np.float32)
  assert assign_levels(box, (4, 8, 16, 32), 56.0) == level


RAMP = np.broadcast_to(np.arange(16, dtype=np.float32)[:, None], (16, 16, 1))  # value = column


def test_efficientps_reads_a_ramp_without_the_half_pixel():
  pooled = pool({4: RAMP}, np.array([[8, 8, 24, 24]], np.float32), bins=7)
  np.testing.assert_allclose(pooled[0, 3, :, 0], 2 + (np.arange(7) + 0.5) * 4 / 7, rtol=1e-6)
  np.testing.assert_allclose(pooled[0, 0, 0, 0], 2.285714, rtol=1e-6)


def test_the_aligned_form_reads_a_ramp_half_a_cell_earlier():
  pooled = pool({4: RAMP}, np.array([[8, 8, 23, 23]], np.float32), bins=7, legacy=False)
  np.testing.assert_allclose(pooled[0, 0, 0, 0], 1.767857, rtol=1e-6)
  image = np.array([[0, 0, 64, 64]], np.float32)
  cells = pool({4: RAMP}, image, bins=16, samples=1, legacy=False)  # one bin per cell
  np.testing.assert_allclose(cells[0], RAMP, atol=1e-6)


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_a_ramp_is_read_at_the_bin_centres_whatever_the_number_of_samples(samples):
  box = np.array([[16, 16, 48, 48]], np.float32)
  pooled = pool({4: RAMP}, box, bins=4, samples=samples, legacy=False)
  np.testing.assert_allclose(pooled[0, 1, :, 0], [4.5, 6.5, 8.5, 10.5], rtol=1e-6)


@pytest.mark.parametrize(("x", "value"), [(-4.5, 0), (-4, 1), (-2, 1), (60, 1), (64, 1), (64.5, 0)])
def test_the_border_reaches_exactly_one_cell_outside(x, value):
  point = np.array([[x, 20, x, 20]], np.float32)
  assert pool({4: np.ones((16, 16, 1), np.float32)}, point, bins=1)[0, 0, 0, 0] == value


def test_empty_and_inverted_boxes_read_their_first_corner():
  boxes = np.array([[8, 20, 8, 20], [8, 20, 4, 2]], np.float32)
  np.testing.assert_allclose(pool({4: RAMP}, boxes, bins=2), np.full((2, 2, 2, 1), 2.0), rtol=1e-6)


def test_a_box_reads_its_own_level_only():
  pyramid = {s: np.full((64 // s, 64 // s, 1), s, np.float32) for s in (4, 8, 16)}
  boxes = np.array([[16, 16, 16 + side, 16 + side] for side in (7, 8, 15, 16, 30)], np.float32)
  pooled = pool(pyramid, boxes, bins=2, finest_scale=4.0)
  np.testing.assert_allclose(pooled[:, 0, 0, 0], [4, 8, 8, 16, 16], rtol=1e-6)


def test_a_batch_equals_its_images_one_by_one():
  pyramid = jax.tree.map(lambda a, b: np.stack([a, b]), random_pyramid(0), random_pyramid(1))
  corners = np.random.default_rng(2).uniform(0, 20, (2, REGIONS, 4))
  boxes = (corners + [0, 0, 20, 20]).astype(np.float32)
  pooled = jax.jit(jax.vmap(partial(roi_align, finest_scale=6.0, **OPTIONS[2])))(pyramid, boxes)
  for i in range(2):
    image = {stride: level[i] for stride, level in pyramid.items()}
    alone = compiled[2](image, boxes[i])
    np.testing.assert_allclose(pooled[i], alone, atol=1e-6)


@settings(deadline=None, max_examples=20)
@given(boxes_around(SIZE, REGIONS, step=0.125))
def test_the_gradient_is_the_transpose_of_the_sampling(boxes):
  pyramid, other = random_pyramid(0), random_pyramid(1)
  weights = np.random.default_rng(2).normal(size=(REGIONS, 4, 4, 3)).astype(np.float32)
  gradient = gradient_of_weighted_sum(pyramid, boxes, weights)
  # <J^T w, q> = <w, J q>, because J is linear
  transposed = sum(np.vdot(gradient[stride], other[stride]) for stride in pyramid)
  sampled = np.vdot(weights, compiled[2](other, boxes))
  np.testing.assert_allclose(transposed, sampled, rtol=1e-3, atol=1e-3)


gradient_of_weighted_sum = jax.jit(
  jax.grad(lambda pyramid, boxes, weights: (compiled[2](pyramid, boxes) * weights).sum())
)


def test_boxes_get_no_gradient():
  boxes = np.array([[3, 5, 20, 17], [8, 2, 30, 30]], np.float32)
  gradient = jax.jit(jax.grad(lambda boxes: pool(random_pyramid(0), boxes, bins=4).sum()))(boxes)
  np.testing.assert_array_equal(gradient, np.zeros_like(boxes))


@pytest.mark.parametrize("legacy", [True, False])
def test_padding_boxes_have_finite_gradients(legacy):
  padding = np.zeros((2, 4), np.float32)

  def total(pyramid):
    return pool(pyramid, padding, bins=7, legacy=legacy).sum()

  gradient = jax.jit(jax.grad(total))(random_pyramid(0))
  assert all(np.isfinite(level).all() for level in gradient.values())


def test_bfloat16_features_are_summed_in_float32_forwards_and_backwards():
  rough = jax.tree.map(lambda level: jnp.asarray(level, jnp.bfloat16), random_pyramid(0))
  exact = jax.tree.map(lambda level: level.astype(jnp.float32), rough)
  box = np.array([[2, 3, 37, 24]], np.float32)
  boxes = np.tile(box, (200, 1))  # 200 terms of equal sign in each gradient

  @jax.jit
  @jax.value_and_grad
  def total_and_gradient(pyramid):
    return pool(pyramid, boxes, bins=7).astype(jnp.float32).sum()

  total, gradient = total_and_gradient(rough)
  expected, expected_gradient = total_and_gradient(exact)
  assert pool(rough, box, bins=7).dtype == jnp.bfloat16 == gradient[4].dtype
  np.testing.assert_allclose(total, expected, rtol=1e-2)
  found = gradient[4].astype(np.float32)
  np.testing.assert_allclose(found, expected_gradient[4], rtol=2**-8, atol=1e-6)


def test_no_regions_give_no_features():
  assert pool(random_pyramid(0), np.zeros((0, 4), np.float32), bins=7).shape == (0, 7, 7, 3)


def test_memory_is_a_few_times_the_result_not_sixteen():
  pyramid = {s: jax.ShapeDtypeStruct((256 // s, 256 // s, 64), jnp.float32) for s in (4, 8, 16, 32)}
  boxes = jax.ShapeDtypeStruct((256, 4), jnp.float32)
  program = jax.jit(partial(roi_align, bins=7)).lower(pyramid, boxes).compile()
  assert program.memory_analysis().temp_size_in_bytes < 4 * 4 * 256 * 7 * 7 * 64


def test_bad_input_is_an_error():
  boxes = np.zeros((1, 4), np.float32)
  with pytest.raises(ValueError, match="got bins=0, samples=2"):
    roi_align({4: RAMP}, boxes, bins=0)
  with pytest.raises(ValueError, match=r"at least one level.*got \{\}"):
    roi_align({}, boxes, bins=7)
