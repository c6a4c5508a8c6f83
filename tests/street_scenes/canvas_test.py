import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jppf_jax.street_scenes.canvas import hull
from tests.scene_stage import CAMERA, labels, stage

RED = (1.0, 0.0, 0.0)
points = st.lists(st.tuples(st.floats(0, 9), st.floats(0, 9)), min_size=3, max_size=12)


def box(x0, y0, x1, y1):
  return [x0, y0, x1, y0, x1, y1, x0, y1]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 200), st.integers(0, 90), st.integers(1, 50), st.integers(1, 30))
def test_the_label_of_a_pixel_is_what_covers_its_centre(x, y, width, height):
  canvas = stage()
  canvas.brush(7).polygon(box(x, y, x + width, y + height), 1.0, RED)
  expected = np.zeros(CAMERA.size, int)
  expected[y : y + height, x : x + width] = 7
  np.testing.assert_array_equal(labels(canvas), expected)


def test_what_is_drawn_later_is_nearer_also_where_one_looks_through_it():
  canvas = stage()
  far, veil, near = canvas.brush(11), canvas.brush(13), canvas.brush(17)
  far.polygon(box(0, 0, 100, 100), 9.0, RED)
  veil.polygon(box(20, 20, 80, 80), 5.0, None)
  near.polygon(box(40, 40, 60, 60), 2.0, RED)
  uids = labels(canvas)
  assert (uids[10, 10], uids[30, 30], uids[50, 50]) == (11, 13, 17)
  paint, label = canvas.marks()
  assert paint[90, 90] == paint[30, 30] != label[90, 90]  # the colour is that of the far one


def test_thin_things_still_leave_a_mark():
  canvas = stage()
  brush = canvas.brush(17)
  brush.line([10.5, 10.5, 10.5, 60.5], 0.01, 5.0, RED)
  brush.ellipse(50.5, 50.5, 0.01, 0.01, 5.0, RED)
  uids = labels(canvas)
  assert (uids[11:60, 10] == 17).all() and uids[50, 50] == 17


def test_faces_behind_or_beside_the_camera_are_left_out():
  canvas = stage()
  square = np.array([[-1, 0, 0], [1, 0, 0], [1, 2, 0], [-1, 2, 0]], np.float64)
  brush = canvas.brush(11)
  brush.faces(np.stack([square - [0, 0, 5], square + [300, 0, 5]]), [RED, RED])
  brush.face(square - [0, 0, 5], RED)
  assert not labels(canvas).any()
  brush.faces(np.stack([square + [0, 0, 5]]), [RED])
  assert (labels(canvas) == 11).any()


@given(points)
def test_the_hull_holds_all_points_and_turns_one_way(cloud):
  corners = np.array(hull(cloud)).reshape(-1, 2)
  if len(corners) < 3:  # all points on a line
    return
  edges = np.roll(corners, -1, 0) - corners
  for point in np.array(cloud):
    offset = point - corners
    assert (edges[:, 0] * offset[:, 1] - edges[:, 1] * offset[:, 0] >= -1e-6).all()
  assert {tuple(corner) for corner in corners.tolist()} <= set(cloud)
