import numpy as np
import pytest
import tensorflow_datasets as tfds
from etils import epath

from jppf_jax.input_pipeline import datasets
from tests.data import raw_files

NAME = "cityscapes_panoptic_parts"
module = datasets.module(NAME)
Builder, pairs = module.Builder, module.pairs
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def test_all_datasets_store_the_same_features(tmp_path):
  for name in datasets.NAMES:
    features = datasets.builder(name, data_dir=tmp_path).info.features
    assert features.get_serialized_info().keys() == {"image_id", "image", "uids"}


def test_the_base_classes_are_no_datasets():
  known = tfds.core.registered.list_imported_builders()
  assert NAME in known
  assert not {"pairs_builder", "dataset_builder"} & set(known)


def test_pairs_are_found_in_the_order_of_their_ids(tmp_path):
  raw_files.write_cpp(tmp_path, {"train": 3, "val": 1})
  found, problems = Builder.find(epath.Path(tmp_path))
  ids = [pair.image_id for pair in found["train"]]
  assert not problems and ids == sorted(ids) and len(ids) == 3 and len(found["validation"]) == 1


def test_an_empty_split_is_a_problem(tmp_path):
  written = raw_files.write_cpp(tmp_path, {"train": 1, "val": 1})
  for path in written[1]:
    path.unlink()
  found, problems = Builder.find(epath.Path(tmp_path))
  assert not found["validation"] and "no files for the split validation" in problems[0]


def test_a_file_that_the_check_of_uids_refuses_is_named(tmp_path):
  written = raw_files.write_cpp(tmp_path / "raw", {"train": 2, "val": 1})

  def refuse_the_second_scene(uids: np.ndarray) -> None:
    seen.append(uids.shape)
    if len(seen) == 2:
      raise ValueError("ids from nowhere")

  seen = []
  settings = {"check_uids": refuse_the_second_scene, "data_dir": tmp_path / "built"}
  with pytest.raises(pairs.DataError, match="ids from nowhere") as caught:
    datasets.build(NAME, manual_dir=tmp_path / "raw", **settings)
  assert any(str(label) in str(caught.value) for _, label in written)


def test_progress_is_reported_for_each_example(tmp_path):
  raw_files.write_cpp(tmp_path / "raw", {"train": 3, "val": 2})
  steps = []
  settings = {"on_example": lambda: steps.append(1), "data_dir": tmp_path / "built"}
  datasets.build(NAME, manual_dir=tmp_path / "raw", **settings)
  assert len(steps) == 5


def test_files_that_no_pattern_matches_are_named_but_those_of_the_other_split(tmp_path):
  raw_files.write_clothing(tmp_path, 20)
  (tmp_path / "photos" / "0021.webp").touch()
  (tmp_path / "readme.txt").touch()
  for splits in (["validation"], None):
    made = datasets.builder("clothing_co_parsing", data_dir=tmp_path / "built", splits=splits)
    survey = made.survey(epath.Path(tmp_path))
    assert survey.left_out == "1 file is left out of the raw folders (1 x .webp): photos/0021.webp"
  with pytest.warns(UserWarning, match="clothing_co_parsing: 1 file is left out"):
    made.examples(epath.Path(tmp_path))


def test_photos_without_labels_and_other_folders_are_no_remark_in_the_official_layouts(tmp_path):
  raw_files.write_cpp(tmp_path / "cpp", {"train": 1, "val": 1, "test": 2})
  raw_files.write_ppp(tmp_path / "ppp")
  (tmp_path / "ppp" / "JPEGImages" / "2010_000001.jpg").touch()
  for name, folder in (("cityscapes", "cpp"), ("pascal", "ppp")):
    made = datasets.builder(f"{name}_panoptic_parts", data_dir=tmp_path / "built")
    assert made.survey(epath.Path(tmp_path / folder)).left_out == ""
    assert len(made.raw_files(epath.Path(tmp_path / folder), made.splits)) == (
      4 if folder == "cpp" else 6
    )
