"""Runs one verb: reads its flags, prints its help, and says in a sentence what is wrong with them.

A verb is a module with `FLAGS` (see `help_text`) and a `main`. Only these flags, `--verbose` and
absl's own are known to it, whatever else the process has loaded.
"""

import contextlib
import gc
import os
import select
import signal
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from types import ModuleType

from absl import app, flags

from jppf_jax.cli import help_text, quiet, run_flags
from jppf_jax.leaving import Interrupted, leave

HELP = ("--help", "-help", "-h", "--helpshort", "--helpfull", "-?")
VERSION = ("--version", "-version", "-V")
USAGE_STATUS = 2  # of a command line that cannot be understood; failures have 1
_NO_NUMBER = {  # how Python's words begin, and what was expected
  "invalid literal for int()": "a whole number",
  "could not convert string to float": "a number",
}
_GARBAGE = (100_000, 20, 100)  # a traced program is millions of objects, none of them garbage


@contextlib.contextmanager
def unread_is_no_error() -> Iterator[None]:
  """Ends the process quietly if its output is no longer read, as of `jppf help train | head -1`.

  The status is that of other tools, which SIGPIPE ends. This signal itself stays ignored: it would
  also end a process one of whose connections breaks.
  """
  try:
    try:
      yield
    except SystemExit as end:
      if not end.code:
        _flush()
      raise
    _flush()
  except BrokenPipeError:
    if not _unread():
      raise
    raise Interrupted(signal.SIGPIPE) from None
  finally:
    for descriptor in _unread():  # Python flushes at exit, and would complain
      os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def _flush() -> None:
  print(end="", flush=True)  # a process started without stdout has no sys.stdout


def _unread() -> list[int]:
  """Returns which of stdout and stderr, by their descriptors, are pipes without a reader."""
  if not hasattr(select, "poll"):  # on Windows
    return []
  poll = select.poll()
  for descriptor in (1, 2):
    poll.register(descriptor, 0)  # errors are always told
  gone = select.POLLERR | select.POLLHUP  # of Linux, and of macOS
  return [descriptor for descriptor, event in poll.poll(0) if event & gone]


def run_module(module: ModuleType) -> None:
  """Runs the verb of a module that was started with `python -m`."""
  assert module.__spec__ is not None
  run(module, module.__spec__.name.rpartition(".")[2].replace("_", "-"), sys.argv[1:])


@unread_is_no_error()
def run(module: ModuleType, verb: str, arguments: Sequence[str]) -> None:
  """Runs a verb, and leaves the process with its status.

  Args:
    module: of the verb.
    verb: its name.
    arguments: what stands behind the verb on the command line.
  """
  arguments = list(arguments)
  options = arguments[: arguments.index("--")] if "--" in arguments else arguments
  if any(option in HELP for option in options):
    print(help_text.page(module))
  elif any(option in VERSION for option in options):
    print(help_text.version())
  else:
    gc.set_threshold(*_GARBAGE)
    quiet.before_flags()
    argv = [f"jppf {verb}", *arguments]
    app.run(partial(_main, module, verb), argv, flags_parser=partial(_parse, module, verb))


def _main(module: ModuleType, verb: str, argv: list[str]) -> None:
  quiet.after_flags()
  try:
    module.main(argv)
  except app.UsageError as error:
    refuse(verb, str(error))
  except Interrupted as error:
    if error.at_once:
      leave(error.status)
    raise
  except KeyboardInterrupt:
    print(f"jppf {verb}: stopped.", file=sys.stderr)
    leave(Interrupted(signal.SIGINT).status)


def _parse(module: ModuleType, verb: str, argv: list[str]) -> list[str]:
  """Sets the flags of the verb; returns the arguments that are no flags."""
  known = _flags_of(module)
  own = help_text.names(help_text.flags_of(module))
  try:
    expanded = flags.FLAGS.read_flags_from_files(quiet.long_form(argv), force_gnu=True)
    rest = known(run_flags.as_flags(expanded))
  except flags.UnrecognizedFlagError as error:
    refuse(verb, f"There is no flag --{error.flagname}{_nearest_flag(error.flagname, own)}")
  except flags.IllegalFlagValueError as error:
    refuse(verb, _about_value(error))
  except (flags.Error, ValueError) as error:  # absl raises ValueError for --noFLAG=VALUE
    refuse(verb, str(error))
  flags.FLAGS.mark_as_parsed()
  return rest


def _about_value(error: flags.IllegalFlagValueError) -> str:
  """Returns what is wrong with a value: absl's words, but those about a boolean are a tuple, and
  those about what is no number are Python's.
  """
  cause = error.__context__
  given = str(error).removeprefix("flag ").removesuffix(f": {cause}")
  name = given.partition("=")[0].removeprefix("--")
  if cause is not None and len(cause.args) > 1:
    return f"{given}: expected true or false; --{name} alone is true, --no{name} is false."
  kind = next((kind for start, kind in _NO_NUMBER.items() if str(cause).startswith(start)), None)
  if kind is None:
    return str(error)
  default = flags.FLAGS[name].default
  example = "" if default is None else f", such as --{name}={default}"
  return f"{given}: expected {kind}{example}."


def _flags_of(module: ModuleType) -> flags.FlagValues:
  """Returns the flags of a verb and those of absl; their values are those of `flags.FLAGS`."""
  of_module = flags.FLAGS.flags_by_module_dict()
  absl = [flag.name for name in of_module if name.startswith("absl.") for flag in of_module[name]]
  known = flags.FlagValues()
  for name in {*help_text.names(help_text.flags_of(module)), *absl}:
    flag = flags.FLAGS[name]
    known[name] = flag
  return known


def _nearest_flag(name: str, own: list[str]) -> str:
  """Returns the end of a sentence, with the flag that is most like `name`."""
  forms = [*own, *(f"no{flag}" for flag in own if flags.FLAGS[flag].boolean)]
  return help_text.suggestion(name.split(".")[0], forms, prefix="--")


def refuse(verb: str, message: str) -> None:
  """Ends the process because of its command line.

  Args:
    verb: the command.
    message: a sentence.
  """
  print(f"jppf {verb}: {message}\n`jppf {verb} --help` lists its flags.", file=sys.stderr)
  sys.exit(USAGE_STATUS)
