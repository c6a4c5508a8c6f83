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
from jppf_jax.cli import quiet

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
  rows = "\n".join(map(row, flags_of(module)))
  return f"usage: {usage}\n\n{_about(text)}\n\nflags:\n{rows}"


def flags_of(module: ModuleType) -> tuple[Shown, ...]:
  """Returns the flags of a verb in the order of its page: its own, then that of all verbs."""
  return (*module.FLAGS, quiet.VERBOSE)


def row(shown: Shown) -> str:
  """Returns the line or the lines of one flag: its form, its meaning, its default."""
  flag = flag_of(shown)
  value, meaning = value_and_meaning(shown)
  form = f"  --{flag.name}={value}" if value else f"  --[no]{flag.name}"
  if flag.default not in (None, []):
    default = str(flag.default_as_str).strip("'")
    meaning += f" (default: {default})"
  lines = _wrap(meaning, indent=_COLUMN)
  if len(form) >= _COLUMN - 1:
    return f"{form}\n{lines}"
  return form.ljust(_COLUMN) + lines.lstrip()


def value_and_meaning(shown: Shown) -> tuple[str, str]:
  """Returns how the value of a flag is written, e.g. "DIR" or "{a,b}", and what the flag means.

  A boolean has no value: "".
  """
  flag = flag_of(shown)
  text = shown[1] if isinstance(shown, tuple) else _ADDED.sub("", flag.help)
  if flag.boolean:
    return "", text
  if choices := getattr(flag.parser, "enum_values", None):
    return f"{{{','.join(choices)}}}", text
  named = _VALUE.fullmatch(text)
  return (named[1], named[2]) if named else ("VALUE", text)


def flag_of(shown: Shown) -> flags.Flag:
  """Returns the flag itself."""
  holder = shown[0] if isinstance(shown, tuple) else shown
  return flags.FLAGS[holder.name]


def suggestion(word: str, words: Iterable[str], *, prefix: str = "") -> str:
  """Returns the end of a sentence: "; did you mean NAME?", or "." if no word is like `word`.

  Args:
    word: what came.
    words: what there is.
    prefix: written before the suggested word.
  """
  found = difflib.get_close_matches(word, list(words), n=1)
  return f"; did you mean {prefix}{found[0]}?" if found else "."


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
