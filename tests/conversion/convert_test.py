"""Each tool's folder becomes the same photos and uids, and what is wrong is said."""

import base64
import json
from functools import partial

import numpy as np
import pytest
from PIL import ExifTags, Image

from jppf_jax.conversion import compose
from jppf_jax.conversion.convert import convert
from jppf_jax.conversion.init import init
from jppf_jax.labels import spec_names
from jppf_jax.labels.formats import files
from tests.conversion import scenes, tool_folders

WRITERS = {
  "labelme": tool_folders.labelme,
  "coco": tool_folders.coco,
  "cvat": tool_folders.cvat,
  "voc": lambda folder: tool_folders.masks(folder, colors=False),
}


def converted(tmp_path, tool, source, **options):
  spec = scenes.write_spec(tmp_path / "spec")
  return convert(tool, source, spec, tmp_path / "out", **options)


def labels(tmp_path, name="a"):
  return files.read_uids(tmp_path / "out" / "labels" / f"{name}.tif")


@pytest.mark.parametrize("tool", WRITERS)
def test_the_same_scene_of_each_tool_becomes_the_same_uids(tmp_path, tool):
  source = WRITERS[tool](tmp_path / "src")
  report = converted(tmp_path, tool, source)
  assert (report.written, report.failures) == (["a"], [])
  found = labels(tmp_path)
  if tool == "voc":  # it numbers objects through all classes
    found = np.where(found == 4_002, 4_001, found)
  np.testing.assert_array_equal(found, tool_folders.expected())
  (photo,) = source.rglob("*.jpg")
  assert (tmp_path / "out/photos/a.jpg").read_bytes() == photo.read_bytes()
  assert (tmp_path / "out/warehouse.yaml").read_text() == scenes.SPEC
  assert not list((tmp_path / "out").rglob(".*"))


def test_masks_of_cvat_have_no_parts_and_that_is_said(tmp_path):
  report = converted(tmp_path, "cvat", tool_folders.masks(tmp_path / "src", colors=True))
  expected = tool_folders.expected()
  expected = np.where(expected == 200_101, 0, expected)
  found = np.where(labels(tmp_path) == 4_002, 4_001, labels(tmp_path))
  np.testing.assert_array_equal(found, expected)
  assert report.counts == {compose.OUTSIDE: {"regions": 1, "pixels": 18, "images": 1}}


def test_cityscapes_polygons_become_instance_ids(tmp_path):
  source = tool_folders.cityscapes(tmp_path / "src")
  report = convert("cityscapes", source, "cityscapes", tmp_path / "out")
  assert report.written == ["town_1_2"]
  cars = {1: 7, 2_001: 26_000, 200_101: 26_000, 4_001: 26_001}
  expected = np.vectorize(cars.get)(tool_folders.expected())
  np.testing.assert_array_equal(labels(tmp_path, "town_1_2"), expected)
  assert (tmp_path / "out/photos/town_1_2.png").is_file()
  assert not list((tmp_path / "out").glob("*.yaml"))


def test_a_split_has_folders_and_a_report_of_its_own(tmp_path):
  for split in ("train", "validation"):
    source = tool_folders.labelme(tmp_path / split, names=(split[0],))
    converted(tmp_path, "labelme", source, split=split)
  out = tmp_path / "out"
  assert sorted(path.name for path in out.glob("*.txt")) == [
    "conversion_train.txt",
    "conversion_validation.txt",
  ]
  assert (out / "photos/validation/v.jpg").is_file()
  assert (out / "labels/train/t.tif").is_file()


def change(path, **changes):
  path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_photo_in_the_file_is_used_if_there_is_no_other(tmp_path):
  source = tool_folders.labelme(tmp_path / "src")
  content = (source / "a.jpg").read_bytes()
  (source / "a.jpg").unlink()
  report = converted(tmp_path, "labelme", source)
  assert "a.json: there is no photo 'a.jpg' in" in report.failures[0]
  assert "nor is it in the file (imageData)" in report.failures[0]
  assert report.written == []
  change(source / "a.json", imageData=base64.b64encode(content).decode())
  assert converted(tmp_path, "labelme", source).written == ["a"]
  assert (tmp_path / "out/photos/a.jpg").read_bytes() == content


def test_photos_may_lie_elsewhere(tmp_path):
  source = tool_folders.labelme(tmp_path / "src")
  (tmp_path / "elsewhere").mkdir()
  (source / "a.jpg").rename(tmp_path / "elsewhere" / "a.jpg")
  assert converted(tmp_path, "labelme", source, photos=tmp_path / "elsewhere").written == ["a"]


