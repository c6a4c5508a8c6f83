import numpy as np
import pytest
from PIL import Image

from jppf_jax.conversion.compose import compose
from jppf_jax.labels import spec_names, uids
from jppf_jax.labels.formats import palette
from tests.conversion import scenes

SIZE = (6, 9)
COLORS = {"floor": (1, 2, 3), "robot": (200, 0, 0), "robot/arm": (0, 200, 0), "box": (0, 0, 200)}
LABELMAP = "# label:color_rgb:parts:actions\nbackground:0,0,0::\n" + "".join(
  f"{name}:{','.join(map(str, color))}::\n" for name, color in COLORS.items()
)


@pytest.fixture
def names(tmp_path):
  return spec_names.load(scenes.write_spec(tmp_path))


def write_palette(path, indices, colors):
  image = Image.fromarray(indices.astype(np.uint8))
  image.putpalette([channel for color in colors for channel in color])
  image.save(path)


def uids_of(folder, names, *, objects=True, imply=True):
  labelmap = palette.read_labelmap(folder)
  numbers = folder / "o.png" if objects else None
  labelled = palette.read(folder / "c.png", numbers, labelmap, names, parts_imply_objects=imply)
  return compose(labelled.size, labelled.regions, names)


def classes():
  """Class names per pixel: an arm and a robot of one object, a lone arm, two boxes, a border."""
  labels = np.full(SIZE, "floor", object)
  labels[1:4, 1:4] = "robot"
  labels[1:2, 1:4] = "robot/arm"
  labels[1:3, 5:6] = "robot/arm"
  labels[4:, 0:2] = "box"
  labels[4:, 2:4] = "box"
  numbers = np.zeros(SIZE, np.uint8)
  numbers[1:4, 1:4], numbers[1:3, 5:6], numbers[4:, 0:2], numbers[4:, 2:4] = 3, 4, 7, 8
  return labels, numbers


def expected(*, imply):
  labels = np.full(SIZE, 1, np.int32)
  labels[1:4, 1:4] = 2_003
  labels[1:2, 1:4] = 200_301 if imply else 0
  labels[1:3, 5:6] = 200_401 if imply else 0
  labels[4:, 0:2], labels[4:, 2:4] = 4_007, 4_008
  return labels


@pytest.mark.parametrize("as_palette", [True, False])
def test_colours_of_the_label_map_are_classes_and_objects_keep_their_numbers(
  tmp_path, names, as_palette
):
  labels, numbers = classes()
  (tmp_path / "labelmap.txt").write_text(LABELMAP)
  order = list(COLORS)
  indices = np.vectorize(order.index)(labels)
  table = np.array(list(COLORS.values()), np.uint8)
  if as_palette:
    write_palette(tmp_path / "c.png", indices, table.tolist())
    write_palette(tmp_path / "o.png", numbers, [(number, 0, 9) for number in range(20)])
  else:
    Image.fromarray(table[indices]).save(tmp_path / "c.png")
    shades = np.stack([numbers * 10, numbers, numbers], -1)
    Image.fromarray(shades).save(tmp_path / "o.png")
  found = uids_of(tmp_path, names)
  assert not found.problems
  if as_palette:
    np.testing.assert_array_equal(found.uids, expected(imply=True))
  else:  # colours are counted, here in the order of the numbers
    places = np.searchsorted([0, 3, 4, 7, 8], numbers)
    sid, iid, pid = uids.decode(expected(imply=True))
    iid = np.where(iid < 0, -1, places)
    np.testing.assert_array_equal(found.uids, uids.encode(sid, iid, pid))


def test_in_cvat_a_part_is_not_part_of_an_object_that_it_only_touches(tmp_path, names):
  labels, numbers = classes()
  (tmp_path / "labelmap.txt").write_text(LABELMAP)
  table = np.array(list(COLORS.values()), np.uint8)
  Image.fromarray(table[np.vectorize(list(COLORS).index)(labels)]).save(tmp_path / "c.png")
  Image.fromarray(numbers).save(tmp_path / "o.png")
  found = uids_of(tmp_path, names, imply=False)
  np.testing.assert_array_equal(found.uids, expected(imply=False))
  assert {(one.kind, one.pixels) for one in found.problems} == {
    ("part outside its object", 3),
    ("part outside its object", 2),
  }


