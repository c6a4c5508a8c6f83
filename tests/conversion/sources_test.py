import json
from functools import partial

import numpy as np
import pytest
from PIL import Image

from jppf_jax.conversion import sources
from jppf_jax.labels import spec_names
from jppf_jax.labels.formats import coco
from tests.conversion import scenes, tool_folders


@pytest.fixture
def names(tmp_path):
  return spec_names.load(scenes.write_spec(tmp_path / "spec"))


def find(tool, source, names, photos=None):
  return sources.find(tool, source, names, photos)


def test_photos_of_one_name_in_two_folders_are_told_apart(tmp_path, names):
  for folder in ("monday", "tuesday"):
    tool_folders.labelme(tmp_path / "src" / folder)
  tool_folders.labelme(tmp_path / "src" / "tuesday", names=("b",))
  found = find("labelme", tmp_path / "src", names)
  assert [labels.name for labels in found.labels] == ["monday_a", "tuesday_a", "b"]
  assert all(len(labels.load()[0]) > 100 for labels in found.labels)


def test_labels_that_would_get_one_name_are_refused(tmp_path, names):
  source = tool_folders.labelme(tmp_path / "src", names=("x_a",))
  for folder in ("x", "y"):
    tool_folders.labelme(source / folder)
  with pytest.raises(ValueError, match="(?s)would get one name.*x/a.json: x_a.*x_a.json: x_a"):
    find("labelme", source, names)


def test_labels_of_one_name_in_two_folders_of_cityscapes_are_refused(tmp_path, names):
  source = tool_folders.cityscapes(tmp_path / "src")
  (path,) = source.rglob("*.json")
  (path.parent.parent / "other").mkdir()
  (path.parent.parent / "other" / path.name).write_text(path.read_text())
  with pytest.raises(ValueError, match="(?s)would get one name.*other/town.*town/town"):
    find("cityscapes", source, names)


def test_annotations_of_images_that_are_not_listed_are_left_out_and_counted(tmp_path, names):
  source = tool_folders.coco(tmp_path / "src")
  path = source / "annotations" / "instances_default.json"
  content = json.loads(path.read_text())
  content["annotations"] += [
    {**content["annotations"][0], "image_id": other} for other in (77, "x")
  ]
  path.write_text(json.dumps(content))
  found = find("coco", source, names)
  assert len(found.labels[0].load()[1].regions) == 4
  assert found.left_out == (
    f"2 annotations of images that {path} does not list, e.g. annotation 4 of image 77"
  )


def test_a_photo_is_called_after_its_labelme_file_if_that_does_not_say_it(tmp_path, names):
  source = tool_folders.labelme(tmp_path / "src")
  path = source / "a.json"
  path.write_text(json.dumps(json.loads(path.read_text()) | {"imagePath": None}))
  (labels,) = find("labelme", source, names).labels
  assert labels.load()[0] == (source / "a.jpg").read_bytes()
  (source / "a.jpg").unlink()
  (labels,) = find("labelme", source, names).labels
  with pytest.raises(FileNotFoundError, match="there is no photo 'a' in .*imageData"):
    labels.load()


def test_a_json_may_begin_with_a_mark_of_its_encoding(tmp_path, names):
  source = tool_folders.labelme(tmp_path / "src")
  text = (source / "a.json").read_text()
  (source / "a.json").write_text(text, encoding="utf-8-sig")
  (labels,) = find("labelme", source, names).labels
  assert len(labels.load()[1].regions) == 4


def test_one_json_can_be_named(tmp_path, names):
  source = tool_folders.labelme(tmp_path / "src")
  assert [one.name for one in find("labelme", source / "a.json", names).labels] == ["a"]
  source = tool_folders.coco(tmp_path / "coco")
  (labels,) = find("coco", source / "annotations" / "instances_default.json", names).labels
  assert labels.load()[1].size == tool_folders.SIZE


