import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from jppf_jax.conversion.compose import compose
from jppf_jax.labels import spec_names
from jppf_jax.labels.formats import labelme
from tests.conversion import scenes


def shape(points=((1, 1), (4, 1), (4, 3)), **changes):
  about = {"label": "box", "points": [list(point) for point in points], "shape_type": "polygon"}
  return about | changes


def write(path, *shapes, **changes):
  content = {"shapes": list(shapes), "imagePath": "a.jpg", "imageHeight": 6, "imageWidth": 8}
  path.write_text(json.dumps(content | changes))
  return path


def png(mask):
  file = io.BytesIO()
  Image.fromarray(mask).save(file, format="PNG")
  return base64.b64encode(file.getvalue()).decode()


def drawn(tmp_path, one):
  (region,) = labelme.read(write(tmp_path / "a.json", one)).regions((6, 8))
  return region.draw()


def test_shapes_of_each_type_have_the_pixels_that_labelme_gives_them(tmp_path):
  """Known by labelme 5.5's `shape_to_mask`."""
  rectangle = np.zeros((6, 8), bool)
  rectangle[1:4, 2:6] = True
  found = drawn(tmp_path, shape([(5, 3), (2, 1)], shape_type="rectangle"))
  np.testing.assert_array_equal(found, rectangle)
  triangle = drawn(tmp_path, shape([(1, 1), (4, 1), (1, 4)], shape_type=None))
  assert [row.sum() for row in triangle] == [0, 4, 3, 2, 1, 0]
  circle = drawn(tmp_path, shape([(4, 3), (4, 1)], shape_type="circle"))
  assert [row.sum() for row in circle] == [0, 3, 5, 5, 5, 3]
  stamp = np.array([[True, False], [True, True]])
  mask = drawn(tmp_path, shape([(6.0, 4.0), (7.0, 5.0)], shape_type="mask", mask=png(stamp)))
  np.testing.assert_array_equal(mask[4:, 6:], stamp)
  assert mask.sum() == 3


@pytest.mark.parametrize("kind", ["line", "linestrip", "point", "points"])
def test_what_has_no_area_has_no_pixel(tmp_path, kind):
  assert not drawn(tmp_path, shape(shape_type=kind)).any()


def test_a_shape_says_its_name_its_group_and_whether_it_is_a_crowd(tmp_path):
  shapes = [shape(group_id=5), shape(label="robot/arm"), shape(flags={"crowd": True})]
  first, second, third = labelme.read(write(tmp_path / "a.json", *shapes)).regions((6, 8))
  assert (first.name, first.group, first.crowd) == ("box", 5, False)
  assert (second.name, second.group) == ("robot/arm", None)
  assert third.crowd


def test_a_file_says_where_its_photo_is_or_holds_it(tmp_path):
  data = base64.b64encode(b"photo").decode()
  changes = {"imagePath": "..\\photos\\ä.jpg", "imageData": data}
  file = labelme.read(write(tmp_path / "a.json", **changes))
  assert (file.size, file.image_path, file.image_data) == ((6, 8), "../photos/ä.jpg", b"photo")
  assert labelme.read(write(tmp_path / "a.json", imageHeight=None, imageWidth=None)).size is None


@pytest.mark.parametrize(
  "changes, message",
  [
    ({"shapes": 3}, 'is no LabelMe file: expected {"shapes"'),
    ({"shapes": [3]}, "a shape is \\[3\\], expected label"),
    ({"imagePath": 3}, "imagePath is 3, expected the name of a file"),
    ({"imageHeight": "6"}, "imageHeight and imageWidth are \\('6', 8\\)"),
    ({"imageHeight": 0}, "expected pixels"),
    ({"imageData": "ä"}, "imageData is no base64 text"),
    ({"imageData": 7}, "imageData is 7, expected base64"),
  ],
)
def test_a_file_that_is_not_labelmes_is_refused(tmp_path, changes, message):
  with pytest.raises(ValueError, match=f"a.json.*{message}"):
    labelme.read(write(tmp_path / "a.json", **changes))


@pytest.mark.parametrize(
  "changes, message",
  [
    ({"label": 3}, "shape 1: its label is 3, expected text"),
    ({"group_id": [1]}, "shape 1: its group_id is \\[1\\]"),
    ({"points": "x"}, "shape 1: the points are \\[\\['x'\\]\\]"),
    ({"shape_type": "star"}, "shape 1: its shape_type is 'star', expected polygon"),
    ({"shape_type": "circle"}, "shape 1: a circle with 3 points, expected 2"),
  ],
)
def test_a_shape_that_is_not_labelmes_is_refused(tmp_path, changes, message):
  file = labelme.read(write(tmp_path / "a.json", shape(), shape(**changes)))
  with pytest.raises(ValueError, match=message):
    file.regions((6, 8))


@pytest.mark.parametrize(
  "mask, corner", [(None, (0, 0)), ("!", (0, 0)), (png(np.eye(2) > 0), (-1, 0))]
)
def test_a_mask_that_cannot_be_placed_is_refused(tmp_path, mask, corner):
  one = shape([corner, (7, 5)], shape_type="mask", mask=mask)
  with pytest.raises(ValueError, match="shape 0: its mask"):
    labelme.read(write(tmp_path / "a.json", one)).regions((6, 8))


