"""Where the pixels of a result read the logits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jppf_jax.fusion.frame import make_frame, upsample
from jppf_jax.fusion.tiles import Tile, whole_image
from jppf_jax.structs import LogitView, LogitViews
from tests.fusion.scenes import CELLS, SIZE, logit_views, logits
from tests.oracles import fusion as oracle

QUICK = {"xla_backend_optimization_level": 0}
SCENE = logits(0, 4) + np.random.default_rng(1).normal(size=(*CELLS, 4)).astype(np.float32)


def upsampled(x, size, covered=None, zoom=None, tile=None, **choice):
  frame = make_frame(size, covered, zoom, x.shape[:2])
  tile = whole_image(size) if tile is None else tile
  read = jax.jit(lambda x: upsample(x, tile, frame, **choice), compiler_options=QUICK)
  return np.moveaxis(read(x), 0, -1)


def test_upsampling_reads_between_cell_centres_and_crops_the_padding():
  np.testing.assert_allclose(upsampled(SCENE, SIZE), oracle.upsample(SCENE, SIZE), atol=1e-5)
  columns = np.arange(10, dtype=np.float32)
  ramp = np.broadcast_to(columns[:, None], (*CELLS, 1))
  between = [0, 0, 0.125, 0.375, 0.625, 0.875, 1.125, 1.375]
  np.testing.assert_allclose(upsampled(ramp, (1, 8))[0, :, 0], between)


@pytest.mark.parametrize("zoom", [(1.5, 2.5), (1.37, 1.0)])
def test_a_zoomed_frame_reads_the_logits_at_its_own_pixels(zoom):
  size = 31, 90
  found = upsampled(SCENE, size, zoom=jnp.float32(zoom))
  np.testing.assert_allclose(found, oracle.upsample(SCENE, size, zoom), atol=1e-4)


@pytest.mark.parametrize("y, x, zoom", [(0, 0, 2.5), (3, 5, 2.5), (17, 79, 2.5), (5, 5, None)])
def test_a_tile_is_a_piece_of_the_whole_and_its_channels_can_be_chosen(y, x, zoom):
  size, zoom = (SIZE, None) if zoom is None else ((31, 90), jnp.float32([1.5, zoom]))
  where = jnp.asarray([y, x], jnp.int32)
  tile = Tile(*where, *where, (14, 11))
  chosen = jnp.array([3, 0, 3])
  piece = upsampled(SCENE, size, zoom=zoom, tile=tile, channels=chosen)
  whole = upsampled(SCENE, size, zoom=zoom)[y : y + 14, x : x + 11]
  np.testing.assert_allclose(piece, whole[..., [3, 0, 3]], atol=1e-6)


@pytest.mark.parametrize("zoom", [None, (1.0, 1.0), (1.25, 2.0)])
def test_cells_wholly_outside_of_the_image_have_no_influence(zoom):
  factors = np.array([1, 1] if zoom is None else zoom)
  covered = tuple(np.round([12 * factors[0], 29 * factors[1]]).astype(int).tolist())
  poisoned = SCENE.copy()
  poisoned[3:], poisoned[:, 8:] = np.nan, np.nan
  zoom = None if zoom is None else jnp.float32(zoom)
  size = (24, 40) if zoom is None else (24, 60)
  own = oracle.upsample(SCENE[:3, :8], covered, factors)
  found = upsampled(np.nan_to_num(poisoned, nan=1e9), size, covered, zoom)
  np.testing.assert_allclose(found[: covered[0], : covered[1]], own, atol=1e-4)


def test_an_image_that_ends_with_a_cell_does_not_read_the_next_one_because_of_rounding():
  covered, zoom = (12, 31), np.float32([1, 31 / 28])
  assert covered[1] / zoom[1] / np.float32(4) > 7
  poisoned = SCENE.copy()
  poisoned[:, 7:] = 1e9
  found = upsampled(poisoned, (12, 40), covered, jnp.asarray(zoom))
  own = oracle.upsample(SCENE[:3, :7], covered, zoom)
  np.testing.assert_allclose(found[:, :31], own, atol=1e-4)


def read_views(views, y, x, shape, size=SIZE, **choice):
  def read(views, y, x):
    frame = make_frame((24, 44), jnp.array(size), jnp.ones(2), views.shape[:2])
    return upsample(views, Tile(y, x, y, x, shape), frame, **choice)

  return np.moveaxis(jax.jit(read)(views, jnp.int32(y), jnp.int32(x)), 0, -1)


@pytest.mark.parametrize("y, x, height, width", [(0, 0, *SIZE), (3, 5, 9, 14), (13, 21, 9, 17)])
def test_views_are_averaged_as_probabilities_at_the_pixels_of_the_image(y, x, height, width):
  views = logit_views(0, 4, exchange=(0, 2, 1, 3))
  found = read_views(views, y, x, (height, width))
  expected = oracle.averaged(views, SIZE)[y : y + height, x : x + width]
  np.testing.assert_allclose(found, expected, atol=1e-4)
  chosen = read_views(views, y, x, (height, width), channels=jnp.array([3, 0]))
  np.testing.assert_allclose(chosen, expected[..., [3, 0]], atol=1e-4)


def test_a_view_whose_sides_were_rounded_up_is_read_to_the_last_pixel_of_a_tile():
  size, scale = (4, 36), 0.6
  of_view = jnp.array([2, 22])  # 0.6 * 36 = 21.6
  own = np.random.default_rng(0).normal(size=(1, 6, 4)).astype(np.float32)
  views = LogitViews((LogitView(jnp.asarray(own), of_view, scale),))
  found = read_views(views, 0, 9, (4, 21), size)  # from the end of a cell to the start of another
  np.testing.assert_allclose(found, oracle.averaged(views, size)[:, 9:30], atol=1e-4)


def test_one_view_is_read_as_its_own_logits():
  scene = 10 * SCENE  # some probabilities underflow
  view = LogitView(jnp.asarray(scene), jnp.array(SIZE))
  found = read_views(LogitViews((view,)), 0, 0, SIZE)
  own = oracle.upsample(scene, SIZE)
  likely = own > own.max(-1, keepdims=True) - 80
  np.testing.assert_allclose(found[likely], own[likely], atol=1e-3)
  assert np.isfinite(found).all()


def test_equal_logits_stay_equal_whatever_the_zoom():
  x = np.repeat(SCENE[..., :1], 5, axis=-1)
  found = upsampled(x, (50, 63), zoom=jnp.float32([2.3, 1.7]))
  assert (found == found[..., :1]).all()


def test_a_zoom_of_1_is_none():
  with_zoom = upsampled(SCENE, SIZE, zoom=jnp.ones(2))
  np.testing.assert_array_equal(with_zoom, upsampled(SCENE, SIZE))


def test_boxes_grow_with_the_frame():
  frame = make_frame((90, 90), None, jnp.float32([2, 3]), CELLS)
  assert frame.scaled(jnp.array([[1.0, 2, 10, 20]])).tolist() == [[3, 4, 30, 40]]


@pytest.mark.parametrize("size", [(25, 40), (24, 41), (0, 40)])
def test_an_image_the_logits_do_not_cover_is_refused(size):
  with pytest.raises(ValueError, match="up to 24 x 40"):
    make_frame(size, None, None, CELLS)