def test_a_turned_photo_and_its_labels_are_written_upright(tmp_path):
  """LabelMe shows the photo as EXIF says, and so do the labels lie."""
  source = tool_folders.labelme(tmp_path / "src")
  upright = np.random.default_rng(0).integers(0, 255, (*tool_folders.SIZE, 3), np.uint8)
  exif = Image.Exif()
  exif[ExifTags.Base.Orientation] = 6
  Image.fromarray(np.rot90(upright)).save(source / "a.png", exif=exif)
  (source / "a.jpg").unlink()
  change(source / "a.json", imagePath="a.png")
  assert not converted(tmp_path, "labelme", source).failures
  with Image.open(tmp_path / "out/photos/a.png") as photo:
    np.testing.assert_array_equal(np.asarray(photo), upright)
  np.testing.assert_array_equal(labels(tmp_path), tool_folders.expected())


def turn(source, orientation):
  """Marks the photo of a scene as turned; its labels lie as the pixels are stored."""
  exif = Image.Exif()
  exif[ExifTags.Base.Orientation] = orientation
  (path,) = source.rglob("a.jpg")
  with Image.open(path) as photo:
    photo.save(path, exif=exif)


def test_labels_of_stored_pixels_are_turned_with_their_photo_and_so_are_the_places(tmp_path):
  source = tool_folders.coco(tmp_path / "src")
  turn(source, 6)
  path = source / "annotations" / "instances_default.json"
  path.write_text(path.read_text().replace('"box"', '"boxx"'))
  report = converted(tmp_path, "coco", source)
  assert (report.written, report.pictures) == (["a"], 1)
  stored = tool_folders.expected()
  expected = np.rot90(np.where(stored == 4_001, 0, stored), -1)
  np.testing.assert_array_equal(labels(tmp_path), expected)
  with Image.open(tmp_path / "out/photos/a.png") as photo:
    assert photo.size == expected.shape[::-1]
  with Image.open(tmp_path / "out/conversion/a.jpg") as picture:
    height, width = expected.shape
    red, green, _ = np.moveaxis(np.asarray(picture)[:height, :width].astype(int), -1, 0)
  boxes = np.rot90(stored == 4_001, -1)
  assert (red - green)[boxes].mean() > 110  # the unknown box has a colour, the photo is grey


@pytest.mark.parametrize(
  "tool, write, failures",
  [
    ("coco", tool_folders.coco, 1),
    ("cvat", tool_folders.cvat, 0),
    ("voc", partial(tool_folders.masks, colors=False), 1),
    ("cvat", partial(tool_folders.masks, colors=True), 0),
  ],
)
def test_a_half_turn_is_clear_only_if_the_tool_shows_photos_upright(
  tmp_path, tool, write, failures
):
  source = write(tmp_path / "src")
  turn(source, 3)
  assert len(converted(tmp_path, tool, source).failures) == failures


def test_one_bad_file_is_listed_and_the_others_are_converted(tmp_path):
  source = tool_folders.labelme(tmp_path / "src", names=("a", "bad size", "bad shape", "é", "leer"))
  change(source / "bad size.json", imageHeight=13)
  change(source / "bad shape.json", shapes=[{"label": 3}])
  change(source / "leer.json", shapes=[])
  (source / "broken.json").write_text('{"shapes": [')
  (source / "other.json").write_text("{}")
  report = converted(tmp_path, "labelme", source)
  assert report.written == ["a", "é"]
  assert report.empty == [str(source / "leer.json")]
  failures = "\n".join(report.failures)
  for message in (
    "bad size.json: the labels have height and width (13, 20), the photo has (12, 20)",
    "bad shape.json: shape 0: its label is 3, expected text",
    "broken.json is not a JSON file",
  ):
    assert message in failures
  assert failures.count("broken.json") == 1
  assert len(report.failures) == 3
  assert list(report.notes) == [f"1 JSON file not of LabelMe, e.g. {source / 'other.json'}"]


