"""Reads the tensors of a PyTorch file without PyTorch, and without running code from the file.

A PyTorch file is a pickle, and unpickling calls whatever the file names. This reader knows a few
names, which make containers or describe tensors. A file that asks for any other name is refused
before that name is looked up. Nothing is allocated that is larger than the file: sizes that it
claims are compared with its real size first.
"""

import functools
import io
import math
import mmap
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from reprlib import repr as _short
from typing import IO, Any, NamedTuple, cast

import ml_dtypes
import numpy as np

from jppf_jax.checkpoints.weights import WeightsError, read_weights

_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001  # the start of a file of PyTorch before 1.6
_STORAGES = {
  "FloatStorage": np.float32,
  "DoubleStorage": np.float64,
  "HalfStorage": np.float16,
  "BFloat16Storage": ml_dtypes.bfloat16,
  "LongStorage": np.int64,
  "IntStorage": np.int32,
  "ShortStorage": np.int16,
  "CharStorage": np.int8,
  "ByteStorage": np.uint8,
  "BoolStorage": np.bool_,
}


class UnsafeFile(WeightsError):
  """The file asks for more than tensors and containers; no code of it was run."""


class _Storage(NamedTuple):
  """A flat sequence of numbers in the file."""

  key: str
  dtype: np.dtype
  numel: int


class _Tensor(NamedTuple):
  """A view of a storage; it becomes an array when the storages have been read."""

  storage: _Storage
  offset: int
  size: tuple[int, ...]
  stride: tuple[int, ...]


