import pytest

from jppf_jax.input_pipeline import datasets

ROBOTS = """
from jppf_jax_data.pairs_builder import PairsBuilder

class Builder(PairsBuilder):
  pass
"""


def test_the_error_for_an_unknown_name_lists_the_known_ones():
  with pytest.raises(ValueError, match="cityscapes_panoptic_parts"):
    datasets.build("cityscapes", data_dir="/nowhere")


def test_the_newest_version_is_found_and_other_names_are_offered(tmp_path):
  for version in ("1.9.0", "1.10.0"):
    (tmp_path / "some_set" / "config" / version).mkdir(parents=True)
    (tmp_path / "some_set" / "config" / version / "dataset_info.json").touch()
  assert datasets.folder("some_set/config", tmp_path).name == "1.10.0"
  with pytest.raises(FileNotFoundError, match=r"there: some_set/config.*jppf prepare other_set"):
    datasets.folder("other_set", tmp_path)


def test_every_dataset_has_a_builder_of_its_name():
  assert [datasets.module(name).Builder.name for name in datasets.NAMES] == list(datasets.NAMES)


def test_a_build_without_its_raw_files_says_what_is_missing(tmp_path):
  with pytest.raises(ValueError, match="say with manual_dir where"):
    datasets.build("cityscapes_panoptic_parts", data_dir=tmp_path)
  with pytest.raises(ValueError, match="✗ leftImg8bit/train"):
    datasets.build("cityscapes_panoptic_parts", data_dir=tmp_path, manual_dir=tmp_path / "nowhere")


def test_your_own_builder_is_loaded_from_its_file(tmp_path):
  path = tmp_path / "robots_dataset_builder.py"
  path.write_text(ROBOTS)
  assert datasets.builder(str(path), data_dir=tmp_path).name == "robots"
  assert datasets.module(str(path)) is datasets.module(str(path))
  (tmp_path / "other").mkdir()
  moved = path.rename(tmp_path / "other" / path.name)
  assert datasets.module(str(moved)).__file__ == str(moved)
  with pytest.raises(
    FileNotFoundError, match="prepare .*robots_dataset_builder.py --data_dir=.* --manual_dir=DIR"
  ):
    datasets.folder(str(moved), tmp_path)


@pytest.mark.parametrize(
  "name, content, error, message",
  [
    ("robots.py", "", ValueError, "must be called <name>_dataset_builder.py"),
    ("x_dataset_builder.py", None, FileNotFoundError, "does not exist"),
    ("y_dataset_builder.py", "a = 1", ValueError, "has no class `Builder`"),
  ],
)
def test_a_file_that_is_no_builder_is_refused(tmp_path, name, content, error, message):
  if content is not None:
    (tmp_path / name).write_text(content)
  with pytest.raises(error, match=message):
    datasets.module(str(tmp_path / name))
