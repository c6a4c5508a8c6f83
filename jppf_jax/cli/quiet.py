"""What the libraries below us say of each of their steps is shown with `--verbose` only.

They log thousands of lines per run (Orbax, TFDS, Grain) and warn of what only their developers can
change. Their errors, all that JAX warns of, and our own lines are always shown.
"""

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

from absl import flags
from absl import logging as absl_logging

VERBOSE = flags.DEFINE_bool("verbose", False, "show what the libraries log, too; short: -v")

SHORT = "-v"
CHATTY = ("absl", "array_record", "etils", "grain", "orbax", "tensorflow_datasets", "tensorstore")
_OURS = "jppf_jax"
_PACKAGE = Path(__file__).parents[1]
_FORMATTED = warnings.formatwarning  # of Python
_LEVELS = {  # of libraries in C++, read when these are loaded; a user's own value stays
  "TF_CPP_MIN_LOG_LEVEL": "2",  # of XLA: errors only
  "GRPC_VERBOSITY": "ERROR",
}


def before_flags() -> None:
  """Hides what is no warning; the flags `--verbose` and `--verbosity` may show it again."""
  absl_logging.set_verbosity(absl_logging.WARNING)


def after_flags() -> None:
  """Shows what the libraries log, if `--verbose` asks for it; else hides their warnings as well.

  Our own warnings and lines of the log are one line each, without file and time.
  """
  warnings.formatwarning = _formatted
  if VERBOSE.value:
    level = max(absl_logging.get_verbosity(), absl_logging.INFO)  # --verbosity may ask for more
    absl_logging.set_verbosity(level)
    return
  for name, level_of_errors in _LEVELS.items():
    os.environ.setdefault(name, level_of_errors)
  handler = absl_logging.get_absl_handler().python_handler
  handler.addFilter(_is_news)  # once, however often called
  handler.setFormatter(_Plain())
  for library in CHATTY:
    warnings.filterwarnings("ignore", module=rf"{library}(\.|$)")


class _Plain(absl_logging.PythonFormatter):
  """Lines of absl's log, ours as our warnings."""

  def format(self, record: logging.LogRecord) -> str:
    if Path(record.pathname).is_relative_to(_PACKAGE):
      return f"{record.levelname.lower()}: {record.getMessage()}"
    return str(super().format(record))


def _formatted(
  message: Warning | str,
  category: type[Warning],
  filename: str,
  lineno: int,
  line: str | None = None,
) -> str:
  """Returns a warning as it is shown: those of our own classes are one line, without the source."""
  if category.__module__.partition(".")[0] == _OURS:
    return f"warning: {message}\n"
  return _FORMATTED(message, category, filename, lineno, line)


def long_form(argv: list[str]) -> list[str]:
  """Returns the arguments with `--verbose` for `-v`, which is the short form of absl's
  `--verbosity` if a number follows.
  """
  end = argv.index("--") if "--" in argv else len(argv)
  written = []
  for place, argument in enumerate(argv):
    following = argv[place + 1] if place + 1 < len(argv) else ""
    is_alone = not following.removeprefix("-").isdigit()
    is_short = argument == SHORT and place < end and is_alone
    written.append(f"--{VERBOSE.name}" if is_short else argument)
  return written


def _is_news(record: logging.LogRecord) -> bool:
  """Returns whether a line of the log is none of the chatty libraries, or an error of theirs.

  All of them write to the log of absl, so the file that writes tells whose line it is.
  """
  path = Path(record.pathname)
  is_chatty = any(path.is_relative_to(folder) for folder in _chatty_folders())
  return record.levelno >= logging.ERROR or not is_chatty


def _chatty_folders() -> Iterator[str]:
  """Yields the folders of the chatty libraries that are loaded; others have nothing to say."""
  for library in CHATTY:
    yield from getattr(sys.modules.get(library), "__path__", ())