class _MakeTensor:
  """What a file may call; unlike a function, it has no attributes that the file can change."""

  __slots__ = ()

  def __call__(self, storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> _Tensor:
    match storage, offset, size, stride:
      case _Storage(), int(), tuple(), tuple() if len(size) == len(stride):
        tensor = _Tensor(storage, offset, size, stride)
        if _lies_in_storage(tensor):
          return tensor
    raise WeightsError(f"a tensor of size {size} reaches outside of its storage.")


def _lies_in_storage(tensor: _Tensor) -> bool:
  numbers = (tensor.offset, *tensor.size, *tensor.stride)
  if not all(isinstance(n, int) and n >= 0 for n in numbers):
    return False
  elements, available = math.prod(tensor.size), tensor.storage.numel
  steps = ((n - 1) * step for n, step in zip(tensor.size, tensor.stride))
  last = tensor.offset + sum(steps)
  return elements == 0 or (elements <= available and last < available)


class _MakeDict:
  """Returns an empty dict; a copy of what the file holds could be made again and again."""

  __slots__ = ()

  def __call__(self) -> Any:
    return OrderedDict()


class _MakeSize:
  """Returns the tuple that it is given; see `_MakeDict`."""

  __slots__ = ()

  def __call__(self, size: Any) -> Any:
    if isinstance(size, tuple):
      return size
    raise WeightsError(f"a size is a {type(size).__name__} instead of a tuple.")


class _MakeParameter:
  """Returns the tensor of a parameter; see `_MakeTensor`."""

  __slots__ = ()

  def __call__(self, tensor: Any, *_: Any) -> Any:
    return tensor


_KNOWN = {
  ("collections", "OrderedDict"): _MakeDict(),
  ("torch", "Size"): _MakeSize(),
  ("torch._utils", "_rebuild_tensor"): _MakeTensor(),
  ("torch._utils", "_rebuild_tensor_v2"): _MakeTensor(),
  ("torch._utils", "_rebuild_parameter"): _MakeParameter(),
  **{("torch", name): name for name in _STORAGES},
}


class _Unpickler(pickle.Unpickler):
  """Makes containers, numbers, strings and descriptions of tensors, and nothing else.

  Attributes:
    storages: those that the file has named, by key.
  """

  def __init__(self, file: io.BufferedIOBase):
    super().__init__(file, encoding="utf-8")
    self.storages: dict[str, _Storage] = {}

  def find_class(self, module: str, name: str) -> Any:
    if (module, name) not in _KNOWN:
      raise UnsafeFile(
        f"it asks to load {module}.{name}, which is no tensor or container. Nothing was run. "
        "If you trust the file, load it where it comes from and save its state_dict alone."
      )
    return _KNOWN[module, name]

  def persistent_load(self, pid: Any) -> _Storage:
    match pid:
      case ("storage", str(kind), str(key), str(), int(numel), *rest) if (
        kind in _STORAGES and rest in ([], [None])
      ):
        return self.storages.setdefault(key, _Storage(key, np.dtype(_STORAGES[kind]), numel))
    raise WeightsError("it refers to something outside that is no storage of numbers.")


def _unpickler(file: io.BytesIO | mmap.mmap) -> _Unpickler:
  """Returns the unpickler of the next pickle in a file, whose place is then after that pickle.

  Raises:
    WeightsError: the pickle claims to hold more than the file has.
    ValueError: it is no pickle.
  """
  start = file.tell()
  operations = pickletools.genops(cast(IO[bytes], file))  # makes no objects
  for count, (operation, argument, _) in enumerate(operations):
    number = argument if operation.name in ("PUT", "BINPUT", "LONG_BINPUT") else None
    if number is not None and number > count:  # it would allocate a table of that size
      raise WeightsError(f"its pickle calls an object the {number}th, and has {count}.")
  length = file.tell() - start
  file.seek(start)
  return _Unpickler(io.BytesIO(file.read(length)))


def read_torch_file(path: str | Path) -> Any:
  """Returns what `torch.save` wrote: containers, numbers, strings, and tensors as NumPy arrays.

  Reads both formats: the zip file of today and the one before PyTorch 1.6.

  Raises:
    UnsafeFile: the file asks for anything but tensors and containers.
    WeightsError: the file is missing, truncated, damaged, or no PyTorch file.
  """
  path = Path(path)
  if not path.is_file():
    raise WeightsError(f"There is no weights file at {path}.")
  try:
    return _read_zip(path) if zipfile.is_zipfile(path) else _read_legacy(path)
  except WeightsError as error:
    raise type(error)(f"{path} is refused: {error}") from error
  except Exception as error:  # damaged bytes make pickle and zipfile raise errors of many types
    raise WeightsError(f"{path} is not a readable PyTorch file: {error!r}.") from error


def read_state_dict(path: str | Path) -> dict[str, np.ndarray]:
  """Returns the tensors of a model by name, from a safetensors or a PyTorch file.

  Of a training checkpoint `{"state_dict": ..., ...}`, the state_dict is returned. The prefix
  `module.` of parallel training is removed.

  Raises:
    UnsafeFile: the file asks for anything but tensors and containers.
    WeightsError: the file is missing, or cannot be read.
    WeightsError: the file has something else than tensors by name.
  """
  path = Path(path)
  if path.suffix == ".safetensors":
    return read_weights(path)[0]
  content = read_torch_file(path)
  if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
    content = content["state_dict"]
  if not isinstance(content, dict) or not content:
    raise WeightsError(
      f"{path} holds a {type(content).__name__}; "
      "expected tensors by name, or {'state_dict': ...}."
    )
  others = {name: value for name, value in content.items() if not _is_entry(name, value)}
  if others:
    described = [f"{_short(name)} is a {type(value).__name__}" for name, value in others.items()]
    raise WeightsError(
      f"{path} holds more than tensors by name: {', '.join(described[:5])}. "
      "Save its state_dict alone."
    )
  return {name.removeprefix("module."): value for name, value in content.items()}


def _is_entry(name: Any, value: Any) -> bool:
  return isinstance(name, str) and isinstance(value, np.ndarray)


def _read_zip(path: Path) -> Any:
  with zipfile.ZipFile(path) as archive:
    members = archive.namelist()
    pickles = [name for name in members if name.split("/")[-1] == "data.pkl"]
    if len(pickles) != 1:
      raise WeightsError("a zip file without data.pkl is not from torch.save.")
    root = pickles[0].removesuffix("data.pkl")
    if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
      raise WeightsError("its members are compressed, which torch.save never does.")
    claimed = sum(max(info.file_size, info.compress_size) for info in archive.infolist())
    available = path.stat().st_size
    if claimed > available:
      raise WeightsError(f"its members claim {claimed} bytes, the file has {available}.")
    byteorder = f"{root}byteorder"
    if byteorder in members and archive.read(byteorder) != b"little":
      raise WeightsError("it was written on a big-endian machine.")
    content = _unpickler(io.BytesIO(archive.read(pickles[0]))).load()
    return _with_arrays(content, lambda storage: archive.read(f"{root}data/{storage.key}"))


def _read_legacy(path: Path) -> Any:
  # unlike a file, a map does not allocate what is asked for but not there
  with path.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as file:
    if _unpickler(file).load() != _MAGIC or _unpickler(file).load() != _PROTOCOL:
      raise WeightsError("it does not start as a PyTorch file does.")
    if _unpickler(file).load().get("little_endian") is not True:
      raise WeightsError("it was written on a big-endian machine.")
    main = _unpickler(file)
    content = main.load()
    keys = _unpickler(file).load()
    data = {}
    for key in keys:
      numel = int.from_bytes(file.read(8), "little")
      itemsize = main.storages[key].dtype.itemsize
      data[key] = file.read(numel * itemsize)
  return _with_arrays(content, lambda storage: data[storage.key])


def _with_arrays(content: Any, read: Callable[[_Storage], bytes]) -> Any:
  """Replaces the descriptions of tensors by arrays; a storage that several share is read once."""

  @functools.cache
  def flat(storage: _Storage) -> np.ndarray:
    data, wanted = read(storage), storage.numel * storage.dtype.itemsize
    if len(data) != wanted:
      raise WeightsError(
        f"a storage has {len(data)} bytes instead of {wanted}; the file is truncated or damaged."
      )
    return np.frombuffer(data, storage.dtype)

  def array(tensor: _Tensor) -> np.ndarray:
    from_offset = flat(tensor.storage)[tensor.offset :]
    strides = [step * from_offset.itemsize for step in tensor.stride]
    return np.lib.stride_tricks.as_strided(from_offset, tensor.size, strides, writeable=False)

  return _mapped(content, array, {})


def _mapped(content: Any, function: Callable[[_Tensor], Any], done: dict[int, Any]) -> Any:
  """Rebuilds nested containers, with `function` applied to each tensor.

  An object that occurs several times is visited once; `done` has the results by object id.
  """
  if id(content) not in done:
    match content:
      case _Tensor():
        result = function(content)
      case dict():
        result = {key: _mapped(value, function, done) for key, value in content.items()}
      case list() | tuple() if type(content) in (list, tuple):
        result = type(content)(_mapped(value, function, done) for value in content)
      case _:
        result = content
    done[id(content)] = result
  return done[id(content)]
