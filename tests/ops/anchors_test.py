import numpy as np
import pytest

from jppf_jax.ops.anchors import level_anchors, pyramid_anchors
from tests.oracles import anchors as oracle

# stride: first and last pixel of the anchors of the first cell, ratios 0.5, 1, 2
EFFICIENTPS = {
  4: [[-21, -9, 24, 12], [-14, -14, 17, 17], [-9, -21, 12, 24]],
  8: [[-41, -19, 48, 26], [-28, -28, 35, 35], [-19, -41, 26, 48]],
  16: [[-83, -37, 98, 52], [-56, -56, 71, 71], [-37, -83, 52, 98]],
  32: [[-165, -75, 196, 106], [-112, -112, 143, 143], [-75, -165, 106, 196]],
}


@pytest.mark.parametrize("stride", EFFICIENTPS)
def test_equals_the_table_of_efficientps(stride):
  last_pixel_to_end = [0, 0, 1, 1]
  expected = np.array(EFFICIENTPS[stride]) + last_pixel_to_end
  np.testing.assert_array_equal(level_anchors(stride, (1, 1)), expected)


@pytest.mark.parametrize("options", [{}, {"scale": 5.0, "ratios": (0.3, 1.7)}])
@pytest.mark.parametrize("stride", [1, 4, 16])
def test_equals_the_loop_oracle(stride, options):
  anchors = level_anchors(stride, (3, 2), **options)
  expected = oracle.level_anchors(stride, (3, 2), **options)
  np.testing.assert_array_equal(anchors, expected)


def test_exact_anchors_are_centred_on_their_cells_and_have_the_given_area_and_ratio():
  anchors = level_anchors(8, (2, 3), scale=4.0, ratios=(0.5, 2.0), legacy=False)
  x0, y0, x1, y1 = np.moveaxis(anchors.reshape(2, 3, 2, 4), -1, 0)  # each [h, w, ratios]
  width, height = x1 - x0, y1 - y0
  areas, ratios = np.full((2, 3, 2), 32.0**2), np.broadcast_to([0.5, 2.0], (2, 3, 2))
  np.testing.assert_allclose(width * height, areas, rtol=1e-5)
  np.testing.assert_allclose(height / width, ratios, rtol=1e-5)
  centre_x, centre_y = (x0 + x1) / 2, (y0 + y1) / 2
  np.testing.assert_allclose(centre_x[:, :, 0], [[4, 12, 20]] * 2, rtol=1e-5)
  np.testing.assert_allclose(centre_y[:, :, 0], [[4] * 3, [12] * 3], rtol=1e-5)


@pytest.mark.parametrize("stride", [4, 8, 16, 32])
def test_rounding_moves_a_side_by_at_most_half_a_pixel(stride):
  exact = level_anchors(stride, (2, 2), legacy=False)
  largest_move = np.abs(level_anchors(stride, (2, 2)) - exact).max()
  assert 0 < largest_move <= 0.5


def test_a_cityscapes_image_has_522240_anchors():
  anchors = pyramid_anchors((1024, 2048), (4, 8, 16, 32))
  count = sum(len(level) for level in anchors.values())
  assert count == 522_240


def test_levels_are_keyed_by_stride_finest_first_and_cover_any_image_size():
  options = {"scale": 2.0, "ratios": (1.0,), "legacy": False}
  anchors = pyramid_anchors((33, 65), (32, 16), **options)
  assert list(anchors) == [16, 32]
  np.testing.assert_array_equal(anchors[16], level_anchors(16, (3, 5), **options))
  np.testing.assert_array_equal(anchors[32], level_anchors(32, (2, 3), **options))


def test_bad_options_are_named():
  with pytest.raises(ValueError, match=r"stride must be at least 1.*got 0"):
    level_anchors(0, (1, 1))
  with pytest.raises(ValueError, match=r"must be positive.*got \(1.0, -1.0\)"):
    level_anchors(4, (1, 1), ratios=(1.0, -1.0))