def test_without_objects_things_are_crowds_and_that_is_said(tmp_path, names):
  (tmp_path / "class_names.txt").write_text("__ignore__\n_background_\nbox\nfloor\n")
  Image.fromarray(np.array([[0, 1, 2, 255]], np.uint8)).save(tmp_path / "c.png")
  labelled = palette.read(
    tmp_path / "c.png", None, palette.read_labelmap(tmp_path), names, parts_imply_objects=True
  )
  assert labelled.note == palette.NO_OBJECTS
  assert uids_of(tmp_path, names, objects=False).uids.tolist() == [[0, 4, 1, 0]]


def test_without_a_list_of_names_the_indices_are_those_of_voc(tmp_path):
  Image.fromarray(np.array([[0, 15, 255, 7, 30, 15]], np.uint8)).save(tmp_path / "c.png")
  objects = np.array([[0, 2, 255, 0, 0, 255]])
  write_palette(tmp_path / "o.png", objects, [(index, 0, 0) for index in range(256)])
  found = uids_of(tmp_path, spec_names.load("ppp"))
  person, car = 15, 7
  assert found.uids.tolist() == [[0, person * 1000 + 2, 0, car, 0, person]]
  assert [(one.kind, one.name) for one in found.problems] == [("unknown name", "index 30")]


def test_a_colour_that_the_label_map_does_not_have_is_an_unknown_name(tmp_path, names):
  (tmp_path / "labelmap.txt").write_text(LABELMAP)
  colors = np.array([[(9, 9, 9), (224, 224, 192), (0, 0, 0), (1, 2, 3)]], np.uint8)
  Image.fromarray(colors).save(tmp_path / "c.png")
  found = uids_of(tmp_path, names, objects=False)
  assert found.uids.tolist() == [[0, 0, 0, 1]]
  assert [(one.kind, one.name) for one in found.problems] == [("unknown name", "colour 9,9,9")]


@pytest.mark.parametrize("line, sid", [("unlabelled: floor", 1), ("background: wall", 7), ("", 0)])
def test_the_background_is_unlabelled_or_what_the_yaml_says(tmp_path, line, sid):
  known = spec_names.load(scenes.write_spec(tmp_path, f"{scenes.SPEC}  {line}\n"))
  (tmp_path / "labelmap.txt").write_text("background\nbox\n")
  Image.fromarray(np.array([[0, 1, 255]], np.uint8)).save(tmp_path / "c.png")
  found = uids_of(tmp_path, known, objects=False)
  assert found.uids.tolist() == [[sid, 4, 0]]  # 255 is void
  assert not found.problems


@pytest.mark.parametrize(
  "text, message",
  [
    ("box:1,2\n", "labelmap.txt: 'box:1,2', expected name:red,green,blue"),
    ("box:1,2,3::\nbin:1,2,3::\n", "'box' and 'bin' have the same colour \\(1, 2, 3\\)"),
  ],
)
def test_a_wrong_label_map_is_refused(tmp_path, text, message):
  (tmp_path / "labelmap.txt").write_text(text)
  with pytest.raises(ValueError, match=message):
    palette.read_labelmap(tmp_path)


def test_plain_names_are_those_of_the_indices(tmp_path):
  (tmp_path / "labelmap.txt").write_text("background\nbox\n")
  assert palette.read_labelmap(tmp_path).by_index == {0: "background", 1: "box"}


def test_colours_without_a_label_map_and_masks_of_two_sizes_are_refused(tmp_path, names):
  Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(tmp_path / "c.png")
  with pytest.raises(ValueError, match="has colours, and no labelmap.txt"):
    uids_of(tmp_path, names, objects=False)
  Image.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / "c.png")
  Image.fromarray(np.zeros((2, 3), np.uint8)).save(tmp_path / "o.png")
  with pytest.raises(ValueError, match="has shape \\(2, 3\\), .* has \\(2, 2\\)"):
    uids_of(tmp_path, names)
