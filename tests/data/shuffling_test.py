import importlib

import numpy as np
import pytest
from tensorflow_datasets.core import shuffle

from jppf_jax.input_pipeline import datasets, read
from tests.data import raw_files

NAME = "cityscapes_panoptic_parts"
shuffling = importlib.import_module("jppf_jax_data.shuffling")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture
def raw(tmp_path):
  raw_files.write_cpp(tmp_path / "raw", {"train": 7, "val": 2})
  return tmp_path / "raw"


def records(folder):
  return [
    (example["image_id"], example["image"].tobytes(), example["uids"].tobytes())
    for split in ("train", "validation")
    for example in read.open_split(folder, split)
  ]


@pytest.mark.parametrize("limit", [0, 6_000])
def test_a_split_beyond_the_limit_of_memory_has_the_same_records_in_the_same_order(
  raw, tmp_path, monkeypatch, limit
):
  in_memory = datasets.build(NAME, data_dir=tmp_path / "a", manual_dir=raw)
  monkeypatch.setattr(shuffling, "MEMORY", limit)
  added = []
  add = shuffling.PlainBucket.add
  monkeypatch.setattr(
    shuffling.PlainBucket, "add", lambda self, *record: (added.append(1), add(self, *record))
  )
  on_disk = datasets.build(NAME, data_dir=tmp_path / "b", manual_dir=raw)
  assert len(added) >= 7
  assert records(on_disk) == records(in_memory)
  assert not [path for path in on_disk.rglob("*") if "bucket" in path.name]


def test_a_bucket_gives_back_what_was_added_and_removes_its_file(tmp_path):
  bucket = shuffling.PlainBucket(tmp_path / "new" / "bucket")
  assert len(bucket) == 0 and list(bucket.read_values()) == []
  bucket.del_file()
  rows = [(2**128 - 1, b"last"), (0, b""), (7, bytes(1000))]
  for row in rows:
    bucket.add(*row)
  assert len(bucket) == 3 and list(bucket.read_values()) == rows
  bucket.del_file()
  assert not list((tmp_path / "new").iterdir())


def test_tfds_is_as_it_was_after_the_block():
  before = shuffle._Bucket, shuffle.MAX_MEM_BUFFER_SIZE
  with pytest.raises(RuntimeError, match="full"), shuffling.plain_buckets():
    assert shuffle._Bucket is shuffling.PlainBucket
    assert shuffle.MAX_MEM_BUFFER_SIZE == shuffling.MEMORY < before[1]
    raise RuntimeError("full")
  assert (shuffle._Bucket, shuffle.MAX_MEM_BUFFER_SIZE) == before


def test_few_files_are_open_whatever_the_number_of_buckets(tmp_path):
  resource = pytest.importorskip("resource")
  soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
  resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
  try:
    with shuffling.plain_buckets():
      shuffler = shuffle.Shuffler(tmp_path, "salt")
      shuffle.MAX_MEM_BUFFER_SIZE = 0
      for number in range(2000):
        shuffler.add(number, str(number).encode())
      keys, values = zip(*shuffler)
  finally:
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
  assert list(keys) == sorted(keys)
  assert set(values) == {str(number).encode() for number in range(2000)}
  np.testing.assert_equal(shuffler.num_examples, 2000)
