import pytest

from jppf_jax import photos
from jppf_jax.evaluation import inputs


@pytest.fixture
def here(tmp_path, monkeypatch):
  """A folder with images, a video and other files, in it and below it; it is the current one."""
  for name in ("b.JPG", "a.png", "clip.mp4", "notes.txt", ".hidden.png", "deep/c.tif", "none/x.md"):
    path = tmp_path / "photos" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
  monkeypatch.chdir(tmp_path)
  return tmp_path


def names(paths):
  return [path.as_posix() for path in paths]


def test_a_folder_gives_its_images_by_name_and_says_how_many_others_there_are(here):
  found = inputs.find(["photos"])
  assert names(found.images) == ["photos/a.png", "photos/b.JPG"]
  assert not found.videos and not found.problems
  assert found.notes == ["photos: 3 other files passed over"]


def test_every_format_of_photos_is_found_in_a_folder(tmp_path):
  suffixes = [suffix for own in photos.FORMATS.values() for suffix in own]
  for suffix in suffixes:
    (tmp_path / f"a{suffix.upper()}").touch()
  assert len(inputs.find([str(tmp_path)]).images) == len(suffixes) == 13


def test_a_pattern_gives_images_and_videos_also_of_folders_below(here):
  found = inputs.find(["photos/**/*"])
  assert names(found.images) == ["photos/a.png", "photos/b.JPG", "photos/deep/c.tif"]
  assert names(found.videos) == ["photos/clip.mp4"]
  assert found.notes == ["photos/**/*: 2 other files passed over"]  # hidden ones do not match
  assert names(inputs.find(["photos/?.png"]).images) == ["photos/a.png"]


def test_files_keep_their_order_and_are_taken_as_they_are_named(here):
  found = inputs.find(["photos/clip.mp4", "photos/b.JPG", "missing.png", "photos/notes.txt"])
  assert names(found.images) == ["photos/b.JPG", "missing.png", "photos/notes.txt"]
  assert names(found.videos) == ["photos/clip.mp4"]
  assert not found.notes and not found.problems


def test_a_file_that_is_found_again_counts_once_but_one_that_is_named_twice_stays_two(here):
  found = inputs.find(["photos", "photos/*.png", "./photos/b.JPG", "photos/../photos"])
  assert sorted(names(found.images)) == ["photos/a.png", "photos/b.JPG"]
  assert names(inputs.find(["photos/a.png", "photos/a.png"]).images) == ["photos/a.png"] * 2


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(here):
  (here / "a[1].png").write_bytes(b"")
  assert names(inputs.find(["a[1].png"]).images) == ["a[1].png"]


@pytest.mark.parametrize(
  "argument, problem",
  [
    ("photos/none", "photos/none holds no image (1 other file)."),
    ("photos/*.webp", "photos/*.webp matches no image."),
  ],
)
def test_what_names_no_image_is_a_problem(here, argument, problem):
  found = inputs.find([argument])
  assert found.problems == [problem]
  assert not found.images and not found.notes
