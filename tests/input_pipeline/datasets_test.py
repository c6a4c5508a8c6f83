import sys

import pytest

from jppf_jax.input_pipeline import datasets

ROBOTS = """
from jppf_jax_data.pairs_builder import PairsBuilder

class Builder(PairsBuilder):
  pass
"""


def test_the_error_for_an_unknown_name_lists_the_known_ones():
  with pytest.raises(ValueError, match="cityscapes_panoptic_parts"):
    datasets.build("cityscape", data_dir="/nowhere")


def test_the_newest_version_is_found_and_other_names_are_offered(tmp_path):
  for version in ("1.9.0", "1.10.0"):
    (tmp_path / "some_set" / "config" / version).mkdir(parents=True)
    (tmp_path / "some_set" / "config" / version / "dataset_info.json").touch()
  assert datasets.folder("some_set/config", tmp_path).name == "1.10.0"
  with pytest.raises(FileNotFoundError, match=r"there: some_set/config.*jppf prepare other_set"):
    datasets.folder("other_set", tmp_path)


def test_the_command_that_builds_what_is_missing_keeps_its_options(tmp_path):
  name = "synthetic_panoptic_parts/64x128_train2_validation1_seed0"
  with pytest.raises(FileNotFoundError, match=f"jppf prepare {name} --data_dir="):
    datasets.folder(name, tmp_path)


def test_the_command_of_a_builder_in_a_folder_with_a_space_can_be_pasted(tmp_path):
  own, data = tmp_path / "new comer/x_dataset_builder.py", tmp_path / "new data"
  with pytest.raises(FileNotFoundError) as error:
    datasets.folder(str(own), data)
  assert f"`jppf prepare '{own}' '--data_dir={data}'`, and" in str(error.value)


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


@pytest.mark.parametrize(
  "name, near",
  [
    ("cityscape", "cityscapes or cityscapes_panoptic_parts"),
    ("pascal_panotpic_parts", "pascal_panoptic_parts or cityscapes_panoptic_parts"),
    ("Clothing-Co-Parsing", "clothing_co_parsing"),
    ("ppp", "pascal_panoptic_parts"),
    ("robots", "robots_dataset_builder.py"),
    ("synthetic/64x96_train1_validation1_seed3", "synthetic_panoptic_parts"),
  ],
)
def test_an_unknown_name_is_answered_with_the_nearest(tmp_path, monkeypatch, name, near):
  monkeypatch.chdir(tmp_path)
  (tmp_path / "robots_dataset_builder.py").write_text(ROBOTS)
  with pytest.raises(datasets.BuildError, match=rf"\(did you mean {near}\?\); there are citys"):
    datasets.builder(name, data_dir=tmp_path)


def test_a_name_that_is_near_to_none_gets_no_advice_and_files_beside_a_missing_one_are_named(
  tmp_path,
):
  with pytest.raises(datasets.BuildError, match="called 'x'; there are cityscapes"):
    datasets.builder("x", data_dir=tmp_path)
  (tmp_path / "robots_dataset_builder.py").write_text(ROBOTS)
  with pytest.raises(FileNotFoundError, match=r"There: robots_dataset_builder\.py"):
    datasets.builder(str(tmp_path / "robot_dataset_builder.py"), data_dir=tmp_path)


@pytest.mark.parametrize(
  "first, error", [("raise RuntimeError('half')", RuntimeError), ("Builder = 1", ValueError)]
)
def test_a_corrected_builder_is_imported_again(tmp_path, first, error):
  path = tmp_path / "lamps_dataset_builder.py"
  path.write_text(first)
  with pytest.raises(error):
    datasets.module(str(path))
  for spec in ("aaa", "bbb"):  # of the same size, within the same second
    path.write_text(f"{ROBOTS}\n  SPEC = '{spec}'")
    assert spec == datasets.builder(str(path), data_dir=tmp_path).SPEC


def test_two_builders_of_one_name_in_two_folders_are_not_confused(tmp_path):
  made = {}
  for folder in ("a", "b"):
    path = tmp_path / folder / "robots_dataset_builder.py"
    path.parent.mkdir()
    path.write_text(f"{ROBOTS}\n  SPEC = '{folder}'")
    made[folder] = datasets.builder(str(path), data_dir=tmp_path)
  again = datasets.builder(str(tmp_path / "a" / path.name), data_dir=tmp_path)
  assert [made["a"].SPEC, made["b"].SPEC, again.SPEC] == ["a", "b", "a"]
  assert made["a"].source_file == tmp_path / "a" / path.name
  assert type(again).__module__ in sys.modules
  assert sys.modules[path.stem].Builder is type(again)


def test_a_damaged_or_incomplete_build_is_one_sentence(tmp_path):
  folder = tmp_path / "clothing_co_parsing" / "1.0.0"
  folder.mkdir(parents=True)
  (folder / "dataset_info.json").touch()
  with pytest.raises(datasets.BuildError, match="clothing_co_parsing in .* is damaged"):
    datasets.builder("clothing_co_parsing", data_dir=tmp_path)
  folder.rename(folder.with_name("incomplete.A1B2C3_1.0.0"))
  with pytest.raises(FileNotFoundError, match="there: none"):
    datasets.folder("clothing_co_parsing", tmp_path)
