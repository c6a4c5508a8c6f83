"""What `jppf VERB --help` and `jppf --version` print, from what a verb's module says about itself.

The docstring of the module is the text: "`jppf VERB ...`: what it does", then paragraphs, among
them one "Example: `jppf VERB ...`". Its `FLAGS` are the verb's flags in the order of the page. The
text of a flag is "VALUE: what it means"; VALUE is shown behind the equals sign.
"""

import difflib
import importlib.metadata
import inspect
import platform
import re
import textwrap
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any, TypeAlias

from absl import flags

import jppf_jax

WIDTH = 80
LIBRARIES = ("jax", "jaxlib", "flax")  # beside ours and Python's, the versions that reports need

# a flag, or a flag and what it means for this verb
Shown: TypeAlias = flags.FlagHolder[Any] | tuple[flags.FlagHolder[Any], str]

_COLUMN = 26  # where the meaning of a flag starts
_USAGE = re.compile(r"`(jppf [^`]+)`: (.*)", re.DOTALL)
_EXAMPLE = re.compile(r"Example: `([^`]+)`\s*")
_ADDED = re.compile(r"^<[^>]*>: |;\s+repeat this option.*$", re.DOTALL)  # by absl
_VALUE = re.compile(r"([A-Z][\w|.,]*): (.*)", re.DOTALL)


def version() -> str:
  """Returns the versions of the package, of the libraries that compute, and of Python."""
  versions = [f"jppf_jax {jppf_jax.__version__}"]
  for name in LIBRARIES:
    try:
      versions.append(f"{name} {importlib.metadata.version(name)}")
    except importlib.metadata.PackageNotFoundError:
      versions.append(f"{name} is not installed")
  versions.append(f"Python {platform.python_version()} on {platform.system()} {platform.machine()}")
  return "\n".join(versions)


def page(module: ModuleType) -> str:
  """Returns the help of a verb, at most 80 columns wide.

  Args:
    module: of the verb, with a docstring as above and `FLAGS`.
  """
  found = _USAGE.fullmatch(inspect.cleandoc(module.__doc__ or "").strip())
  assert found is not None, f"the docstring of {module.__name__} has no usage"
  command, text = found.groups()
  usage = _wrap(command, hanging=11)
  rows = "\n".join(map(row, module.FLAGS))
  return f"usage: {usage}\n\n{_about(text)}\n\nflags:\n{rows}"


def row(shown: Shown) -> str:
  """Returns the line or the lines of one flag: its form, its meaning, its default."""
  holder, meaning = shown if isinstance(shown, tuple) else (shown, "")
  flag = flags.FLAGS[holder.name]
  form, meaning = _form(flag, meaning or _ADDED.sub("", flag.help))
  if flag.default not in (None, []):
    default = str(flag.default_as_str).strip("'")
    meaning += f" (default: {default})"
  lines = _wrap(meaning, indent=_COLUMN)
  form = f"  {form}"
  if len(form) >= _COLUMN - 1:
    return f"{form}\n{lines}"
  return form.ljust(_COLUMN) + lines.lstrip()


def suggestion(word: str, words: Iterable[str], *, prefix: str = "") -> str:
  """Returns the end of a sentence: "; did you mean NAME?", or "." if no word is like `word`.

  Args:
    word: what came.
    words: what there is.
    prefix: written before the suggested word.
  """
  found = difflib.get_close_matches(word, list(words), n=1)
  return f"; did you mean {prefix}{found[0]}?" if found else "."


def _form(flag: flags.Flag, text: str) -> tuple[str, str]:
  """Splits the text of a flag: how it is written on the command line, and its meaning."""
  if flag.boolean:
    return f"--[no]{flag.name}", text
  if choices := getattr(flag.parser, "enum_values", None):
    return f"--{flag.name}={{{','.join(choices)}}}", text
  named = _VALUE.fullmatch(text)
  value, meaning = named.groups() if named else ("VALUE", text)
  return f"--{flag.name}={value}", meaning


def _about(text: str) -> str:
  """Returns the paragraphs of a docstring in lines of the right length."""
  text = text[0].upper() + text[1:]
  return "\n\n".join(map(_paragraph, text.split("\n\n")))


def _paragraph(text: str) -> str:
  if example := _EXAMPLE.fullmatch(text):
    words = " ".join(example[1].split())
    lines = textwrap.wrap(words, WIDTH - 6, break_on_hyphens=False, break_long_words=False)
    return "example:\n  " + " \\\n    ".join(lines)  # the shell reads it as one line
  items = re.split(r"\n(?=- )", text)
  return "\n".join(_wrap(item, hanging=2 if item.startswith("- ") else 0) for item in items)


def _wrap(text: str, *, indent: int = 0, hanging: int = 0) -> str:
  first, later = " " * indent, " " * (indent + hanging)
  return textwrap.fill(
    " ".join(text.split()),
    WIDTH,
    initial_indent=first,
    subsequent_indent=later,
    break_on_hyphens=False,
    break_long_words=False,
  )


def names(shown: Sequence[Shown]) -> list[str]:
  """Returns the names of flags."""
  return [entry[0].name if isinstance(entry, tuple) else entry.name for entry in shown]
