"""What `jppf doctor` looks at on this machine, and what it finds wrong there.

`examine` collects, `problems` judges. Nothing here raises: what cannot be found out is empty.
"""

import importlib
import importlib.metadata
import importlib.util
import itertools
import os
import platform
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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
LEAST_MEMORY = 2e9  # bytes; training the smallest config takes 1.7e9
MODEL = "demo"  # the smallest of the package
HIDING = ("JAX_PLATFORMS", "CUDA_VISIBLE_DEVICES")  # variables by which a user hides GPUs from JAX

_CGROUP = Path("/sys/fs/cgroup")
_MEMINFO = Path("/proc/meminfo")
_NVIDIA = Path("/proc/driver/nvidia/gpus")
_KIB = re.compile(r"^(MemTotal|MemAvailable):\s*(\d+) kB$", re.MULTILINE)


@dataclass(frozen=True)
class Device:
  """A device that JAX can use: its platform ("cpu", "gpu"), its kind, its bytes if it says so."""

  platform: str
  kind: str
  memory: int | None


@dataclass(frozen=True)
class Cache:
  """The folder of compiled programs: its path ("" without a home), its bytes, if it can be used."""

  folder: str
  size: int
  is_writable: bool


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
    hidden: variables that hide devices from JAX -> value.
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
  hidden: dict[str, str]
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
    hidden={name: os.environ[name] for name in HIDING if name in os.environ},
    cores=_cores(),
    memory=_memory(),
    cache=_cache(),
    extras={name: _is_there(modules) for name, (_, modules) in EXTRAS.items()},
    models={} if broken else _models(),
    prediction=prediction,
    failure=failure,
  )


def problems(health: Health) -> list[str]:
  """Returns what is wrong, each as a sentence that also says what to do."""
  found = [_about_import(name, why) for name, why in health.broken.items()]
  jax, jaxlib = health.versions["jax"], health.versions["jaxlib"]
  if jax and jaxlib and jax != jaxlib:
    found.append(f"jax is {jax}, but jaxlib is {jaxlib}: pip install -U jax=={jax} jaxlib=={jax}")
  if any(device.platform == "gpu" for device in health.devices) or health.broken:
    pass
  elif health.nvidia and not health.hidden:
    found.append(_about_gpu(health))
  if health.memory is not None and health.memory[0] < LEAST_MEMORY:
    found.append(
      f"Only {health.memory[0] / 1e9:.1f} GB of memory are free, and training takes "
      f"{LEAST_MEMORY / 1e9:.0f} GB at least: end other programs, or use a larger machine"
    )
  if not health.cache.is_writable:
    where = health.cache.folder or "the home folder, which is unknown"
    found.append(
      f"Compiled programs cannot be kept in {where}: make it writable, or set XDG_CACHE_HOME to a "
      "folder that is; without it each start compiles anew"
    )
  if not health.models and not health.broken:
    found.append("The models of the package are missing: pip install --force-reinstall jppf_jax")
  if health.failure:
    found.append(f"The prediction failed: {health.failure}")
  return found


def _about_import(name: str, why: str) -> str:
  return f"{name} cannot be imported ({why}): pip install --force-reinstall {name}"


def _about_gpu(health: Health) -> str:
  """Returns what to do if JAX does not see the GPU that is there."""
  seen = f"JAX sees no GPU, though there is {', '.join(health.nvidia)}"
  if not health.extras["cuda"]:
    return f"{seen}: pip install -U 'jax[cuda12]=={health.versions['jax']}'"
  return (
    f"{seen} and the CUDA plugin is installed: `nvidia-smi` shows whether the driver works, "
    "`python -c \"import jax; jax.devices('cuda')\"` says what JAX misses"
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
  return tuple(_device(device.platform, device.device_kind, device) for device in devices)


def _device(platform_name: str, kind: str, device: object) -> Device:
  stats: Mapping[str, int] = getattr(device, "memory_stats", dict)() or {}
  return Device(platform_name, kind, stats.get("bytes_limit"))


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
  files = sorted(_NVIDIA.glob("*/information"))
  models = [re.search(r"^Model:\s*(.+)$", path.read_text(), re.MULTILINE) for path in files]
  return tuple(found[1].strip() if found else "an NVIDIA GPU" for found in models)


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
  return min(free, max(limit - used, 0)), min(total, limit)


def _cache() -> Cache:
  folder = compile_cache.folder()
  if folder is None:
    return Cache("", 0, False)
  size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
  return Cache(str(folder), size, compile_cache.is_writable(folder))


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
