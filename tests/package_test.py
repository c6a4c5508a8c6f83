"""`import jppf_jax`: a light import, a small surface, and a help page that says what is where."""

import importlib
import re
import subprocess
import sys
import textwrap

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
HEAVY = ("jax", "flax", "numpy", "tensorflow_datasets", "PIL")


def in_a_new_process(code: str) -> str:
  run = [sys.executable, "-c", code]
  return subprocess.run(run, capture_output=True, text=True, check=True).stdout


def test_the_surface_is_what_all_names():
  assert set(jppf_jax.__all__) == {*SURFACE, "__version__"}
  assert set(jppf_jax.__all__) <= set(dir(jppf_jax))


@pytest.mark.parametrize("name", SURFACE)
def test_a_public_name_is_the_object_of_its_module(name):
  assert getattr(jppf_jax, name) is getattr(importlib.import_module(SURFACE[name]), name)


def test_a_public_name_can_be_the_first_import():
  assert (
    in_a_new_process("from jppf_jax import load_spec; print(load_spec('cpp').name)")
    == "cpp_grouped\n"
  )


def test_the_import_alone_loads_no_library():
  loaded = in_a_new_process("import sys, jppf_jax; dir(jppf_jax); print(*sys.modules)").split()
  assert "jppf_jax" in loaded
  assert not {name for name in loaded if name.split(".")[0] in HEAVY}
  assert not {name for name in loaded if name.startswith("jppf_jax.")}


def test_an_unknown_name_is_an_attribute_error_that_names_it():
  with pytest.raises(AttributeError, match=r"'jppf_jax' has no attribute 'load_predictors'"):
    jppf_jax.load_predictors  # noqa: B018


def test_the_help_names_every_room_and_every_public_name():
  rooms = {path.stem for path in (pages.ROOT / "jppf_jax").glob("[a-z]*") if is_code(path)}
  words = set(re.findall(r"\w+", jppf_jax.__doc__))
  assert rooms <= words, rooms - words
  assert set(SURFACE) <= words


def is_code(path) -> bool:
  return path.suffix == ".py" or (path / "__init__.py").is_file()


def test_the_example_of_the_help_is_that_of_the_readme_with_shorter_imports():
  (block,) = re.findall(r"```python\n(.*?)```", jppf_jax.__doc__, re.DOTALL)
  imports, body = textwrap.dedent(block).split("\n\n")
  exec(imports, {})
  (of_readme,) = re.findall(
    r"```python\n(.*?)```", (pages.ROOT / "README.md").read_text(), re.DOTALL
  )
  assert statements(body) == statements(of_readme.split("\n\n")[1])


def statements(code: str) -> list[str]:
  return [line.split("  #")[0].rstrip() for line in code.splitlines()]
