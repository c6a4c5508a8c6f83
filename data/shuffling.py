"""Shuffling of records on disk, without TensorFlow.

TFDS writes the records of a split in the order of a hash of their ids. Beyond a limit it sorts them
through files, its buckets, which it opens with TensorFlow. Here they are plain files, the same
records in the same order.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from tensorflow_datasets.core import shuffle

MEMORY = 256 << 20  # bytes of records that are held in memory; beyond, they go through files

_KEY_BYTES = shuffle.HKEY_SIZE_BYTES
_SIZE_BYTES = 8


class PlainBucket:
  """Records with neighbouring keys, in a file; takes the place of a bucket of TFDS.

  The file is open only while a record is added: there are a thousand buckets, and systems allow
  about as many open files.

  Args:
    path: the file; it appears with the first record.
  """

  def __init__(self, path: Path):
    self._path = Path(path)
    self._records = 0

  def __len__(self) -> int:
    return self._records

  def add(self, key: int, data: bytes) -> None:
    """Appends a record.

    Args:
      key: below 2**128.
      data: the record.
    """
    self._path.parent.mkdir(parents=True, exist_ok=True)
    with self._path.open("ab") as file:
      file.write(key.to_bytes(_KEY_BYTES, "big"))
      file.write(len(data).to_bytes(_SIZE_BYTES, "big"))
      file.write(data)
    self._records += 1

  def read_values(self) -> Iterator[tuple[int, bytes]]:
    """Yields the records in the order in which they were added."""
    if not self._records:
      return
    with self._path.open("rb") as file:
      for _ in range(self._records):
        key = int.from_bytes(file.read(_KEY_BYTES), "big")
        size = int.from_bytes(file.read(_SIZE_BYTES), "big")
        yield key, file.read(size)

  def del_file(self) -> None:
    """Removes the file, if there is one."""
    self._path.unlink(missing_ok=True)


@contextlib.contextmanager
def plain_buckets() -> Iterator[None]:
  """Lets TFDS shuffle through plain files while the block runs, holding `MEMORY` at most."""
  bucket = mock.patch.object(shuffle, "_Bucket", PlainBucket)
  limit = mock.patch.object(shuffle, "MAX_MEM_BUFFER_SIZE", MEMORY)
  with bucket, limit:
    yield
