"""Writes files as `torch.save` does, without PyTorch, and files that ask for any other name."""

import io
import pickle
import struct
import zipfile
from collections import OrderedDict
from typing import NamedTuple

import numpy as np

STORAGES = {
  "float32": "Float",
  "float64": "Double",
  "float16": "Half",
  "int64": "Long",
  "uint8": "Byte",
  "bool": "Bool",
}


class Name(NamedTuple):
  """A global that the pickle asks for; never looked up here."""

  module: str
  name: str

  def __call__(self):
    raise AssertionError("only written")


class Call(NamedTuple):
  """A call that the pickle asks for."""

  function: Name
  arguments: tuple


class Storage:
  """The numbers of an array, and their key in the file."""

  def __init__(self, array: np.ndarray, key: str):
    self.array, self.key = array, key


class Pickler(pickle._Pickler):
  """Writes arrays as PyTorch's tensors; lists their storages."""

  dispatch = pickle._Pickler.dispatch.copy()

  def __init__(self, file, *, legacy):
    super().__init__(file, protocol=2)
    self.storages = []
    self.view = (None,) if legacy else ()  # in the old format, a storage can be part of another

  def persistent_id(self, obj):
    if not isinstance(obj, Storage):
      return None
    kind = Name("torch", f"{STORAGES[obj.array.dtype.name]}Storage")
    return ("storage", kind, obj.key, "cpu", obj.array.size, *self.view)

  def save_array(self, array):
    storage = Storage(np.ascontiguousarray(array), str(len(self.storages)))
    self.storages.append(storage)
    strides = tuple(step // array.itemsize for step in storage.array.strides) if array.ndim else ()
    rebuild = Name("torch._utils", "_rebuild_tensor_v2")
    self.save_reduce(rebuild, (storage, 0, array.shape, strides, False, OrderedDict()))

  def save_name(self, name):
    self.write(b"c" + name.module.encode() + b"\n" + name.name.encode() + b"\n")

  def save_call(self, call):
    self.save_reduce(call.function, call.arguments)

  dispatch[np.ndarray] = save_array
  dispatch[Name] = save_name
  dispatch[Call] = save_call


def pickled(content, *, legacy=False) -> tuple[bytes, list[Storage]]:
  file = io.BytesIO()
  pickler = Pickler(file, legacy=legacy)
  pickler.dump(content)
  return file.getvalue(), pickler.storages


def save_zip(path, content, *, compression=zipfile.ZIP_STORED):
  """The format since PyTorch 1.6."""
  main, storages = pickled(content)
  write_zip(path, main, data_of(storages), compression=compression)


def data_of(storages: list[Storage]) -> dict[str, bytes]:
  return {storage.key: storage.array.tobytes() for storage in storages}


def write_zip(
  path, main: bytes, data: dict[str, bytes], *, compression=zipfile.ZIP_STORED, byteorder=b"little"
):
  with zipfile.ZipFile(path, "w", compression) as archive:
    archive.writestr("archive/data.pkl", main)
    archive.writestr("archive/byteorder", byteorder)
    archive.writestr("archive/version", b"3\n")
    for key, values in data.items():
      archive.writestr(f"archive/data/{key}", values)


def save_legacy(path, content):
  """The format before PyTorch 1.6."""
  main, storages = pickled(content, legacy=True)
  keys = [storage.key for storage in storages]
  data = [struct.pack("<q", storage.array.size) + storage.array.tobytes() for storage in storages]
  write_legacy(path, main, pickle.dumps(keys, 2) + b"".join(data))


def write_legacy(path, main: bytes, rest: bytes):
  machine = {
    "protocol_version": 1001,
    "little_endian": True,
    "type_sizes": {"short": 2, "int": 4, "long": 4},
  }
  start = [pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, machine)]
  path.write_bytes(b"".join(start) + main + rest)
