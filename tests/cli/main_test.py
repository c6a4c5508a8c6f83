import platform

import flax
import jax
import jaxlib
import pytest

import jppf_jax
from jppf_jax.cli import main
from tests.cli import verbs

HEAVY = {"jax", "flax", "numpy", "tensorflow_datasets", "orbax", "jppf_jax.build"}


@pytest.mark.parametrize("argv", [(), ("--help",), ("-h",), ("help",), ("help", "--help")])
def test_help_lists_every_verb_at_80_columns(argv):
  done = verbs.here(*argv)
  assert done.status == 0
  assert all(f"\n  {verb} " in done.out for verb in main.VERBS)
  assert max(map(len, done.out.splitlines())) <= 80


@pytest.mark.parametrize("flag", ["--version", "version"])
def test_the_version_names_what_a_report_needs(flag):
  done = verbs.here(flag)
  assert done.status == 0
  versions = (jppf_jax.__version__, jax.__version__, jaxlib.__version__, flax.__version__)
  named = ("jppf_jax", "jax", "jaxlib", "flax")
  lines = [f"{name} {version}" for name, version in zip(named, versions)]
  *printed, python = done.out.splitlines()
  assert printed == lines
  assert python.startswith(f"Python {platform.python_version()} ")


@pytest.mark.parametrize(
  "typed, meant",
  [("trian", "train"), ("predcit", "predict"), ("import_weights", "import-weights")],
)
def test_an_unknown_verb_fails_names_the_nearest_and_shows_all(typed, meant):
  for argv in ((typed, "--workdir=x"), ("help", typed)):
    done = verbs.here(*argv)
    assert done.status == 2
    assert f"there is no verb '{typed}'; did you mean {meant}?" in done.err
    assert all(verb in done.err for verb in main.VERBS)


def test_a_verb_like_no_other_is_refused_too():
  assert verbs.here("xyz").err.startswith("jppf: there is no verb 'xyz'.\n")


@pytest.mark.parametrize("verb", main.VERBS)
def test_every_verb_has_a_module_with_a_main(verb):
  assert callable(verbs.module(verb).main)


@pytest.mark.parametrize("argv", [("--help",), ("--version",), ("predcit",)])
def test_a_question_is_answered_without_loading_a_library(argv):
  assert not verbs.loaded_by("main", *argv) & HEAVY
