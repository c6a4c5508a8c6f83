import numpy as np
import pytest
from PIL import Image

from jppf_jax.conversion import look
from jppf_jax.labels.formats import files
from tests.conversion import scenes, tool_folders

SIZE = (8, 12)


def pair(folder, name, *, photos="photos", labels="labels", suffix=".jpg", uids=None, size=SIZE):
  scenes.write_photo(folder / photos / f"{name}{suffix}", size)
  files.write_uids(folder / labels / f"{name}.tif", np.ones(size, int) if uids is None else uids)


@pytest.mark.parametrize("photos, labels", [("photos", "labels"), (".", "."), ("x/img", "y")])
def test_photos_and_labels_are_told_apart_by_their_contents(tmp_path, photos, labels):
  pair(tmp_path, "a", photos=photos, labels=labels)
  pair(tmp_path, "b", photos=photos, labels=labels, suffix=".png")
  (tmp_path / "conversion").mkdir()
  scenes.write_photo(tmp_path / "conversion/a.jpg", SIZE)
  (tmp_path / "note.txt").write_text("")
  found = look.layout(tmp_path)
  assert found.folders == {"train": (photos, labels), "validation": (photos, labels)}
  assert (found.photo_suffixes, found.label_suffixes) == ((".jpg", ".png"), (".tif",))
  assert not found.has_splits
  assert look.survey(tmp_path, found).counts == {"train": 2}


def test_folders_of_splits_are_found(tmp_path):
  for split in ("train", "val"):
    pair(tmp_path, split, photos=f"photos/{split}", labels=f"{split}/labels")
  found = look.layout(tmp_path)
  assert found.has_splits
  assert found.folders["validation"] == ("photos/val", "val/labels")
  assert look.survey(tmp_path, found).counts == {"train": 1, "validation": 1}


def test_what_cannot_be_matched_is_refused(tmp_path):
  with pytest.raises(FileNotFoundError, match="There is no folder"):
    look.layout(tmp_path / "nowhere")
  scenes.write_photo(tmp_path / "photos/a.jpg", SIZE)
  with pytest.raises(FileNotFoundError, match="has no label files: expected photos"):
    look.layout(tmp_path)
  for name in ("one", "two"):
    pair(tmp_path, name, photos=f"photos/{name}", labels=f"labels/{name}")
  with pytest.raises(ValueError, match="(?s)not clear which.*photos: photos/one.*labels: labels"):
    look.layout(tmp_path)


def test_ids_sizes_and_areas_are_counted(tmp_path):
  uids = np.ones(SIZE, np.int32)
  uids[:2, :4], uids[2:4, :4], uids[4, :6], uids[5, :3], uids[6, :2] = 2_001, 200_103, 2_002, 3, 0
  pair(tmp_path, "a", uids=uids)
  pair(tmp_path, "b", uids=uids.T, size=SIZE[::-1])
  pair(tmp_path, "c")
  scenes.write_photo(tmp_path / "photos/no label.jpg", SIZE)
  found = look.survey(tmp_path, look.layout(tmp_path))
  assert found.pixels == {0: 4, 1: 2 * (96 - 22 - 3 - 2) + 96, 2: 2 * 22, 3: 6}
  assert found.objects == {2: 4}
  assert found.crowds[3] == 6
  assert found.parts == {(2, 3): 16}
  assert found.sides == [4.0, 6**0.5] * 2
  assert found.most_objects == 2
  assert found.without_label == ["no label.jpg"]
  assert found.median_size == SIZE
  assert found.sizes == {SIZE: 2, SIZE[::-1]: 1}


def test_bad_labels_are_all_listed(tmp_path):
  pair(tmp_path, "a", uids=np.full(SIZE, 500))
  pair(tmp_path, "b", uids=np.ones((3, 3), int))
  pair(tmp_path, "c")
  (tmp_path / "photos/c.jpg").unlink()
  with pytest.raises(ValueError) as caught:
    look.survey(tmp_path, look.layout(tmp_path))
  message = str(caught.value)
  assert message.startswith("3 label files cannot be used. Labels are uids:")
  assert "a.tif: 96 of 96 pixels have illegal uids, e.g. 500" in message
  assert "b.tif: it has height and width (3, 3), its photo has (8, 12)" in message
  assert "c.tif: there is no photo of that name in" in message


@pytest.mark.parametrize(
  "tool, write",
  [
    ("labelme", tool_folders.labelme),
    ("coco", tool_folders.coco),
    ("cvat", tool_folders.cvat),
    ("voc", lambda folder: tool_folders.masks(folder, colors=False)),
    ("cvat", lambda folder: tool_folders.masks(folder, colors=True)),
    ("cityscapes", tool_folders.cityscapes),
  ],
)
def test_the_files_of_a_tool_are_recognised(tmp_path, tool, write):
  assert look.tool_of(write(tmp_path / "src")) == tool


def test_uid_files_are_those_of_no_tool(tmp_path):
  pair(tmp_path, "a")
  (tmp_path / "about.json").write_text('{"images": 3}')
  assert look.tool_of(tmp_path) == ""


def test_a_grey_jpeg_is_a_photo(tmp_path):
  Image.new("L", (3, 3)).save(tmp_path / "a.jpg")
  assert not look._is_label(tmp_path / "a.jpg")
