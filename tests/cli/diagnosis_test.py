"""What is said to be wrong with a machine."""

import dataclasses

import pytest

from jppf_jax.cli import diagnosis
from jppf_jax.cli.health import Cache, Device
from tests.cli.health_test import WELL

CUDA = {**WELL.extras, "cuda": True}
GPU = Device("gpu", "NVIDIA H100", 80_000_000_000)


def problems(**changes):
  return diagnosis.problems(dataclasses.replace(WELL, **changes))


def test_a_machine_without_faults_has_no_problems_whatever_is_optional():
  assert problems() == []
  assert problems(memory=None) == []
  assert problems(devices=(GPU,), nvidia=("NVIDIA H100",), extras=CUDA) == []


@pytest.mark.parametrize(
  "changes, words, remedy",
  [
    (
      {"nvidia": ("NVIDIA H100",)},
      "JAX sees no GPU, though there is NVIDIA H100",
      "pip install -U 'jax[cuda12]==0.10.2'",
    ),
    (
      {"nvidia": ("NVIDIA H100",), "extras": CUDA},
      "the CUDA plugin is installed",
      "`nvidia-smi` shows whether the driver works",
    ),
    (
      {"versions": {"jax": "0.10.2", "jaxlib": "0.10.1"}},
      "jax is 0.10.2, but jaxlib is 0.10.1",
      "pip install -U jax==0.10.2 jaxlib==0.10.2",
    ),
    ({"memory": (700_000_000, 8_000_000_000)}, "Only 0.7 GB of memory", "end other programs"),
    ({"cache": Cache("/x", 0, False)}, "cannot be kept in /x", "XDG_CACHE_HOME"),
    ({"cache": Cache("/x", 0, False, "JAX_DIR")}, "cannot be kept in /x", "or set JAX_DIR to"),
    ({"cache": Cache("", 0, False)}, "the home folder, which is unknown", "XDG_CACHE_HOME"),
    ({"models": {}}, "The models of the package are missing", "--force-reinstall jppf_jax"),
    ({"failure": "ValueError: x"}, "The prediction failed: ValueError: x", ""),
    ({"broken": {"flax": "no msgpack"}}, "flax cannot be imported (no msgpack)", "pip install"),
  ],
)
def test_a_fault_is_one_sentence_with_its_remedy(changes, words, remedy):
  (problem,) = problems(**changes)
  assert words in problem
  assert remedy in problem


@pytest.mark.parametrize(
  "name, hiding, naming",
  [
    ("JAX_PLATFORMS", ("cpu", "tpu,cpu", "rocm"), ("", "cuda", "gpu", "cpu,cuda")),
    ("CUDA_VISIBLE_DEVICES", ("", "-1", "none", "NoDevFiles"), ("0", "2,3", "GPU-8932f937")),
  ],
)
def test_a_gpu_that_the_user_hides_is_no_problem_one_that_is_named_is(name, hiding, naming):
  for value in hiding:
    assert problems(nvidia=("NVIDIA H100",), variables={name: value}) == []
  for value in naming:
    (problem,) = problems(nvidia=("NVIDIA H100",), variables={name: value})
    assert problem.startswith("JAX sees no GPU")


def test_what_cannot_be_imported_is_not_blamed_twice():
  (problem,) = problems(
    broken={"jax": "x"}, devices=(), models={}, prediction=None, nvidia=("NVIDIA H100",)
  )
  assert problem.startswith("jax cannot be imported (x)")
