"""Frames come from imageio; its decoder is optional, so most tests stand in for it."""

import sys

import imageio.v3
import numpy as np
import pytest

from jppf_jax.evaluation import video


@pytest.fixture
def file(tmp_path):
  path = tmp_path / "clip.mp4"
  path.write_bytes(b"")
  return path


def decoded(monkeypatch, count, error=None):
  """Lets imageio find frames whose value is their number, and then fail."""

  def imiter(path, *, plugin):
    assert plugin == "FFMPEG"
    for number in range(count):
      yield np.full((4, 6, 3), number, np.uint8)
    if error:
      raise error

  monkeypatch.setattr(imageio.v3, "imiter", imiter)


@pytest.mark.parametrize("every, numbers", [(1, [0, 1, 2, 3, 4, 5, 6]), (3, [0, 3, 6]), (9, [0])])
def test_frames_are_named_by_their_number(file, monkeypatch, every, numbers):
  decoded(monkeypatch, 7)
  found = list(video.frames(file, every=every))
  assert [photo.name for photo in found] == [f"{number:06d}" for number in numbers]
  assert [photo.image[0, 0, 0] for photo in found] == numbers
  assert found[-1].source == f"{file}, frame {numbers[-1]}"


def test_without_a_decoder_the_message_says_what_to_install(file, monkeypatch):
  decoded(monkeypatch, 0, ImportError("The `FFMPEG` plugin is not installed."))
  with pytest.raises(video.VideoError, match=r"clip.mp4 is a video.*'jppf_jax\[video\]'\.$"):
    list(video.frames(file))
  monkeypatch.setitem(sys.modules, "imageio.v3", None)
  with pytest.raises(video.VideoError, match=r"'jppf_jax\[video\]'"):
    list(video.frames(file))


def test_a_damaged_video_gives_its_frames_and_then_one_sentence(file, monkeypatch):
  decoded(monkeypatch, 2, OSError("Could not load meta information\n=== stderr ===\nlong"))
  found = video.frames(file)
  assert [next(found).name, next(found).name] == ["000000", "000001"]
  with pytest.raises(video.VideoError, match=r"as a video: Could not load meta information\.$"):
    next(found)


def test_a_missing_video_and_one_without_frames_are_refused(file, tmp_path, monkeypatch):
  with pytest.raises(video.VideoError, match="There is no video at"):
    next(video.frames(tmp_path / "no.mp4"))
  decoded(monkeypatch, 0)
  with pytest.raises(video.VideoError, match="clip.mp4 has no frames"):
    next(video.frames(file))


def test_a_real_video_is_read_if_the_decoder_is_there(tmp_path):
  pytest.importorskip("imageio_ffmpeg")
  shades = np.arange(0, 250, 50, dtype=np.uint8)
  images = np.broadcast_to(shades[:, None, None, None], (5, 48, 64, 3))
  imageio.v3.imwrite(tmp_path / "v.mp4", images, plugin="FFMPEG", fps=5)
  found = list(video.frames(tmp_path / "v.mp4", every=2))
  assert [photo.image.shape for photo in found] == [(48, 64, 3)] * 3
  np.testing.assert_allclose([photo.image.mean() for photo in found], [0, 100, 200], atol=3)
