"""What is wrong on a machine that `health` has looked at, and what to do about it."""

import re
from collections.abc import Mapping

from jppf_jax.cli.health import Health

LEAST_MEMORY = 2e9  # bytes; training the smallest config takes 1.7e9

_A_GPU = re.compile(r"\d|GPU-|MIG-")  # how an entry of CUDA_VISIBLE_DEVICES begins


def problems(health: Health) -> list[str]:
  """Returns what is wrong, each as a sentence without its full stop that also says what to do."""
  found = [_about_import(name, why) for name, why in health.broken.items()]
  jax, jaxlib = health.versions["jax"], health.versions["jaxlib"]
  if jax and jaxlib and jax != jaxlib:
    found.append(f"jax is {jax}, but jaxlib is {jaxlib}: pip install -U jax=={jax} jaxlib=={jax}")
  if _misses_gpu(health):
    found.append(_about_gpu(health))
  if health.memory is not None and health.memory[0] < LEAST_MEMORY:
    found.append(
      f"Only {health.memory[0] / 1e9:.1f} GB of memory are free, and training takes "
      f"{LEAST_MEMORY / 1e9:.0f} GB at least: end other programs, or use a larger machine"
    )
  if not health.cache.is_writable:
    where = health.cache.folder or "the home folder, which is unknown"
    found.append(
      f"Compiled programs cannot be kept in {where}: make it writable, or set "
      f"{health.cache.variable} to a folder that is; without it each start compiles anew"
    )
  if not health.models and not health.broken:
    found.append("The models of the package are missing: pip install --force-reinstall jppf_jax")
  if health.failure:
    found.append(f"The prediction failed: {health.failure}")
  return found


def _about_import(name: str, why: str) -> str:
  return f"{name} cannot be imported ({why}): pip install --force-reinstall {name}"


def _misses_gpu(health: Health) -> bool:
  """Returns whether there is a GPU that the user has not hidden, but JAX does not see it."""
  if not health.nvidia or health.broken or _hides_gpus(health.variables):
    return False
  return all(device.platform != "gpu" for device in health.devices)


def _hides_gpus(variables: Mapping[str, str]) -> bool:
  """Returns whether the user wants no NVIDIA GPU; many machines set the variables to name some."""
  platforms = variables.get("JAX_PLATFORMS", "")
  is_cuda_left_out = platforms != "" and not {"cuda", "gpu"}.intersection(platforms.split(","))
  visible = variables.get("CUDA_VISIBLE_DEVICES", "0")
  return is_cuda_left_out or _A_GPU.match(visible) is None  # CUDA stops at what is no GPU


def _about_gpu(health: Health) -> str:
  seen = f"JAX sees no GPU, though there is {', '.join(health.nvidia)}"
  if not health.extras["cuda"]:
    return f"{seen}: pip install -U 'jax[cuda12]=={health.versions['jax']}'"
  return (
    f"{seen} and the CUDA plugin is installed: `nvidia-smi` shows whether the driver works, "
    "`python -c \"import jax; jax.devices('cuda')\"` says what JAX misses"
  )
