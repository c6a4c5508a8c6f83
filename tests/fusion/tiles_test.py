"""Tiles cover the image and the spans of instances, and suit the platform."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jppf_jax.fusion import tiles
from jppf_jax.fusion.tiles import by_platform, over_image, visit

SIZE, TILE = (22, 38), (8, 16)


def test_every_pixel_of_a_span_is_fresh_exactly_once():
  spans = jnp.array([[3, 1, 38, 22], [0, 0, 0, 0], [5, 2, 6, 21]])

  def step(visits, n, tile):
    fresh = tile.fresh() & tile.within(spans[n])
    return tile.put(visits, tile.cut(visits) + fresh)

  order, active = jnp.array([2, 0, 1]), jnp.array([True, True, False])
  visits = visit(spans, order, active, SIZE, TILE, step, jnp.zeros(SIZE, jnp.int32))
  expected = np.zeros(SIZE, int)
  expected[1:, 3:] = 1
  np.testing.assert_array_equal(visits, expected)


def test_spans_are_visited_in_order_and_only_if_active():
  spans = jnp.array([[0, 0, 30, 3], [0, 0, 30, 20], [4, 4, 5, 5], [0, 0, 0, 9]])

  def step(seen, n, tile):
    count, order = seen
    return count + 1, order.at[count].set(n)

  start = jnp.zeros((), jnp.int32), jnp.full(9, -1)
  wanted, active = jnp.array([2, 3, 1, 0]), jnp.array([True, False, True, True])
  count, order = visit(spans, wanted, active, SIZE, TILE, step, start)
  # 1 is not active, 3 has an empty span, 0 needs two tiles.
  assert count == 3 and order[:3].tolist() == [2, 0, 0]


@pytest.mark.parametrize("covered, steps", [((22, 38), 9), ((9, 16), 2), ((1, 1), 1)])
def test_an_image_is_visited_once_and_its_padding_not_at_all(covered, steps):
  def step(state, tile):
    count, visits = state
    return count + 1, tile.put(visits, tile.cut(visits) + tile.fresh())

  start = jnp.zeros((), jnp.int32), jnp.zeros(SIZE, jnp.int32)
  visit_image = jax.jit(lambda covered: over_image(covered, SIZE, TILE, step, start))
  count, visits = visit_image(jnp.array(covered))
  assert count == steps
  assert (np.asarray(visits)[: covered[0], : covered[1]] == 1).all()


def test_the_distance_is_that_of_pixel_centres_to_the_nearest_point_of_the_box():
  tile = tiles.whole_image((5, 7))._replace(y=jnp.int32(10), x=jnp.int32(20))
  x0, y0, x1, y1 = box = np.float32([22.25, 11, 24, 13.5])
  found = np.asarray(jax.jit(tile.squared_distance)(box))
  for row, column in np.ndindex(tile.shape):
    y, x = 10.5 + row, 20.5 + column
    nearest = np.clip(x, x0, x1), np.clip(y, y0, y1)
    assert found[row, column] == (x - nearest[0]) ** 2 + (y - nearest[1]) ** 2
  assert found[2, 2:4].tolist() == [0, 0]


def test_a_piece_touches_the_boxes_that_have_a_pixel_in_it():
  tile = tiles.whole_image((3, 5))._replace(y=jnp.int32(4), x=jnp.int32(10))
  ends = np.array([(a, b) for a in (3, 4, 6, 7, 9, 10, 14, 15) for b in (4, 5, 7, 8, 11, 15, 16)])
  boxes = np.array([(x0, y0, x1, y1) for x0, x1 in ends for y0, y1 in ends if x0 < x1 and y0 < y1])
  expected = [bool(tile.within(box).any()) for box in boxes[::7]]
  assert tile.touches(jnp.asarray(boxes[::7])).tolist() == expected
  assert 0.1 < np.mean(expected) < 0.9


def test_a_piece_that_is_put_back_keeps_the_type_of_the_map():
  tile = tiles.whole_image((1, 2))
  whole = tile.put(jnp.zeros((1, 2), jnp.uint8), jnp.array([[3, 255]]))
  assert whole.dtype == jnp.uint8 and whole.tolist() == [[3, 255]]


def test_the_platform_that_is_compiled_for_decides_about_the_tiles(monkeypatch):
  monkeypatch.setattr(tiles, "ACCELERATOR_TILE", (5, 7))
  monkeypatch.setattr(tiles, "CPU_TILE", (2, 3))
  area = jax.jit(by_platform(lambda shape, x: x * shape[0] * shape[1]))
  assert area(1.0) == 6  # the tests run on a CPU
  exported = jax.export.export(area, platforms=["cuda"])(1.0)
  assert "3.500000e+01" in exported.mlir_module() or "7.000000e+00" in exported.mlir_module()
