"""What is found on a machine; what cannot be found out is empty."""

import runpy
import sys
import types
from pathlib import Path

import jax
import pytest
import setuptools

from jppf_jax.cli import health
from jppf_jax.cli.compile_cache import VARIABLE
from jppf_jax.cli.health import Cache, Device, Health, Prediction

ROOT = Path(__file__).parents[2]
WELL = Health(
  versions={"jppf_jax": "0.1.0", "jax": "0.10.2", "jaxlib": "0.10.2"},
  broken={},
  python="3.11",
  devices=(Device("cpu", "cpu", None),),
  nvidia=(),
  variables={},
  cores=2,
  memory=(9_000_000_000, 16_000_000_000),
  cache=Cache("/home/me/.cache", 10, True),
  extras=dict.fromkeys(health.EXTRAS, False),
  models={"demo": "scenes"},
  prediction=Prediction(1.0, 10.0, 0.1, 12),
  failure="",
)


def test_the_extras_are_those_of_the_package(monkeypatch):
  given = {}
  monkeypatch.setattr(setuptools, "setup", lambda **values: given.update(values))
  monkeypatch.chdir(ROOT)
  runpy.run_path(str(ROOT / "setup.py"))
  assert set(health.EXTRAS) == set(given["extras_require"])


def test_an_extra_is_there_if_one_of_its_modules_is():
  assert health._is_there(("no_such_module", "json"))
  assert not health._is_there(("no_such_module",))


def program(folder, text):
  """Writes a program called nvidia-smi."""
  path = folder / "nvidia-smi"
  path.write_text(f"#!/bin/sh\n{text}\n")
  path.chmod(0o755)


def test_gpus_are_those_that_the_program_of_the_driver_lists(tmp_path, monkeypatch):
  monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
  program(tmp_path, "echo 'NVIDIA A'; echo 'NVIDIA B'")
  assert health._nvidia() == ("NVIDIA A", "NVIDIA B")


@pytest.mark.parametrize("text", ["echo 'No devices were found'; exit 6", None])
def test_else_they_are_those_that_the_driver_lists_itself(tmp_path, monkeypatch, text):
  monkeypatch.setenv("PATH", str(tmp_path))
  if text:
    program(tmp_path, text)
  monkeypatch.setattr(health, "_NVIDIA", tmp_path / "gpus")
  assert health._nvidia() == ()
  for bus, content in (("0000:01", "Model: \t NVIDIA A\nIRQ: 1\n"), ("0000:02", "IRQ: 2\n")):
    (tmp_path / "gpus" / bus).mkdir(parents=True)
    (tmp_path / "gpus" / bus / "information").write_text(content)
  assert health._nvidia() == ("NVIDIA A", "an NVIDIA GPU")


def test_memory_is_that_of_the_container_if_it_has_less(tmp_path, monkeypatch):
  monkeypatch.setattr(health, "_MEMINFO", tmp_path / "meminfo")
  monkeypatch.setattr(health, "_CGROUP", tmp_path)
  assert health._memory() is None
  (tmp_path / "meminfo").write_text("MemTotal:  8000 kB\nMemFree: 1 kB\nMemAvailable:   5000 kB\n")
  assert health._memory() == (5_120_000, 8_192_000)
  (tmp_path / "memory.current").write_text("1000000\n")
  (tmp_path / "memory.max").write_text("max\n")
  assert health._memory() == (5_120_000, 8_192_000)
  (tmp_path / "memory.max").write_text("3000000\n")
  assert health._memory() == (2_000_000, 3_000_000)
  (tmp_path / "memory.stat").write_text("file 900000\ninactive_file 400000\nslab 7\n")
  assert health._memory() == (2_400_000, 3_000_000)  # files that were read make room


def test_the_cache_is_measured_and_tried(tmp_path, monkeypatch):
  monkeypatch.delenv(VARIABLE, raising=False)
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
  assert health._cache().is_writable
  folder = Path(health._cache().folder)
  assert folder.is_relative_to(tmp_path)
  (folder / "entry").write_bytes(b"12345")
  (folder / "gone").symlink_to(folder / "removed meanwhile")
  assert health._cache() == Cache(str(folder), 5, True)
  (folder / "gone").unlink()
  assert [path.name for path in folder.iterdir()] == ["entry"]


def test_a_cache_that_the_user_chose_for_jax_is_the_one(tmp_path, monkeypatch):
  (tmp_path / "mine").mkdir()
  (tmp_path / "mine" / "entry").write_bytes(b"123")
  monkeypatch.setenv(VARIABLE, str(tmp_path / "mine"))
  assert health._cache() == Cache(str(tmp_path / "mine"), 3, True, VARIABLE)
  monkeypatch.chdir(tmp_path)
  monkeypatch.setenv(VARIABLE, "gs://bucket/mine")
  assert health._cache() == Cache("gs://bucket/mine", None, True, VARIABLE)
  assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_cache_that_cannot_be_made_is_not_writable(tmp_path, monkeypatch):
  (tmp_path / "file").touch()
  monkeypatch.delenv(VARIABLE, raising=False)
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
  assert not health._cache().is_writable


def test_a_library_that_cannot_be_imported_is_named_with_the_reason(tmp_path, monkeypatch):
  (tmp_path / "broken_library.py").write_text("raise RuntimeError('needs jaxlib.\\nMore')\n")
  monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
  monkeypatch.setattr(health, "LIBRARIES", {"json": "json", "broken-library": "broken_library"})
  assert health._broken() == {"broken-library": "needs jaxlib"}
  found = health.examine()
  assert (found.prediction, found.devices, found.models) == (None, (), {})
  assert found.versions["broken-library"] == ""


def test_a_prediction_that_fails_says_why(monkeypatch):
  monkeypatch.setattr(health, "MODEL", "no_such_model")
  made, failure = health._predict()
  assert made is None
  assert failure.startswith("WeightsError: There is no model 'no_such_model'")


def test_devices_are_those_of_jax(monkeypatch):
  found = health._devices()
  assert [device.platform for device in found] == [device.platform for device in jax.devices()]

  def fail():
    raise RuntimeError("Unable to initialize backend 'cuda'")

  monkeypatch.setattr(jax, "devices", fail)
  assert health._devices() == ()


def test_the_memory_of_a_device_is_unknown_if_it_has_none_or_does_not_say():
  def fail():
    raise jax.errors.JaxRuntimeError("UNIMPLEMENTED")

  for given, found in ((lambda: {"bytes_limit": 7}, 7), (dict, None), (lambda: None, None)):
    assert health._bytes_of(types.SimpleNamespace(memory_stats=given)) == found
  assert health._bytes_of(types.SimpleNamespace(memory_stats=fail)) is None
