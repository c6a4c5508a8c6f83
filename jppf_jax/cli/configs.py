"""Configs of the command line: by name or from a file, with changes of single values.

A name is always a config of the package (`names`); a file is given with its ending `.py`.
`NAME:TEXT` and `FILE.py:TEXT` call `get_config(TEXT)`.
"""

import copy
import difflib
import importlib.util
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import ml_collections
from absl import app, flags
from ml_collections import config_flags

import jppf_jax_configs
from jppf_jax.cli.help_text import suggestion

if TYPE_CHECKING:
  from jppf_jax.build import Config

FOLDER = Path(jppf_jax_configs.__path__[0])


def names() -> list[str]:
  """Returns the names of the package's configs."""
  return sorted(path.stem for path in FOLDER.glob("[a-z]*.py"))


def load(given: str) -> "Config":
  """Returns the config that `--config` gives, locked.

  Args:
    given: name, or path of a Python file with a function `get_config`; maybe with ":TEXT".

  Raises:
    UsageError: there is no such config.
    UsageError: the file cannot be run, or gives no config; says in which line.
  """
  where, *text = [given] if Path(given).is_file() else given.split(":", 1)
  path = _file(where).absolute()  # as Python names it in tracebacks
  try:
    config = _get_config(path)(*text)
  except Exception as error:  # anything can happen in the user's file
    raise app.UsageError(f"--config={given}: {_place(error, path)}{_named(error)}") from error
  if not isinstance(config, ml_collections.ConfigDict):
    kind = type(config).__name__
    raise app.UsageError(
      f"--config={given}: get_config must return a ml_collections.ConfigDict; it returned {kind}."
    )
  return config.lock()


def changed(config: "Config", changes: Sequence[str]) -> "Config":
  """Returns a config with some values changed, locked.

  Args:
    config: stays as it is.
    changes: each "a.b=text" for the value `config.a.b`, or "a.b" to set a bool. The last one of a
      value counts; a tuple can also be given as "a.b=1", "a.b=2".

  Raises:
    UsageError: there is no such value; names one that is like it.
    UsageError: the text is no value of that type.
  """
  config = copy.deepcopy(config).lock()  # values that are made of others follow them
  texts: dict[str, list[str]] = {}
  for change in changes:
    texts.setdefault(change.partition("=")[0], []).append(change)
  for path, of_path in texts.items():
    before = _value(config, path)
    _change(config, of_path)
    if not _is_like(_value(config, path), before):
      raise app.UsageError(_expected(path, before, of_path))
  return config


def _change(config: "Config", changes: list[str]) -> None:
  """Changes one value in place; ml_collections reads the text by the type of the value."""
  path = changes[0].partition("=")[0]
  values = flags.FlagValues()
  before = _value(config, path)
  if before is None or isinstance(before, float):
    text = changes[-1].partition("=")[2]
    if before is None or text.lower() == "none":
      _change_number(config, path, text)
      return
  if before and isinstance(before, tuple) and all(isinstance(entry, str) for entry in before):
    changes = list(_one_by_one(changes))
  argv = ["jppf", *(f"--config.{change}" for change in changes)]
  try:
    config_flags.DEFINE_config_dict("config", config, flag_values=values, sys_argv=argv)
    values(argv)
  except (flags.Error, ValueError, TypeError) as error:
    raise app.UsageError(_expected(path, before, changes)) from error


def _change_number(config: "Config", path: str, text: str) -> None:
  """Changes a value that is a number or None, in place."""
  try:
    value = None if text.lower() == "none" else float(text)
  except ValueError as error:
    raise app.UsageError(f"--config.{path} must be a number or none; got {text!r}.") from error
  with config.ignore_type():
    config.update_from_flattened_dict({path: value})


def _one_by_one(changes: Sequence[str]) -> Iterator[str]:
  """Yields "a.b=x", "a.b=y" for "a.b=x,y"; a tuple as Python writes it stays as it is."""
  for change in changes:
    path, _, text = change.partition("=")
    words = [text] if text.startswith(("(", "[")) else text.split(",")
    yield from (f"{path}={word.strip()}" for word in words)


def _is_like(value: Any, before: Any) -> bool:
  """Returns whether a tuple holds numbers if it did so before; anything else is checked already."""
  if not isinstance(before, tuple) or not all(isinstance(entry, int | float) for entry in before):
    return True
  return all(isinstance(entry, int | float) for entry in value)


