import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jppf_jax.street_scenes.items import Ground, Item, cast_shadow, far_to_near, may_hide
from tests.scene_stage import CAMERA, NOON, overlap, stage

coordinate = st.integers(-20, 20)
blocks = st.lists(
  st.tuples(coordinate, st.integers(1, 9), st.integers(1, 30), st.integers(1, 12)), max_size=12
)


def disjoint(boxes):
  """Blocks `x0 x1 z0 z1`, those left out that overlap an earlier one."""
  kept = []
  for x, width, z, depth in boxes:
    block = (float(x), float(x + width), float(z), float(z + depth))
    if all(overlap(block, other) == 0 for other in kept):
      kept.append(block)
  return kept


def entries(block, slope):
  """Distance `z` at which a ray `x = slope * z` from the camera enters a block; None if it passes
  by.
  """
  x0, x1, z0, z1 = block
  low, high = z0, z1
  if slope == 0:
    return low if x0 < 0 < x1 else None
  first, last = sorted((x0 / slope, x1 / slope))
  low, high = max(low, first), min(high, last)
  return low if low < high - 1e-9 else None


@settings(deadline=None)
@given(blocks)
def test_along_every_ray_from_the_camera_the_nearer_is_painted_later(boxes):
  standing = disjoint(boxes)
  order = [
    item.block for item in far_to_near([Item(block, 1.0, lambda: None) for block in standing])
  ]
  assert sorted(order) == sorted(standing)
  for slope in np.linspace(-3, 3, 61):
    hit = [(entries(block, slope), index) for index, block in enumerate(order)]
    distances = [distance for distance, _ in hit if distance is not None]
    assert distances == sorted(distances, reverse=True)


@settings(deadline=None, max_examples=40)
@given(blocks)
def test_what_a_ray_meets_first_may_hide_what_it_meets_later(boxes):
  standing = disjoint(boxes)
  for slope in np.linspace(-3, 3, 31):
    for front in standing:
      for back in standing:
        near, far = entries(front, slope), entries(back, slope)
        if near is not None and far is not None and near < far:
          assert may_hide(np.array([front]), np.array([back])).all()


def test_no_items_have_an_order_too():
  assert far_to_near([]) == []


def test_ground_refuses_taken_places_those_outside_the_image_and_hidden_ones():
  ground = Ground(CAMERA)
  assert ground.fits((-1.0, 1.0, 10.0, 14.0))
  assert not ground.fits((-1.0, 1.0, 1.0, 2.0))  # under the bonnet
  assert not ground.fits((30.0, 31.0, 10.0, 14.0))
  ground.occupy((-1.0, 1.0, 10.0, 14.0))
  assert not ground.fits((0.5, 2.0, 12.0, 13.0))
  assert not ground.fits((-0.5, 0.5, 20.0, 21.0))  # behind it
  assert ground.fits((-0.5, 0.5, 6.0, 7.0)) and ground.fits((4.0, 5.0, 20.0, 21.0))
  assert ground.fits((-0.5, 0.5, 20.0, 21.0), seen=0.0)


def test_what_does_not_cover_hides_nothing():
  ground = Ground(CAMERA)
  ground.occupy((-1.0, 1.0, 10.0, 14.0), covers=False)
  assert ground.fits((-0.5, 0.5, 20.0, 21.0)) and not ground.fits((0.5, 2.0, 12.0, 13.0))


@pytest.mark.parametrize("height, count", [(0.0, 0), (2.0, 2)])
def test_shadows_fall_below_and_beside_what_has_a_height(height, count):
  canvas = stage()
  cast_shadow(canvas, NOON, Item((-1.0, 1.0, 10.0, 12.0), height, lambda: None))
  assert len(canvas.shadows) == count
