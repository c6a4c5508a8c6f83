import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jppf_jax.street_scenes.camera import NEAR, Camera

CAMERA = Camera((100, 200), 150.0, 1.5, 40.0, 0.0)
YAWS = st.floats(-0.4, 0.4)


def test_a_point_straight_ahead_at_eye_height_lies_on_the_horizon():
  xy, depth = CAMERA.project(np.array([0.0, 1.5, 10.0]))
  np.testing.assert_allclose(xy, [100, 40])
  assert depth == 10
  xy, _ = CAMERA.project(
    np.array([2.0, 0.0, 10.0])
  )  # 2 m to the right and 1.5 m down are 30 and 22.5 pixels
  np.testing.assert_allclose(xy, [130, 62.5])


@given(YAWS)
def test_the_ground_under_a_pixel_projects_back_to_its_centre(yaw):
  camera = Camera((100, 200), 150.0, 1.5, 40.0, yaw)
  x, z, depth = camera.ground()
  xy, again = camera.project(np.stack([x, np.zeros_like(x), z], -1)[45:])
  np.testing.assert_allclose(
    xy[..., 0], np.broadcast_to(np.arange(200) + 0.5, (55, 200)), atol=1e-6
  )
  np.testing.assert_allclose(
    xy[..., 1], np.broadcast_to(np.arange(45, 100)[:, None] + 0.5, (55, 200)), atol=1e-6
  )
  np.testing.assert_allclose(again, np.broadcast_to(depth[45:], again.shape))


@given(YAWS, st.floats(2, 50))
def test_the_ends_of_the_visible_range_lie_on_the_image_border(yaw, z):
  camera = Camera((100, 200), 150.0, 1.5, 40.0, yaw)
  ends = np.array([[x, 0.0, z] for x in camera.visible_range(z)])
  np.testing.assert_allclose(camera.project(ends)[0][:, 0], [0, 200], atol=1e-6)


def test_clipping_keeps_what_is_before_the_camera_and_cuts_the_rest():
  square = np.array([[-1, 0, -2], [1, 0, -2], [1, 0, 2], [-1, 0, 2]], np.float64)
  clipped = CAMERA.clip(square)
  assert (
    clipped[:, 2].min() == pytest.approx(NEAR) and clipped[:, 2].max() == 2 and len(clipped) == 4
  )
  np.testing.assert_array_equal(CAMERA.clip(square + [0, 0, 9]), square + [0, 0, 9])
  assert CAMERA.clip(square - [0, 0, 9]).shape == (0, 3)
