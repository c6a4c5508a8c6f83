import functools
import os

import numpy as np
import pytest

from jppf_jax.input_pipeline import datasets, read
from jppf_jax.street_scenes import write_cpp

NAME = "synthetic_panoptic_parts"
OPTIONS = {"size": (64, 128), "train": 3, "validation": 2, "seed": 5}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  return datasets.build(NAME, data_dir=tmp_path_factory.mktemp("built"), options=OPTIONS)


def test_counts_and_size_are_those_of_the_config(folder):
  assert folder.parent.name == "64x128_train3_validation2_seed5"
  assert [len(read.open_split(folder, split)) for split in ("train", "validation")] == [3, 2]
  assert read.open_split(folder, "train")[0]["image"].shape == (64, 128, 3)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_scenes_written_as_official_files_are_the_same(folder, tmp_path):
  raw, counts = tmp_path / "raw", {"train": 3, "val": 2}
  write_cpp(raw, split_counts=counts, size=(64, 128), seed=5, progress=False)
  other = datasets.build("cityscapes_panoptic_parts", data_dir=tmp_path / "built", manual_dir=raw)
  for split in ("train", "validation"):
    ours, theirs = (sorted_examples(root, split) for root in (folder, other))
    for example, expected in zip(ours, theirs, strict=True):
      np.testing.assert_array_equal(example["image"], expected["image"])
      np.testing.assert_array_equal(example["uids"], expected["uids"])


def sorted_examples(folder, split):
  return sorted(read.open_split(folder, split), key=lambda example: example["image"].tobytes())


def test_many_scenes_are_made_in_several_processes_and_stay_the_same(folder, tmp_path, monkeypatch):
  module = datasets.module(NAME)
  monkeypatch.setattr(module.os, "cpu_count", lambda: 2)
  jobs = [("train", 5, (64, 64), index) for index in range(4)]
  together = list(module._on_all_cores(jobs, least=2))
  for (image, uids), job in zip(together, jobs):
    alone = module._scene(job)
    assert image == alone[0] and (uids == alone[1]).all()


def test_if_processes_cannot_start_the_scenes_are_made_in_this_one(monkeypatch):
  module = datasets.module(NAME)

  class Broken:
    def __init__(self, *args, **kwargs):
      pass

    def __enter__(self):
      return self

    def __exit__(self, *args):
      return False

    def submit(self, function, job):
      if job[3] == 2:
        raise module.BrokenProcessPool("terminated abruptly")
      future = module.collections.namedtuple("Future", "result")
      return future(lambda: function(job))

  monkeypatch.setattr(module, "ProcessPoolExecutor", Broken)
  monkeypatch.setattr(module.os, "cpu_count", lambda: 2)
  jobs = [("train", 5, (64, 64), index) for index in range(4)]
  together = list(module._on_all_cores(jobs, least=2))
  assert [image for image, _ in together] == [module._scene(job)[0] for job in jobs]


def test_a_dataset_is_complete_even_if_all_processes_die(folder, tmp_path, monkeypatch):
  module = datasets.module(NAME)
  dying = functools.partial(module.ProcessPoolExecutor, initializer=os._exit, initargs=(1,))
  monkeypatch.setattr(module, "ProcessPoolExecutor", dying)
  monkeypatch.setattr(module.os, "cpu_count", lambda: 2)
  monkeypatch.setattr(module, "_on_all_cores", functools.partial(module._on_all_cores, least=1))
  other = datasets.build(NAME, data_dir=tmp_path, options=OPTIONS)
  for split in ("train", "validation"):
    both = read.open_split(folder, split), read.open_split(other, split)
    for ours, theirs in zip(*both, strict=True):
      assert ours["image_id"] == theirs["image_id"]
      np.testing.assert_array_equal(ours["image"], theirs["image"])
      np.testing.assert_array_equal(ours["uids"], theirs["uids"])


def test_any_config_is_built_by_its_name(tmp_path):
  name = f"{NAME}/64x96_train1_validation1_seed3"
  built = datasets.build(name, data_dir=tmp_path)
  assert built == datasets.folder(name, tmp_path)
  assert read.open_split(built, "validation")[0]["image"].shape == (64, 96, 3)
  message = "Expected ROWSxCOLUMNS_trainN_validationN_seedN, got 'large'"
  with pytest.raises(ValueError, match=message):
    datasets.build(f"{NAME}/large", data_dir=tmp_path)


def test_options_come_as_a_name_or_as_fields_and_the_default_is_known_to_tfds(tmp_path):
  default = datasets.builder_class(NAME).configured("").name
  fields = {"size": (192, 384), "train": 48, "validation": 24, "seed": 0}
  for name, options in ((NAME, None), (f"{NAME}/{default}", None), (NAME, fields)):
    made = datasets.builder(name, data_dir=tmp_path, options=options)
    assert made.builder_config.size == (192, 384)
    assert made.survey(None).counts == {"train": 48, "validation": 24}
