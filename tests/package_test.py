"""`import jppf_jax`: a light import, a small surface, and a help page that says what is where."""

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import jppf_jax
from jppf_jax import build, metrics, ops
from tests import pages
from tests.ops.conventions_test import FUNCTIONS

SURFACE = {
  "FusionConfig": "jppf_jax.fusion.config",
  "JPPF": "jppf_jax.model",
  "PanopticParts": "jppf_jax.structs",
  "from_pretrained": "jppf_jax.pretrained",
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


def test_merging_and_converting_load_no_jax():
  code = "import sys, jppf_jax.cli.merge, jppf_jax.evaluation.merge, jppf_jax.labels.registry"
  code += "; from jppf_jax.conversion import convert, export, init"
  loaded = in_a_new_process(f"{code}; print(*sys.modules)").split()
  assert "jppf_jax.labels.formats.coco" in loaded
  assert not {"jax", "flax", "tensorflow_datasets"}.intersection(loaded)


ROOMS = ("encoder", "fusion", "heads", "losses", "metrics", "ops", "targets")


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_shows_what_its_modules_define(room):
  package = importlib.import_module(f"jppf_jax.{room}")
  assert package.__all__ == sorted(package.__all__, key=lambda name: (not name.isupper(), name))
  for name in package.__all__:
    value = getattr(package, name)
    assert value.__module__.startswith(f"jppf_jax.{room}.")
    assert getattr(importlib.import_module(value.__module__), name) is value


def test_ops_shows_every_function_and_metrics_every_state():
  assert set(ops.__all__) == {function.__name__ for function in FUNCTIONS.values()}
  modules = [
    importlib.import_module(f"jppf_jax.metrics.{module.name}")
    for module in pkgutil.iter_modules(metrics.__path__)
  ]
  classes = {
    value for module in modules for _, value in inspect.getmembers(module, inspect.isclass)
  }
  states = {found for found in classes if hasattr(found, "add") and hasattr(found, "merge")}
  assert set(metrics.__all__) == {state.__name__ for state in states}
  assert set(metrics.__all__) <= set(re.findall(r"\w+", metrics.__doc__))


@pytest.mark.parametrize("name", ["nms", "roi_align", "batch_norm"])
def test_a_function_named_as_its_module_is_found_in_both_places_whatever_comes_first(name):
  first = f"from jppf_jax.ops.{name} import {name} as a; from jppf_jax.ops import {name} as b"
  second = f"from jppf_jax.ops import {name} as c; from jppf_jax.ops.{name} import {name} as d"
  found = {}
  exec(f"{first}; {second}", found)
  assert callable(found["a"])
  assert found["a"] is found["b"] is found["c"] is found["d"]


@pytest.mark.parametrize("package", [jppf_jax, build], ids=lambda package: package.__name__)
def test_type_checkers_see_the_names_that_are_imported_at_their_first_use(package):
  tree = ast.parse(Path(package.__file__).read_text())
  (block,) = [node for node in tree.body if isinstance(node, ast.If)]
  assert ast.unparse(block.test) == "TYPE_CHECKING"
  seen = {alias.name: node.module for node in block.body for alias in node.names}
  found = package._MODULE_OF.items()
  assert seen == {name: module_in(package, module) for name, module in found}


def module_in(package, name: str) -> str:
  """The whole name of a module; that of another room is whole already."""
  return name if name.startswith("jppf_jax.") else f"{package.__name__}.{name}"


def test_an_unknown_name_is_an_attribute_error_that_names_it():
  with pytest.raises(AttributeError, match="'jppf_jax' has no attribute 'load_predictors'"):
    jppf_jax.load_predictors  # noqa: B018


def test_the_help_names_every_room_and_every_public_name():
  words = set(re.findall(r"\w+", jppf_jax.__doc__))
  assert pages.rooms() <= words
  assert set(SURFACE) <= words


def test_the_example_of_the_help_is_that_of_the_readme():
  (example,) = pages.python_blocks(jppf_jax.__doc__)
  (of_readme,) = pages.python_blocks((pages.ROOT / "README.md").read_text())
  assert statements(example) == statements(of_readme)


def statements(code: str) -> list[str]:
  """The lines without their comments."""
  lines = code.splitlines()
  return [line.split("  #")[0].rstrip() for line in lines]


def test_a_prediction_needs_neither_the_input_pipeline_nor_the_optimizer():
  code = "import sys; import jppf_jax.evaluation.predict; print(*sys.modules)"
  loaded = set(in_a_new_process(code).split())
  assert "jppf_jax.build.network" in loaded
  assert not loaded & {"grain", "tensorflow_datasets", "optax", "orbax", "orbax.checkpoint"}


def test_build_shows_the_public_names_of_its_modules():
  assert set(build.__all__) == set(build._MODULE_OF) <= set(dir(build))
  for name in build.__all__:
    assert hasattr(build, name)
  with pytest.raises(AttributeError, match="'jppf_jax.build' has no attribute 'modle'"):
    build.modle  # noqa: B018