def test_what_uids_cannot_express_is_listed_counted_and_drawn(tmp_path):
  source = tool_folders.labelme(tmp_path / "src")
  content = json.loads((source / "a.json").read_text())
  content["shapes"][1]["label"] = "robto"
  change(source / "a.json", shapes=content["shapes"])
  report = converted(tmp_path, "labelme", source)
  uids = labels(tmp_path)
  assert not ((uids // 1000 == 2) | (uids // 100_000 == 2)).any()
  text = (tmp_path / "out/conversion.txt").read_text()
  assert "'robto', 1 time; did you mean robot?" in text
  assert (
    "a: part outside its object: 'robot/arm', 18 of 18 pixels, columns 3 to 8, rows 2 to 4" in text
  )
  written = json.loads((tmp_path / "out/conversion.json").read_text())
  assert written["unknown_names"] == {"robto": 1}
  assert [place["kind"] for place in written["places"]] == [compose.UNKNOWN, compose.OUTSIDE]
  assert written["counts"][compose.UNKNOWN] == {"regions": 1, "pixels": 48, "images": 1}
  assert (tmp_path / "out/conversion/a.jpg").is_file()
  assert report.pictures == 1


def test_photos_without_labels_or_shapes_and_points_outside_are_counted(tmp_path):
  source = tool_folders.labelme(tmp_path / "src", names=("a", "b", "c"))
  (source / "broken.json").write_text('{"shapes": [')
  for name in ("new", "broken", "sub/new"):
    scenes.write_photo(source / f"{name}.jpg", tool_folders.SIZE)
  change(source / "b.json", shapes=[])
  shapes = json.loads((source / "c.json").read_text())["shapes"]
  for shape, x in zip(shapes, (20, 21.5, -2)):  # the first is on the border
    shape["points"][0][0] = x
  change(source / "c.json", shapes=shapes)
  spec = scenes.write_spec(tmp_path / "spec", scenes.FILLS)
  report = convert("labelme", source, spec, tmp_path / "out")
  assert report.written == ["a", "b", "c"]
  assert report.without_labels == ["new.jpg", "sub/new.jpg"]
  assert (report.without_shapes, report.outside) == (["b"], {"c": 2})
  assert (labels(tmp_path, "b") == 1).all()
  written = json.loads((tmp_path / "out/conversion.json").read_text())
  assert written["photos_without_labels"] == ["new.jpg", "sub/new.jpg"]
  assert (written["photos_without_shapes"], written["points_outside"]) == (["b"], {"c": 2})
  text = (tmp_path / "out/conversion.txt").read_text()
  assert "2 photos without labels, left out: new.jpg, sub/new.jpg\n" in text
  (tmp_path / "src/broken.json").unlink()
  said = "\n".join(init(source).lines)
  assert "3 photos without labels, left out: broken.jpg, new.jpg, sub/new.jpg" in said
  assert "1 photo without a shape, all unlabelled: b" in said
  assert "Points outside the image: 2 shapes in 1 photo: c" in said


@pytest.mark.parametrize("tool", ["coco", "cvat", "cityscapes"])
def test_points_of_polygons_outside_are_reported_for_each_tool_that_has_polygons(tmp_path, tool):
  source = tool_folders.cityscapes if tool == "cityscapes" else tool_folders.coco
  folder = source(tmp_path / "src")
  (path,) = folder.rglob("*.json")
  content = json.loads(path.read_text())
  if tool == "cityscapes":
    content["objects"][1]["polygon"][0][0] = -9
  else:
    content["annotations"][1]["segmentation"][0][0] = -9
  path.write_text(json.dumps(content))
  spec = "cityscapes" if tool == "cityscapes" else scenes.write_spec(tmp_path / "spec")
  report = convert(tool, folder, spec, tmp_path / "out")
  (name,) = report.written
  line = f"Points outside the image: 1 shape in 1 photo: {name}"
  assert line in list(report.lines(spec_names.load(spec)))
  assert line in init(folder, spec=spec).lines


def test_labels_may_not_be_written_into_what_is_read(tmp_path):
  source = tool_folders.labelme(tmp_path / "src")
  spec = scenes.write_spec(tmp_path / "spec")
  with pytest.raises(FileExistsError, match="results would join"):
    convert("labelme", source, spec, source / "out")


def test_a_photo_that_changed_its_kind_is_not_there_twice(tmp_path):
  source = tool_folders.labelme(tmp_path / "src")
  converted(tmp_path, "labelme", source)
  (source / "a.jpg").unlink()
  scenes.write_photo(source / "a.png", tool_folders.SIZE)
  change(source / "a.json", imagePath="a.png")
  converted(tmp_path, "labelme", source)
  assert [path.name for path in (tmp_path / "out/photos").iterdir()] == ["a.png"]
