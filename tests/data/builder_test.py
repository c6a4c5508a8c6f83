import io

import numpy as np
import pytest
from etils import epath
from PIL import Image

from jppf_jax.input_pipeline import datasets, read
from jppf_jax.labels.registry import load_spec

OWN = """
from pathlib import Path

import numpy as np
from jppf_jax_data.builder import DatasetBuilder, Survey


class Builder(DatasetBuilder):
  \"\"\"Two grey squares.\"\"\"

  SPEC = "cpp"
  RAW_FILES = False

  def survey(self, manual_dir):
    return Survey({split: 2 for split in self.splits})

  def examples(self, manual_dir):
    return {split: self._make(split) for split in self.splits}

  def _make(self, split):
    for index in range(2):
      uids = np.full((8, 9), 7 + index, np.int32)
      image = Path(IMAGE).read_bytes()
      yield {"image_id": f"{split}_{index}", "image": image, "uids": self._accept(uids)}
"""


@pytest.fixture
def own(tmp_path):
  """Writes a builder that satisfies the contract without raw files; returns its path."""
  image = io.BytesIO()
  Image.new("RGB", (9, 8), (90, 90, 90)).save(image, format="PNG")
  (tmp_path / "square.png").write_bytes(image.getvalue())
  path = tmp_path / "squares_dataset_builder.py"
  path.write_text(f"IMAGE = {str(tmp_path / 'square.png')!r}\n{OWN}")
  return path


def test_your_own_dataset_may_be_built_without_raw_files(own, tmp_path):
  steps = []
  data_dir = tmp_path / "built"
  folder = datasets.build(str(own), data_dir=data_dir, on_example=lambda: steps.append(1))
  examples = read.open_split(folder, "validation")
  assert len(examples) == 2 and len(steps) == 4
  assert {int(example["uids"][0, 0]) for example in examples} == {7, 8}


def test_a_changed_builder_is_a_warning_and_another_of_the_same_name_an_error(own, tmp_path):
  data_dir = tmp_path / "built"
  datasets.build(str(own), data_dir=data_dir)
  own.write_text(own.read_text() + "# other squares")
  with pytest.warns(
    UserWarning, match=f"builder {own} has changed. To .*prepare {own} .*--rebuild"
  ):
    datasets.build(str(own), data_dir=data_dir)
  other = tmp_path / "elsewhere" / own.name
  other.parent.mkdir()
  other.write_text(own.read_text() + "# other squares again")
  with pytest.raises(datasets.BuildError, match=f"builder was {own}.* do not name the builder's"):
    datasets.build(str(other), data_dir=data_dir)
  datasets.build(str(other), data_dir=data_dir, rebuild=True)
  datasets.build(str(other), data_dir=data_dir)


def test_the_check_of_uids_reaches_every_builder(own, tmp_path):
  def refuse(uids):
    raise ValueError("refused")

  with pytest.raises(ValueError, match="refused"):
    datasets.build(str(own), data_dir=tmp_path / "built", check_uids=refuse)


def test_an_image_that_would_turn_without_its_uids_is_refused(own, tmp_path):
  exif = Image.Exif()
  exif[0x0112] = 3
  Image.new("RGB", (9, 8)).save(tmp_path / "square.png", exif=exif)
  with pytest.raises(ValueError, match=r"'train_0': .*\(orientation 3\).*pairs\.aligned"):
    datasets.build(str(own), data_dir=tmp_path / "built")


def test_options_of_a_dataset_that_has_none_are_an_error(own, tmp_path):
  with pytest.raises(ValueError, match="squares has no options; got"):
    datasets.builder(str(own), data_dir=tmp_path, options={"size": 3})


@pytest.mark.parametrize(
  "change, message",
  [
    (('f"{split}_{index}"', "split"), "squares has two examples 'train' in the split train"),
    (("range(2):", "range(0):"), "squares has no examples in the split train"),
  ],
)
def test_two_examples_of_one_name_and_an_empty_split_are_refused(own, tmp_path, change, message):
  own.write_text(own.read_text().replace(*change))
  with pytest.raises(ValueError, match=message):
    datasets.build(str(own), data_dir=tmp_path / "built")
  assert not list((tmp_path / "built").iterdir())


@pytest.mark.parametrize(
  "splits, got", [(["validaton"], "got validaton. Did you mean validation?"), ([], "got none.")]
)
def test_an_unknown_split_is_refused_by_every_builder(own, tmp_path, splits, got):
  for name in (str(own), "synthetic_panoptic_parts", "clothing_co_parsing"):
    with pytest.raises(ValueError, match=f"has the splits train, validation; {got}"):
      datasets.builder(name, data_dir=tmp_path, splits=splits)
  made = datasets.builder("synthetic_panoptic_parts", data_dir=tmp_path)
  made.splits = tuple(splits)
  with pytest.raises(ValueError, match=f"has the splits train, validation; {got}"):
    made.survey(None)


def test_all_raw_files_count_but_hidden_ones_if_a_builder_does_not_name_them(own, tmp_path):
  made = datasets.builder(str(own), data_dir=tmp_path / "raw" / "built")
  names = ("a.png", "deep/b.txt", ".hidden", ".cache/c.png", "built/squares/1.0.0/records")
  for name in [f"raw/{name}" for name in names]:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).touch()
  found = made.raw_files(epath.Path(tmp_path / "raw"), made.splits)
  assert sorted(path.name for path in found) == ["a.png", "b.txt"]


@pytest.mark.parametrize("name", datasets.NAMES)
def test_each_builder_satisfies_the_contract(name, tmp_path):
  builder = datasets.builder_class(name)
  assert load_spec(builder.SPEC).num_classes >= 2
  assert isinstance(builder.RAW_FILES, bool) and builder.splits == ("train", "validation")
  made = datasets.builder(name, data_dir=tmp_path)
  if builder.RAW_FILES:
    with pytest.raises(ValueError, match="say with manual_dir where they are"):
      made.survey(None)
  else:
    assert sum(made.survey(None).counts.values()) > 0
  assert made.info.description
  assert np.dtype(made.info.features["uids"].np_dtype) == np.int32
