import numpy as np
import pytest
from scipy import ndimage

from jppf_jax.labels.formats import polygons

EDGES = ndimage.generate_binary_structure(2, 1)


def drawn(piece, size):
  return polygons.polygon([tuple(corner) for corner in piece.corners], size)


def masks():
  """Random masks of all densities, in pixels and in blocks, narrow ones too."""
  rng = np.random.default_rng(0)
  for number in range(30):
    size = tuple(map(int, rng.integers(1, 20, 2)))
    mask = rng.random(size) < rng.random()
    yield np.kron(mask, np.ones((3, 2), bool)) if number % 3 == 0 else mask


def test_a_piece_is_drawn_as_its_region_and_the_holes_of_it():
  for mask in masks():
    labels, count = ndimage.label(mask, EDGES)
    found = list(polygons.pieces(mask))
    assert len(found) == count
    for piece in found:
      x, y = piece.corners[0]
      region = labels == labels[y, x]
      filled = ndimage.binary_fill_holes(region, np.ones((3, 3)))
      np.testing.assert_array_equal(drawn(piece, mask.shape), filled)
      assert piece.hole == (filled != region).any()
      rows, columns = np.nonzero(region)
      assert piece.box == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


def test_pieces_of_several_masks_restore_each_pixel_in_the_order_of_their_extent():
  rng = np.random.default_rng(1)
  for _ in range(4):
    labels = rng.integers(0, 3, (12, 17))
    labels[3:9, 4:12] = 3
    labels[5:7, 6:9] = 0
    found = [(piece, number) for number in range(4) for piece in polygons.pieces(labels == number)]
    restored = np.full(labels.shape, -1)
    for piece, number in sorted(found, key=lambda entry: -entry[0].extent):
      restored[drawn(piece, labels.shape)] = number
    np.testing.assert_array_equal(restored, labels)


def test_a_polygon_has_corners_only():
  mask = np.zeros((30, 40), bool)
  mask[5:25, 10:30] = True
  (piece,) = polygons.pieces(mask)
  assert sorted(piece.corners) == [[10, 5], [10, 24], [29, 5], [29, 24]]


def test_a_cut_out_lies_where_it_was_cut():
  mask = np.zeros((9, 11), bool)
  mask[4:6, 7:10] = True
  (whole,), (cut,) = polygons.pieces(mask), polygons.pieces(mask[3:, 5:], (5, 3))
  assert cut == whole


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (5, 1)])
def test_lines_and_single_pixels_are_polygons_of_three_corners(size):
  (piece,) = polygons.pieces(np.ones(size, bool))
  assert len(piece.corners) >= 3
  assert drawn(piece, size).all()


def test_shapes_cover_the_pixels_whose_centres_they_hold():
  """The border belongs to a shape, as in LabelMe."""
  x, y = np.meshgrid(np.arange(20), np.arange(12))
  size = (12, 20)
  rectangle = (x >= 3) & (x <= 8) & (y >= 2) & (y <= 5)
  np.testing.assert_array_equal(polygons.rectangle((8, 5), (3, 2), size), rectangle)
  corners = [(3, 2), (8, 2), (8, 5), (3, 5)]
  np.testing.assert_array_equal(polygons.polygon(corners, size), rectangle)
  np.testing.assert_array_equal(polygons.filled_polygon(corners, size), rectangle)
  triangle = (x >= 2) & (y >= 1) & (x - 2 + y - 1 <= 8)
  np.testing.assert_array_equal(polygons.polygon([(2, 1), (10, 1), (2, 9)], size), triangle)
  circle = polygons.circle((10, 6), (14, 6), size)
  distance = np.hypot(x - 10, y - 6)
  assert circle[distance <= 4].all() and not circle[distance > 5].any()


@pytest.mark.parametrize("corners", [[], [(1, 1)], [(1, 1), (5, 5)]])
def test_fewer_than_three_corners_have_no_area(corners):
  assert not polygons.polygon(corners, (9, 9)).any()
  assert not polygons.filled_polygon(corners, (9, 9)).any()


@pytest.mark.parametrize(
  "values", [None, 3, [3], [[1]], [[1, 2, 3]], [[1, "a"]], [[1, 1e9]], [[True, 2]], [[1, None]]]
)
def test_what_is_no_list_of_points_is_refused(values):
  with pytest.raises(ValueError, match="the points are"):
    polygons.points(values)


@pytest.mark.parametrize("point, outside", [((8, 6), False), ((-1, 0), False), ((8.5, 0), True)])
def test_a_point_lies_outside_if_it_is_more_than_a_pixel_away(point, outside):
  assert polygons.reach_outside([(1, 1), point], (6, 8)) == outside
  assert polygons.reach_outside([point[::-1], (1, 1)], (8, 6)) == outside
  assert not polygons.reach_outside([], (6, 8))


def test_a_polygon_covers_what_lies_in_its_holes_only():
  labels = np.zeros((9, 12), int)
  labels[1:8, 1:8], labels[3, 3], labels[4:8, 5:7] = 1, 2, 3  # 3 lies in a notch
  labels[3, 10] = 4
  outer, *others = (next(polygons.pieces(labels == number)) for number in (1, 2, 3, 4))
  cover = polygons.Cover(outer)
  assert [cover.has(one) for one in (outer, *others)] == [False, True, False, False]
  (notch,) = polygons.pieces((labels == 3) & (np.arange(9) < 7)[:, None])
  assert not cover.has(notch)  # its box is inside, the piece is not


def test_the_extent_is_the_pixels_of_the_box():
  sizes = [(3, 10), (6, 6), (1, 11)]
  found = [next(polygons.pieces(np.ones(size, bool), (2, 5))).extent for size in sizes]
  assert found == [30, 36, 11]
