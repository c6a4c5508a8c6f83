import pytest

from jppf_jax.labels.quote import counted
from jppf_jax.report import words


def test_images_are_counted_in_words_and_few_of_them_are_remarked():
  assert [counted(n, "image") for n in (0, 1, 2)] == ["0 images", "1 image", "2 images"]
  assert words.few_images(1).startswith("The scores come from 1 image;")
  assert words.few_images(9) and words.few_images(10) is None


@pytest.mark.parametrize(
  "name, title",
  [
    ("cityscapes_panoptic_parts", "cityscapes_panoptic_parts"),
    ("synthetic_panoptic_parts/64x128_train4", "synthetic_panoptic_parts/64x128_train4"),
    ("/home/a b/photos_dataset/photos_dataset_builder.py", "photos"),
    ("photos_dataset_builder.py", "photos"),
    (r"C:\a\photos_dataset_builder.py", "photos"),
  ],
)
def test_an_own_dataset_is_called_as_its_builder_not_by_its_path(name, title):
  assert words.dataset_title(name) == title


def test_a_very_long_name_keeps_its_ends():
  name = f"a{'b' * 300}c"
  assert words.short_name(name) == f"a{'b' * 20}…{'b' * 9}c"
  assert len(words.short_name(name)) == 32
  assert words.whole_name(name) == name
  assert words.short_name(name[:32]) == name[:32] and words.whole_name(name[:32]) is None


def test_absolute_paths_keep_their_last_folder_and_name():
  values = {"a": "/home/b/runs/c.d", "e": ["x/y/z", r"C:\u\v\w", "/f", "/"], "g": 1, "h": None}
  short = {"a": "runs/c.d", "e": ["x/y/z", "v/w", "f", "/"], "g": 1, "h": None}
  assert words.shortened(values) == short
