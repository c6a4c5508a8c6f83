"""What `jppf doctor` looks at on this machine; `diagnosis` says what is wrong there.

Nothing here raises: what cannot be found out is empty.
"""

import contextlib
import importlib
import importlib.metadata
import importlib.util
import itertools
import os
import platform
import re
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jppf_jax
from jppf_jax.cli import compile_cache

LIBRARIES = {  # name of the package -> module
  "jax": "jax",
  "jaxlib": "jaxlib",
  "flax": "flax",
  "optax": "optax",
  "orbax-checkpoint": "orbax.checkpoint",
  "numpy": "numpy",
  "tensorflow-datasets": "tensorflow_datasets",
  "grain": "grain",
}
EXTRAS = {  # name -> what it is for; modules of which one shows that it is there
  "cuda": ("NVIDIA GPUs", ("jax_cuda12_plugin", "jax_cuda13_plugin")),
  "tpu": ("Google TPUs", ("libtpu",)),
  "hub": ("models of the model hub", ("huggingface_hub",)),
  "video": ("frames of videos", ("imageio_ffmpeg",)),
  "wandb": ("metrics of trainings at Weights & Biases", ("wandb",)),
  "torch": ("comparisons with PyTorch", ("torch",)),
  "colab": ("the notebooks", ("nbclient",)),
  "test": ("the tests", ("pytest",)),
  "docs": ("the pages as a site", ("mkdocstrings",)),
}
MODEL = "demo"  # the smallest of the package
VARIABLES = ("JAX_PLATFORMS", "CUDA_VISIBLE_DEVICES")  # by which a user chooses devices

_CGROUP = Path("/sys/fs/cgroup")
_MEMINFO = Path("/proc/meminfo")
_NVIDIA = Path("/proc/driver/nvidia/gpus")
_KIB = re.compile(r"^(MemTotal|MemAvailable):\s*(\d+) kB$", re.MULTILINE)
_INACTIVE_FILE = re.compile(r"^inactive_file (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Device:
  """A device that JAX can use: its platform ("cpu", "gpu"), its kind, its bytes if it says so."""

  platform: str
  kind: str
  memory: int | None


@dataclass(frozen=True)
class Cache:
  """The folder of compiled programs: its path ("" without a home), its bytes, if it can be used.

  The bytes of a folder that is not on this machine ("gs://...") are None. `variable` is the one to
  set for another folder.
  """

  folder: str
  size: int | None
  is_writable: bool
  variable: str = "XDG_CACHE_HOME"


@dataclass(frozen=True)
class Prediction:
  """Seconds that the parts of a prediction took, and how many segments it has."""

  load: float
  compile: float
  run: float
  segments: int


@dataclass(frozen=True)
class Health:
  """What was found.

  Attributes:
    versions: of libraries by name; "" if one is not installed.
    broken: libraries that cannot be imported -> why.
    python: version and platform.
    devices: those that JAX can use.
    nvidia: the NVIDIA GPUs that the driver knows.
    variables: by which the user chooses devices -> value.
    cores: of the processor, for this process.
    memory: bytes, free and in all; None if unknown.
    cache: of compiled programs.
    extras: optional parts by name -> whether they are there.
    models: those of the package, and what they were trained on.
    prediction: None if it failed.
    failure: why it failed, or "".
  """

  versions: dict[str, str]
  broken: dict[str, str]
  python: str
  devices: tuple[Device, ...]
  nvidia: tuple[str, ...]
  variables: dict[str, str]
  cores: int
  memory: tuple[int, int] | None
  cache: Cache
  extras: dict[str, bool]
  models: dict[str, str]
  prediction: Prediction | None
  failure: str


def examine() -> Health:
  """Looks at everything; the prediction takes 10 to 30 seconds."""
  os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # others may use the GPU, too
  broken = _broken()
  prediction, failure = (None, "") if broken else _predict()
  return Health(
    versions={"jppf_jax": jppf_jax.__version__, **{name: _version(name) for name in LIBRARIES}},
    broken=broken,
    python=f"{platform.python_version()} on {platform.system()} {platform.machine()}",
    devices=() if broken else _devices(),
    nvidia=_nvidia(),
    variables={name: os.environ[name] for name in VARIABLES if name in os.environ},
    cores=_cores(),
    memory=_memory(),
    cache=_cache(),
    extras={name: _is_there(modules) for name, (_, modules) in EXTRAS.items()},
    models={} if broken else _models(),
    prediction=prediction,
    failure=failure,
  )


def _version(name: str) -> str:
  try:
    return importlib.metadata.version(name)
  except importlib.metadata.PackageNotFoundError:
    return ""


def _broken() -> dict[str, str]:
  """Returns the libraries that cannot be imported, and why."""
  broken = {}
  for name, module in LIBRARIES.items():
    try:
      importlib.import_module(module)
    except Exception as error:  # whatever a library raises when its parts do not fit
      broken[name] = _first_line(error)
  return broken


def _first_line(error: Exception) -> str:
  text = str(error).strip() or type(error).__name__
  return text.splitlines()[0].rstrip(".")


def _devices() -> tuple[Device, ...]:
  import jax

  try:
    devices = jax.devices()
  except RuntimeError:  # the platform that the user asked for is not there
    return ()
  return tuple(Device(each.platform, each.device_kind, _bytes_of(each)) for each in devices)


def _bytes_of(device: Any) -> int | None:
  """Returns the memory of a device of JAX; not all platforms know it."""
  try:
    stats = device.memory_stats() or {}
  except Exception:  # whatever a platform raises that has no statistics
    return None
  return stats.get("bytes_limit")


def _nvidia() -> tuple[str, ...]:
  """Returns the names of the NVIDIA GPUs, as the driver says."""
  program = shutil.which("nvidia-smi")
  if program is not None:
    query = [program, "--query-gpu=name", "--format=csv,noheader"]
    try:
      done = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True)
      return tuple(line.strip() for line in done.stdout.splitlines() if line.strip())
    except (OSError, subprocess.SubprocessError):
      pass
  return tuple(map(_model, sorted(_NVIDIA.glob("*/information"))))


