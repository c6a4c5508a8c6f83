import numpy as np
import pytest
from PIL import Image

from jppf_jax.labels.formats import cityscapes


def test_lines_name_a_mask_a_class_and_a_score(tmp_path):
  (tmp_path / "masks").mkdir()
  mask = np.array([[0, 255, 0], [0, 1, 0]], np.uint8)
  Image.fromarray(mask).save(tmp_path / "masks" / "a 0.png")
  (tmp_path / "a.txt").write_text("masks/a 0.png 26 0.75\n\n")
  [found] = cityscapes.read_results(tmp_path / "a.txt")
  assert (found.scene, found.score) == (26, 0.75)
  np.testing.assert_array_equal(found.mask, mask > 0)


def test_an_empty_file_is_an_image_without_instances(tmp_path):
  (tmp_path / "a.txt").write_text("")
  assert cityscapes.read_results(tmp_path / "a.txt") == []


@pytest.mark.parametrize(
  "line",
  [
    *("mask.png", "mask.png car 0.5", "mask.png 26 high", "26 0.5", "26", "mask.png 0 0.5"),
    *("mask.png 26 nan", "mask.png 26 inf", "mask.png 100 0.5", "mask.png 2.6 1", "x\0.png 26 1"),
    "mask.png 26 " + "9" * 9000,
  ],
  ids=range(12),
)
def test_other_lines_are_refused(tmp_path, line):
  (tmp_path / "a.txt").write_text(f"\n{line}")
  with pytest.raises(ValueError, match=r"a\.txt, line 2: expected `MASK\.png CLASS_ID SCORE`"):
    cityscapes.read_results(tmp_path / "a.txt")


def test_a_file_that_is_no_text_is_named(tmp_path):
  (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00")
  with pytest.raises(ValueError, match=r"a\.txt is no text in UTF-8"):
    cityscapes.read_results(tmp_path / "a.txt")


def test_a_lossy_mask_is_refused(tmp_path):
  (tmp_path / "a.txt").write_text("a.png 26 1")
  Image.new("L", (8, 8)).save(tmp_path / "a.png", format="JPEG")
  with pytest.raises(ValueError, match=r"a\.png is a JPEG file"):
    cityscapes.read_results(tmp_path / "a.txt")


def test_masks_must_exist_and_have_one_channel(tmp_path):
  (tmp_path / "a.txt").write_text("a.png 26 1")
  with pytest.raises(FileNotFoundError, match=r"a\.png"):
    cityscapes.read_results(tmp_path / "a.txt")
  Image.new("RGB", (2, 2)).save(tmp_path / "a.png")
  with pytest.raises(
    ValueError, match=r"a\.png has shape \(2, 2, 3\) and type uint8, expected one channel"
  ):
    cityscapes.read_results(tmp_path / "a.txt")