@pytest.mark.parametrize("spec", [scenes.SPEC, scenes.FILLS, scenes.RESTS])
@pytest.mark.parametrize("size", [(15, 21), (22, 13), (1, 9), (9, 1)])
def test_polygons_restore_each_uid(tmp_path, size, spec):
  """Exactly: objects, their numbers, crowds, parts, unknown parts, holes, single pixels."""
  names = spec_names.load(scenes.write_spec(tmp_path, spec))
  rng = np.random.default_rng(size[0])
  for _ in range(2):
    uids = scenes.random_uids(rng, size)
    labelme.write(tmp_path / "b.json", uids, names, "b.jpg")
    file = labelme.read(tmp_path / "b.json")
    assert (file.size, file.image_path) == (size, "b.jpg")
    composed = compose(size, file.regions(size), names)
    np.testing.assert_array_equal(composed.uids, uids)
    assert not composed.problems  # what lies in a hole lies there on purpose


def test_void_is_drawn_only_where_something_would_cover_it(tmp_path):
  uids = np.zeros((12, 12), np.int32)
  uids[2:8, 2:8] = 4_001
  names = spec_names.load(scenes.write_spec(tmp_path))

  def labels(of_uids, known):
    labelme.write(tmp_path / "b.json", of_uids, known, "b.jpg")
    return [entry["label"] for entry in labelme.read(tmp_path / "b.json").shapes]

  assert labels(uids, names) == ["box"]
  uids[4:6, 4:6] = 0
  assert labels(uids, names) == ["box", "void"]
  uids[3, 4], uids[7, 4:6] = 1, 0  # another hole, and the box is open below
  assert labels(uids, names) == ["box", "void", "floor"]
  uids[6, 4:6] = 0
  assert labels(uids, names) == ["box", "floor"]
  uids[3, 4], uids[6:8, 4:6] = 4_001, 4_001
  fills = spec_names.load(scenes.write_spec(tmp_path, scenes.FILLS))
  assert labels(uids, fills) == ["void", "box", "void"]


def test_small_pieces_are_left_out_if_asked(tmp_path):
  uids = np.zeros((12, 20), np.int32)
  uids[:, :10], uids[2:8, 2:8], uids[3:7, 3:7], uids[4, 4] = 1, 200_101, 200_103, 0
  uids[10, 15] = 4_001
  names = spec_names.load(scenes.write_spec(tmp_path))

  def labels(**options):
    labelme.write(tmp_path / "b.json", uids, names, "b.jpg", **options)
    return [entry["label"] for entry in labelme.read(tmp_path / "b.json").shapes]

  whole = ["floor", "robot", "void", "box", "robot/arm", "robot/wheel"]
  assert labels() == whole
  assert labels(min_area=2) == ["floor", "robot", "robot/arm", "robot/wheel"]
  assert labels(min_area=17) == ["floor", "robot", "robot/arm"]


def test_a_shape_with_holes_says_so(tmp_path):
  uids = np.full((9, 9), 1, np.int32)
  uids[3:5, 3:5] = 4_001
  names = spec_names.load(scenes.write_spec(tmp_path))
  labelme.write(tmp_path / "b.json", uids, names, "b.jpg")
  file = labelme.read(tmp_path / "b.json")
  assert [entry["flags"] for entry in file.shapes] == [{"holes": True}, {}]
  assert [region.holes for region in file.regions((9, 9))] == [True, False]


def test_an_unknown_part_inside_of_a_part_stays_unknown(tmp_path):
  uids = np.full((9, 9), 200_101, np.int32)
  uids[3:5, 3:5] = 2_001
  names = spec_names.load(scenes.write_spec(tmp_path))
  labelme.write(tmp_path / "b.json", uids, names, "b.jpg")
  shapes = labelme.read(tmp_path / "b.json").shapes
  assert [entry["label"] for entry in shapes] == ["robot", "robot/arm", "robot/void"]
  assert [entry["group_id"] for entry in shapes] == [1, 1, 1]


@pytest.mark.parametrize("turns", range(4))
def test_a_bay_at_the_edge_of_the_photo_is_no_hole(tmp_path, turns):
  """Its box ends where that of the object does, so the object does not cover it."""
  uids = np.full((12, 12), 4_001, np.int32)
  uids[2:4, 2:4] = 0  # a hole
  uids[9:12, 5:8] = 0  # a bay
  names = spec_names.load(scenes.write_spec(tmp_path))
  labelme.write(tmp_path / "b.json", np.rot90(uids, turns), names, "b.jpg")
  _, *voids = labelme.read(tmp_path / "b.json").shapes
  assert [entry["label"] for entry in voids] == ["void"]
  assert np.ptp(voids[0]["points"], axis=0).tolist() == [1, 1]  # the hole, of 2 x 2


def test_void_has_no_group_even_if_its_uid_has_a_number(tmp_path):
  uids = np.full((9, 9), 4_001, np.int32)
  uids[3:5, 3:5] = 9_007  # a class that is left out
  names = spec_names.load(scenes.write_spec(tmp_path))
  labelme.write(tmp_path / "b.json", uids, names, "b.jpg")
  shapes = labelme.read(tmp_path / "b.json").shapes
  assert [(entry["label"], entry["group_id"]) for entry in shapes] == [("box", 1), ("void", None)]