def _model(information: Path) -> str:
  """Returns the name of a GPU, from the driver's file about it."""
  with contextlib.suppress(OSError):
    found = re.search(r"^Model:\s*(.+)$", information.read_text(), re.MULTILINE)
    if found:
      return found[1].strip()
  return "an NVIDIA GPU"


def _cores() -> int:
  if hasattr(os, "sched_getaffinity"):
    return len(os.sched_getaffinity(0))
  return os.cpu_count() or 1


def _memory() -> tuple[int, int] | None:
  """Returns the bytes that are free and all, of the machine or of the container if it has fewer."""
  try:
    kib = {name: int(number) for name, number in _KIB.findall(_MEMINFO.read_text())}
    free, total = 1024 * kib["MemAvailable"], 1024 * kib["MemTotal"]
  except (OSError, KeyError):
    return None
  try:
    limit = int((_CGROUP / "memory.max").read_text())
    used = int((_CGROUP / "memory.current").read_text())
  except (OSError, ValueError):  # no container, or "max"
    return free, total
  used -= _files_in_memory()
  return min(free, max(limit - used, 0)), min(total, limit)


def _files_in_memory() -> int:
  """Returns the bytes that count as used by the container, but make room if need be."""
  try:
    found = _INACTIVE_FILE.search((_CGROUP / "memory.stat").read_text())
  except OSError:
    return 0
  return int(found[1]) if found else 0


def _cache() -> Cache:
  """Returns the folder that programs are kept in: ours, or the one that the user chose for JAX."""
  chosen = os.environ.get(compile_cache.VARIABLE, "")
  if "://" in chosen:  # in a cloud
    return Cache(chosen, None, True, compile_cache.VARIABLE)
  if chosen:
    return _cache_in(Path(chosen), compile_cache.VARIABLE)
  folder = compile_cache.folder()
  return Cache("", 0, False) if folder is None else _cache_in(folder, Cache.variable)


def _cache_in(folder: Path, variable: str) -> Cache:
  is_writable = compile_cache.is_writable(folder)
  return Cache(str(folder), sum(_sizes(folder)), is_writable, variable)


def _sizes(folder: Path) -> Iterator[int]:
  """Yields the bytes of each file; another process may remove some of them meanwhile."""
  for path in folder.rglob("*"):
    with contextlib.suppress(OSError):
      found = path.stat()
      if stat.S_ISREG(found.st_mode):
        yield found.st_size


def _is_there(modules: tuple[str, ...]) -> bool:
  return any(importlib.util.find_spec(module) is not None for module in modules)


def _models() -> dict[str, str]:
  from jppf_jax.checkpoints import model_folder

  return model_folder.shipped()


def _predict() -> tuple[Prediction | None, str]:
  """Predicts a small generated scene; returns the seconds, or why it failed."""
  try:
    return _timed_prediction(), ""
  except Exception as error:  # anything can be wrong with a machine
    return None, f"{type(error).__name__}: {_first_line(error)}"


def _timed_prediction() -> Prediction:
  from jppf_jax import build
  from jppf_jax.checkpoints import model_folder
  from jppf_jax.evaluation.predict import load_predictor
  from jppf_jax.street_scenes.scene import make_scene

  times = [time.monotonic()]
  folder = model_folder.find(MODEL)
  predictor = load_predictor(build.model_config(folder), model_folder.weights_in(folder))
  times.append(time.monotonic())
  image, _ = make_scene(0, size=predictor.size)
  times.append(time.monotonic())
  predictor(image)
  times.append(time.monotonic())
  parts = predictor(image)
  times.append(time.monotonic())
  load, _, first, run = (later - earlier for earlier, later in itertools.pairwise(times))
  return Prediction(load, max(first - run, 0.0), run, int(parts.segments.valid.sum()))
