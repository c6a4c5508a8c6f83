import shutil

import numpy as np
import pytest
from PIL import Image

from jppf_jax.street_scenes import make_scene, write, write_cpp

SIZE = (64, 128)
COUNTS = {"train": 2, "val": 1}


def written(root, **changes):
  return write_cpp(
    root, **{"split_counts": COUNTS, "size": SIZE, "seed": 7, "progress": False} | changes
  )


def files(root):
  return {str(path.relative_to(root)): path for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
  return written(tmp_path_factory.mktemp("cpp"))


def test_the_tree_is_the_official_layout(root):
  assert list(files(root)) == sorted(
    f"{kind}/{split}/synthetic{split}/synthetic{split}_{index:06d}_000019_{kind}.{suffix}"
    for kind, suffix in (("leftImg8bit", "png"), ("gtFinePanopticParts", "tif"))
    for split, count in COUNTS.items()
    for index in range(count)
  )


def test_files_read_back_as_the_scene_they_were_made_from(root):
  for split, count in COUNTS.items():
    for index in range(count):
      photo, label = write.scene_paths(root, split, index)
      image, uids = make_scene(write.scene_seed(7, split, index), size=SIZE)
      np.testing.assert_array_equal(np.asarray(Image.open(photo)), image)
      with Image.open(label) as file:
        assert file.mode == "I" and file.info["compression"] == "tiff_lzw"
        np.testing.assert_array_equal(np.asarray(file), uids)


def test_whole_scenes_are_kept_broken_and_missing_ones_written_again(root, tmp_path):
  shutil.copytree(root, tmp_path, dirs_exist_ok=True)
  missing, (photo, broken) = (
    write.scene_paths(tmp_path, "train", 0)[1],
    write.scene_paths(tmp_path, "val", 0),
  )
  missing.unlink()
  photo.write_bytes(photo.read_bytes()[:2000])
  broken.write_bytes(b"no TIFF at all")
  whole = write.scene_paths(tmp_path, "train", 1)
  times = [path.stat().st_mtime_ns for path in whole]
  written(tmp_path)
  assert {n: p.read_bytes() for n, p in files(tmp_path).items()} == {
    n: p.read_bytes() for n, p in files(root).items()
  }
  assert times == [path.stat().st_mtime_ns for path in whole]


def test_more_scenes_leave_the_first_ones_as_they_are(root, tmp_path):
  shutil.copytree(root, tmp_path, dirs_exist_ok=True)
  before = {name: path.stat().st_mtime_ns for name, path in files(tmp_path).items()}
  written(tmp_path, split_counts=COUNTS | {"val": 2})
  after = {name: path.stat().st_mtime_ns for name, path in files(tmp_path).items()}
  assert before.items() <= after.items() and len(after) == len(before) + 2


@pytest.mark.parametrize("change", [{"seed": 8}, {"size": (66, 128)}])
def test_files_of_another_seed_or_size_are_replaced(root, tmp_path, change):
  shutil.copytree(root, tmp_path, dirs_exist_ok=True)
  before = write.scene_paths(tmp_path, "val", 0)[1].read_bytes()
  written(tmp_path, split_counts={"val": 1}, **change)
  assert write.scene_paths(tmp_path, "val", 0)[1].read_bytes() != before


def test_several_processes_write_the_same_bytes(root, tmp_path):
  written(tmp_path, workers=2)
  assert {n: p.read_bytes() for n, p in files(tmp_path).items()} == {
    n: p.read_bytes() for n, p in files(root).items()
  }


def test_a_failed_write_leaves_nothing_under_the_final_name(tmp_path, monkeypatch):
  def full(self, path, **options):
    path.write_bytes(b"half")
    raise OSError("No space left on device")

  monkeypatch.setattr(Image.Image, "save", full)
  with pytest.raises(OSError, match="No space left"):
    written(tmp_path)
  assert not files(tmp_path)


def test_no_two_scenes_share_a_seed():
  seeds = {
    write.scene_seed(s, split, i)
    for s in range(3)
    for split in ("train", "val")
    for i in range(500)
  }
  assert len(seeds) == 3000


@pytest.mark.parametrize("counts", [{"train": -1}, {"../evil": 1}, {"": 1}])
def test_impossible_splits_are_refused_before_anything_is_written(tmp_path, counts):
  with pytest.raises(ValueError, match="letters only"):
    written(tmp_path, split_counts=counts)
  assert not files(tmp_path)
