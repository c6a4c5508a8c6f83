"""`import jppf_jax`: a light import, a small surface, and a help page that says what is where."""

import importlib
import re
import subprocess
import sys

import pytest

import jppf_jax
from tests import pages

SURFACE = {
  "FusionConfig": "jppf_jax.fusion.config",
  "JPPF": "jppf_jax.model",
  "PanopticParts": "jppf_jax.structs",
  "joint_fusion": "jppf_jax.fusion.joint",
  "load_predictor": "jppf_jax.evaluation.predict",
  "load_spec": "jppf_jax.labels.registry",
  "make_scene": "jppf_jax.street_scenes.scene",
}
HEAVY = {"jax", "flax", "numpy", "tensorflow_datasets", "PIL"}


def in_a_new_process(code: str) -> str:
  run = [sys.executable, "-c", code]
  return subprocess.run(run, capture_output=True, text=True, check=True).stdout


def test_the_surface_is_what_all_names():
  public = set(jppf_jax.__all__)
  assert public == {*SURFACE, "__version__"}
  assert public <= set(dir(jppf_jax))


@pytest.mark.parametrize("name", SURFACE)
def test_a_public_name_is_the_object_of_its_module(name):
  module = importlib.import_module(SURFACE[name])
  assert getattr(jppf_jax, name) is getattr(module, name)


def test_a_public_name_can_be_the_first_import():
  printed = in_a_new_process("from jppf_jax import load_spec; print(load_spec('cpp').name)")
  assert printed == "cpp_grouped\n"


def test_the_import_alone_loads_no_library():
  printed = in_a_new_process("import sys, jppf_jax; dir(jppf_jax); print(*sys.modules)")
  loaded = printed.split()
  assert not HEAVY.intersection(loaded)
  assert [name for name in loaded if name.startswith("jppf_jax")] == ["jppf_jax"]


def test_an_unknown_name_is_an_attribute_error_that_names_it():
  with pytest.raises(AttributeError, match="'jppf_jax' has no attribute 'load_predictors'"):
    jppf_jax.load_predictors  # noqa: B018


def test_the_help_names_every_room_and_every_public_name():
  words = set(re.findall(r"\w+", jppf_jax.__doc__))
  assert pages.rooms() <= words
  assert set(SURFACE) <= words


def test_the_example_of_the_help_is_that_of_the_readme_with_shorter_imports():
  (example,) = pages.python_blocks(jppf_jax.__doc__)
  (of_readme,) = pages.python_blocks((pages.ROOT / "README.md").read_text())
  imports, body = example.split("\n\n")
  exec(imports, {})
  assert statements(body) == statements(of_readme.split("\n\n")[1])


def statements(code: str) -> list[str]:
  """The lines without their comments."""
  lines = code.splitlines()
  return [line.split("  #")[0].rstrip() for line in lines]
