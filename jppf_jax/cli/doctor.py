"""`jppf doctor [--out=FILE]`: looks whether all is well here, and says what to do if not.

It lists versions, devices, memory, the folder of compiled programs, optional extras and the models
of the package, and times the prediction of a small generated scene (10 to 30 seconds). The exit
status is 1 if something is wrong. Put its output into reports of problems.

Example: `jppf doctor --out=doctor.json`
"""

import dataclasses
import json
import sys
from collections.abc import Iterator

from absl import app
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from jppf_jax.cli import command, diagnosis, health
from jppf_jax.cli.errors import plainly
from jppf_jax.cli.file_flags import OUT
from jppf_jax.saving import require_json, write_text

FLAGS = ((OUT, "FILE: what was found, as JSON (default: it is only printed)"),)
KEYS = ("versions", "devices", "problems")  # by which our JSON is known


def main(argv: list[str]) -> None:
  """Examines the machine, prints what was found and what is wrong."""
  if len(argv) > 1:
    raise app.UsageError(f"Unexpected {argv[1:]}; `jppf doctor` takes flags only.")
  out = OUT.value
  with plainly("doctor", OSError):
    if out is not None:
      require_json(out, KEYS)
    found = health.examine()
    problems = diagnosis.problems(found)
    console = Console(highlight=False)
    console.print(table(found))
    for line in verdict(problems):
      console.print(line, markup=False, soft_wrap=True)
    if out is not None:
      report = dataclasses.asdict(found) | {"problems": problems}
      write_text(out, json.dumps(report, indent=1))
  if problems:
    sys.exit(1)


def table(found: health.Health) -> Table:
  """Returns what was found, a row for each thing."""
  made = Table(box=None, show_header=False, pad_edge=False)
  made.add_column(no_wrap=True)
  made.add_column(overflow="fold")
  for name, text in _rows(found):
    made.add_row(name, escape(text))
  return made


def _rows(found: health.Health) -> Iterator[tuple[str, str]]:
  for name, version in found.versions.items():
    yield name, version or "not installed"
  yield "Python", found.python
  for device in found.devices:
    yield "device", _device(device)
  for name, value in found.variables.items():
    yield "", f"{name}={value} chooses the devices"
  yield "cores", str(found.cores)
  yield "memory", _memory(found)
  yield "cache", _cache(found.cache)
  for name, is_there in found.extras.items():
    yield f"extra {name}", _extra(name, is_there)
  for name, purpose in found.models.items():
    yield f"model {name}", purpose
  yield "prediction", _prediction(found)


def verdict(problems: list[str]) -> list[str]:
  """Returns the last lines: that all is well, or each problem with its remedy."""
  if not problems:
    return ["All is well."]
  return [f"Problem: {problem}." for problem in problems]


def _device(device: health.Device) -> str:
  memory = "" if device.memory is None else f", {device.memory / 1e9:.1f} GB"
  kind = "" if device.kind == device.platform else f": {device.kind}"
  return f"{device.platform}{kind}{memory}"


def _extra(name: str, is_there: bool) -> str:
  purpose, _ = health.EXTRAS[name]
  return f"yes  {purpose}" if is_there else f"no   {purpose}: pip install 'jppf_jax[{name}]'"


def _memory(found: health.Health) -> str:
  if found.memory is None:
    return "unknown"
  free, total = (size / 1e9 for size in found.memory)
  return f"{free:.1f} of {total:.1f} GB free"


def _cache(cache: health.Cache) -> str:
  if not cache.folder:
    return "none: there is no home folder"
  size = "" if cache.size is None else f", {cache.size / 1e6:.0f} MB"
  writable = "" if cache.is_writable else ", not writable"
  return f"{cache.folder}{size}{writable}"


def _prediction(found: health.Health) -> str:
  made = found.prediction
  if made is None:
    return "none"
  return (
    f"model {health.MODEL}: loaded in {made.load:.1f} s, compiled in "
    f"{made.compile:.1f} s, run in {made.run:.2f} s, found {made.segments} segments"
  )


if __name__ == "__main__":
  command.run_module(sys.modules[__name__])
