"""The conventions of `jppf_jax.ops`, checked for each public function."""

import importlib
import inspect
import pkgutil

import pytest

from jppf_jax import ops

MODULES = [
  importlib.import_module(f"{ops.__name__}.{module.name}")
  for module in pkgutil.iter_modules(ops.__path__)
]
FUNCTIONS = {
  f"{module.__name__.rsplit('.', 1)[1]}.{name}": function
  for module in MODULES
  for name, function in inspect.getmembers(module, inspect.isfunction)
  if function.__module__ == module.__name__ and not name.startswith("_")
}
# as the convolutions of jax.lax
POSITIONAL = {"depthwise.depthwise_conv": {"strides", "dilation", "impl"}}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_documented(name):
  doc = inspect.getdoc(FUNCTIONS[name]) or ""
  summary = doc.split("\n", 1)[0]
  is_sentence = summary[:1].isupper() and summary.endswith((".", ".)"))
  assert is_sentence, f"{name}: {summary!r}"
  for option in options_of(FUNCTIONS[name]):
    assert f"\n  {option}: " in doc, f"{name} does not say under Args what {option} does"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_argument_and_result_is_annotated(name):
  signature = inspect.signature(FUNCTIONS[name])
  assert signature.return_annotation is not inspect.Signature.empty
  bare = [p.name for p in signature.parameters.values() if p.annotation is inspect.Parameter.empty]
  assert not bare, f"{name}: {bare} without annotation"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_options_are_keyword_only(name):
  options = options_of(FUNCTIONS[name]).items()
  positional = {option for option, kind in options if kind is not inspect.Parameter.KEYWORD_ONLY}
  positional -= POSITIONAL.get(name, set())
  assert not positional, f"{name}: {positional} have defaults; put them after *"


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_module_has_a_docstring(module):
  assert module.__doc__ and module.__doc__.rstrip().endswith(".")


def test_the_functions_are_found():
  some = {"boxes.iou_matrix", "nms.nms", "roi_align.roi_align", "masks.paste"}
  assert some <= set(FUNCTIONS)


def options_of(function):
  parameters = inspect.signature(function).parameters.values()
  return {p.name: p.kind for p in parameters if p.default is not inspect.Parameter.empty}
