import pytest

from jppf_jax.input_pipeline import datasets


def test_an_unknown_name_is_answered_with_the_known_ones():
  with pytest.raises(ValueError, match="cityscapes_panoptic_parts"):
    datasets.build("cityscapes", data_dir="/nowhere")


def test_the_newest_version_is_found_and_other_names_are_offered(tmp_path):
  for version in ("1.9.0", "1.10.0"):
    (tmp_path / "some_set" / "config" / version).mkdir(parents=True)
    (tmp_path / "some_set" / "config" / version / "dataset_info.json").touch()
  assert datasets.folder("some_set/config", tmp_path).name == "1.10.0"
  with pytest.raises(FileNotFoundError, match=r"there: some_set/config.*jppf prepare other_set"):
    datasets.folder("other_set", tmp_path)


def test_every_data_set_has_a_builder_of_its_name():
  assert [datasets.module(name).Builder.name for name in datasets.NAMES] == list(datasets.NAMES)
