"""What can be typed behind `jppf`: verbs, their flags, and the values of these.

It is found without loading a dataset, a model or JAX.
"""

import importlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Literal

from absl import flags

import jppf_jax
from jppf_jax.cli import configs, help_text, main, run_flags
from jppf_jax.names import BUILDER

SHELLS = ("bash", "zsh", "fish")


@dataclass(frozen=True)
class Values:
  """What may stand at a place: some words, paths, both, or anything (neither).

  Attributes:
    words: known values.
    paths: which paths of the disk are suggested.
  """

  words: tuple[str, ...] = ()
  paths: Literal["", "files", "folders"] = ""


@dataclass(frozen=True)
class Option:
  """A flag of a verb.

  Attributes:
    name: without hyphens.
    meaning: a sentence.
    kind: name of its value in the help, "DIR"; "" for a boolean, which has no value.
    values: what is suggested behind the equals sign.
  """

  name: str
  meaning: str
  kind: str
  values: Values


@dataclass(frozen=True)
class Verb:
  """A verb, its flags, and what stands beside these."""

  name: str
  meaning: str
  options: tuple[Option, ...]
  arguments: Values


def verbs() -> tuple[Verb, ...]:
  """Returns all verbs, in the order of `jppf help`."""
  return tuple(_verb(name, meaning) for name, meaning in main.VERBS.items())


def datasets() -> tuple[str, ...]:
  """Returns the names of the package's datasets."""
  data = importlib.util.find_spec("jppf_jax_data")
  assert data is not None and data.submodule_search_locations is not None
  found = Path(data.submodule_search_locations[0]).glob(f"*/*{BUILDER}.py")
  return tuple(sorted(path.parent.name for path in found))


def models() -> tuple[str, ...]:
  """Returns the names of the models that come with the package."""
  found = Path(jppf_jax.__path__[0], "weights").glob("*/config.json")
  return tuple(sorted(path.parent.name for path in found))


def _verb(name: str, meaning: str) -> Verb:
  module = importlib.import_module(f"jppf_jax.cli.{name.replace('-', '_')}")
  options = tuple(_options(name, module))
  return Verb(name, meaning, options, _arguments(name))


def _options(verb: str, module: ModuleType) -> Iterator[Option]:
  for shown in help_text.flags_of(module):
    flag = help_text.flag_of(shown)
    if flag.name == run_flags.CHANGES.name:
      continue  # which values there are depends on the config
    kind, meaning = help_text.value_and_meaning(shown)
    sentence = meaning.partition(" (")[0]  # without "(default: ...)" or "(required)"
    yield Option(flag.name, sentence, kind, _values(verb, flag, kind))


def _values(verb: str, flag: flags.Flag, kind: str) -> Values:
  """Returns what is suggested for a flag."""
  from jppf_jax.cli import import_weights
  from jppf_jax.conversion import export, sources
  from jppf_jax.labels import registry

  if choices := getattr(flag.parser, "enum_values", None):
    return Values(tuple(choices))
  of_flag = {
    ("convert", "from"): sources.TOOLS,
    ("convert", "to"): export.TOOLS,
    ("convert", "split"): ("train", "validation"),
    ("import-weights", "from"): import_weights.SOURCES,
  }
  if words := of_flag.get((verb, flag.name)):
    return Values(tuple(words))
  of_kind = {
    "CONFIG": Values(tuple(configs.names()), "files"),
    "SPEC": Values(tuple(registry.SPECS), "files"),
    "MODEL": Values(models(), "folders"),
    "DIR": Values(paths="folders"),
    "FILE": Values(paths="files"),
    "PATH": Values(paths="files"),
  }
  return of_kind.get(kind.partition(".")[0], Values())  # "FILE.json" is a FILE


def _arguments(verb: str) -> Values:
  """Returns what is suggested for the words of a verb that are no flags."""
  from jppf_jax.cli import benchmark

  of_verb = {
    "predict": Values(paths="files"),
    "init": Values(paths="folders"),
    "convert": Values(paths="files"),
    "import-weights": Values(paths="files"),
    "prepare": Values(datasets(), "files"),
    "benchmark": Values(benchmark.SUBJECTS),
    "completion": Values(SHELLS),
  }
  return of_verb.get(verb, Values())