def test_coco_files_that_are_no_annotations_do_not_count_and_two_are_refused(tmp_path, names):
  source = tool_folders.coco(tmp_path / "src")
  (source / "annotations" / "info.json").write_text("{}")
  assert len(find("coco", source, names).labels) == 1
  content = (source / "annotations" / "instances_default.json").read_text()
  (source / "annotations" / "instances_b.json").write_text(content)
  with pytest.raises(ValueError, match="several files of annotations; name one of them:"):
    find("coco", source, names)


def test_panoptic_segments_are_read_from_the_folder_beside_the_json(tmp_path, names):
  photo = scenes.write_photo(tmp_path / "src/images/a.jpg", (4, 6))
  ids = np.full((4, 6), 4_007)
  (tmp_path / "src/panoptic").mkdir()
  Image.fromarray(coco.encode_ids(ids)).save(tmp_path / "src/panoptic/a.png")
  segments = [{"id": 4_007, "category_id": 4, "iscrowd": 0}]
  content = {
    "images": [{"id": 1, "file_name": "a.jpg", "height": 4, "width": 6}],
    "annotations": [{"image_id": 1, "file_name": "a.png", "segments_info": segments}],
    "categories": [{"id": 4, "name": "box", "isthing": 1}],
  }
  (tmp_path / "src/panoptic.json").write_text(json.dumps(content))
  (labels,) = find("coco", tmp_path / "src", names).labels
  content, labelled = labels.load()
  assert content == photo.read_bytes()
  (region,) = labelled.regions
  assert (region.name, region.group) == ("box", 7)
  assert region.draw().all()


def test_instance_ids_replace_the_polygons_that_they_are_made_of(tmp_path, names):
  source = tool_folders.cityscapes(tmp_path / "src")
  (polygons,) = source.rglob("*.json")
  path = polygons.with_name("town_1_2_gtFine_instanceIds.png")
  Image.fromarray(np.full(tool_folders.SIZE, 7, np.uint16)).save(path)
  (labels,) = find("cityscapes", source, names).labels
  assert labels.where == str(path)
  assert [region.name for region in labels.load()[1].regions] == ["road"]


@pytest.mark.parametrize("tool", ["labelme", "coco", "voc"])
def test_photos_that_no_labels_belong_to_are_known_once_all_are_loaded(tmp_path, names, tool):
  voc = partial(tool_folders.masks, colors=False)
  write = {"labelme": tool_folders.labelme, "coco": tool_folders.coco, "voc": voc}[tool]
  source = write(tmp_path / "src")
  scenes.write_photo(source / "new.jpg", tool_folders.SIZE)
  found = find(tool, source, names)
  for labels in found.labels:
    labels.load()
  assert found.photos_without_labels() == ["new.jpg"]


def test_pictures_of_labels_are_no_photos_without_labels(tmp_path, names):
  source = tool_folders.cityscapes(tmp_path / "src")
  scenes.write_photo(source / "gtFine/train/town/town_1_2_gtFine_color.png", tool_folders.SIZE)
  assert find("cityscapes", source, names).photos_without_labels() == []


@pytest.mark.parametrize("tool", sources.TOOLS)
def test_a_folder_without_the_labels_of_the_tool_is_refused(tmp_path, names, tool):
  (tmp_path / "src").mkdir()
  with pytest.raises(FileNotFoundError, match=f"has no labels of {tool}: expected"):
    find(tool, tmp_path / "src", names)


@pytest.mark.parametrize(
  "name, message",
  [
    ("nowhere", "There is no file or folder"),
    ("a.zip", "is an archive; unpack it"),
    ("cvat", "'CVAT for images'; export the task as 'COCO 1.0'"),
  ],
)
def test_other_sources_are_refused(tmp_path, names, name, message):
  (tmp_path / "a.zip").write_bytes(b"")
  (tmp_path / "cvat").mkdir()
  (tmp_path / "cvat" / "annotations.xml").write_text("")
  with pytest.raises((ValueError, FileNotFoundError), match=message):
    find("cvat", tmp_path / name, names)


def test_a_folder_of_photos_that_is_not_there_is_refused(tmp_path, names):
  source = tool_folders.labelme(tmp_path / "src")
  with pytest.raises(FileNotFoundError, match="nowhere \\(--photos\\)"):
    find("labelme", source, names, tmp_path / "nowhere")