def _expected(path: str, before: Any, changes: list[str]) -> str:
  got = ", ".join(repr(change.partition("=")[2]) if "=" in change else "none" for change in changes)
  kind = type(before).__name__
  return f"--config.{path} must be of type {kind}, like {before!r}; got {got}."


def _file(where: str) -> Path:
  """Returns the path of a config's file."""
  path = Path(where)
  if where in names():
    if path.with_suffix(".py").is_file():
      note = f"--config={where} is that of the package; the file here is --config={where}.py"
      print(note, file=sys.stderr)
    return FOLDER / f"{where}.py"
  if where and path.is_file():
    return path
  there = f"The package has {', '.join(names())}"
  if path.stem in names():
    raise app.UsageError(
      f"There is no config file {where!r} here; --config={path.stem} is that of the package."
    )
  kind = "config file" if path.suffix == ".py" or "/" in where else "config"
  near = suggestion(path.stem, names(), prefix="--config=")
  raise app.UsageError(f"There is no {kind} {where!r}{near} {there}, or give a FILE.py.")


def _get_config(path: Path) -> Any:
  spec = importlib.util.spec_from_file_location("jppf_config", path)
  if spec is None or spec.loader is None:
    raise ImportError("the name of a config file ends in .py")
  module: ModuleType = importlib.util.module_from_spec(spec)
  sys.modules[spec.name] = module  # dataclasses look for their module there
  try:
    spec.loader.exec_module(module)
  except ValueError as error:  # of Python before 3.11.4, which later is a SyntaxError
    if b"\0" not in path.read_bytes():
      raise
    raise SyntaxError(str(error)) from error
  return module.get_config


def _named(error: Exception) -> str:
  text = error.msg if isinstance(error, SyntaxError) else str(error)
  if isinstance(error, AttributeError) and error.name == "get_config":
    return "the file has no function get_config()."
  return f"{type(error).__name__}: {text}"


def _place(error: Exception, path: Path) -> str:
  """Returns "line N: " of the config file, and of a file that it imports and Python cannot read."""
  frames = traceback.extract_tb(error.__traceback__)
  lines = [frame.lineno for frame in frames if frame.filename == str(path)]
  place = f"line {lines[-1]}: " if lines else ""
  if not isinstance(error, SyntaxError):
    return place
  if not lines:
    return f"line {_line(error, path)}: "
  if error.filename is None or not Path(error.filename).is_file():  # e.g. the text of an `eval`
    return place
  return f"{place}{error.filename}, line {_line(error, Path(error.filename))}: "


def _line(error: SyntaxError, path: Path) -> int:
  """Returns the line of a file that Python cannot read, from 1."""
  if error.lineno and "'utf-8' codec" not in error.msg:
    return error.lineno
  for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
    try:
      text = line.decode()
    except UnicodeDecodeError:
      return number
    if "\0" in text:
      return number
  return 1


def _value(config: "Config", path: str) -> Any:
  """Returns the value of that name; raises UsageError if there is none."""
  found: Any = config
  for name in path.split("."):
    if not isinstance(found, ml_collections.ConfigDict) or name not in found:
      raise app.UsageError(f"The config has no value {path!r}{_nearest(config, path)}")
    found = found[name]
  if isinstance(found, ml_collections.ConfigDict):
    inside = ", ".join(f"{path}.{name}" for name in found)
    raise app.UsageError(f"--config.{path} is a group of values; change one of {inside}.")
  return found


def _nearest(config: "Config", path: str) -> str:
  """Returns the end of a sentence: the value most like `path`, or all values near it."""
  paths = list(_paths(config))
  last = path.rpartition(".")[2]

  def likeness(known: str) -> float:  # of the last names, then of all
    of_last = difflib.SequenceMatcher(None, last, known.rpartition(".")[2]).ratio()
    return of_last + difflib.SequenceMatcher(None, path, known).ratio()

  best = max(paths, key=likeness)
  if likeness(best) > 1.2:
    same = [known for known in paths if known.rpartition(".")[2] == best.rpartition(".")[2]]
    return f"; did you mean {' or '.join(f'--config.{known}' for known in same)}?"
  group = path.rpartition(".")[0]
  inside = [known for known in paths if known.startswith(f"{group}.")] or list(config)
  return f"; it has {', '.join(inside)}."


def _paths(config: "Config", prefix: str = "") -> Iterator[str]:
  """Yields the dotted names of all values."""
  for name, value in config.items():
    if isinstance(value, ml_collections.ConfigDict):
      yield from _paths(value, f"{prefix}{name}.")
    else:
      yield f"{prefix}{name}"
