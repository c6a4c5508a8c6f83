"""`jppf tables --dataset=NAME --workdir=DIR [--rows=…] [--quick]`: the paper's tables, made from
data.

Trains the networks that the rows need, evaluates them, and writes Tables 1 to 5 with the paper's
figures beside ours. The same command goes on where it was stopped.

- synthetic: generated street scenes, hours on two CPU cores; with --quick half an hour
- clothing, cpp, ppp: real data; --config.data.manual_dir=DIR says where it lies

Example: `jppf tables --dataset=synthetic --quick --workdir=runs/tables`
"""

import sys
from typing import TYPE_CHECKING

from absl import app, flags

from jppf_jax.cli import command, compile_cache, configs, run_flags
from jppf_jax.cli.errors import plainly
from jppf_jax.cli.help_text import suggestion
from jppf_jax.cli.train import expected
from jppf_jax.saving import require_folder

if TYPE_CHECKING:
  from jppf_jax.tables.rows import Row
  from jppf_jax.tables.setting import Setting

DATASETS = ("synthetic", "clothing", "cpp", "ppp")

_DATASET = flags.DEFINE_enum("dataset", None, DATASETS, "which data (required)")
_ROWS = flags.DEFINE_list(
  "rows",
  None,
  "LIST: numbers of tables, names of systems, e.g. 2,4 or jppf,baseline (default: all)",
)
_SEEDS = flags.DEFINE_integer(
  "seeds", 3, "N: runs of each network; more than one give the spread", lower_bound=1
)
_QUICK = flags.DEFINE_bool("quick", False, "synthetic: smaller scenes and networks, few steps")

FLAGS = (
  _DATASET,
  (run_flags.WORKDIR, "DIR: where runs, scores and tables are written (required)"),
  run_flags.CHANGES,
  _ROWS,
  _SEEDS,
  _QUICK,
  compile_cache.COMPILE_CACHE,
)


def main(argv: list[str]) -> None:
  """Makes the tables and prints them."""
  if len(argv) > 1:
    raise app.UsageError(f"Unexpected {argv[1:]}; `jppf tables` takes flags only.")
  workdir = run_flags.workdir_or_none()
  if _DATASET.value is None or workdir is None:
    raise app.UsageError(f"Needs --dataset={{{','.join(DATASETS)}}} and --workdir=DIR.")
  with plainly("tables", OSError):
    require_folder(workdir)
  compile_cache.use()
  from rich.console import Console

  from jppf_jax.tables import report
  from jppf_jax.tables.make import make_tables
  from jppf_jax.tables.setting import QUICK, SETTINGS

  settings = QUICK if _QUICK.value else SETTINGS
  if _DATASET.value not in settings:
    raise app.UsageError(f"--quick: only --dataset=synthetic has it; got {_DATASET.value}.")
  setting = settings[_DATASET.value]
  base = configs.changed(configs.load(setting.config), run_flags.CHANGES.value)
  rows, tables = _chosen(setting)
  with plainly("tables", *expected()):
    made = make_tables(
      workdir, setting, base, rows, seeds=_SEEDS.value, run_time=report.RUN_TIME in tables
    )
  console = Console()
  for table in report.terminal(made):
    console.print(table)
  console.print(f"Tables: {workdir}/tables.md, tables.json; pictures: figures/", soft_wrap=True)


def _chosen(setting: "Setting") -> "tuple[list[tuple[int, Row]], set[int]]":
  """Returns the rows that `--rows` names, and the tables.

  Raises:
    UsageError: there is no such table or system.
  """
  from jppf_jax.tables.report import RUN_TIME
  from jppf_jax.tables.rows import TABLES
  from jppf_jax.tables.setting import rows_of

  all_rows = rows_of(setting, tuple(TABLES))
  numbers = [str(number) for number in (*TABLES, RUN_TIME)]
  systems = list(dict.fromkeys(row.system for _, row in all_rows))
  chosen = _ROWS.value or numbers
  for name in chosen:
    if name not in (*numbers, *systems):
      near = suggestion(name, systems)
      raise app.UsageError(
        f"--rows: there is no {name!r}{near} Tables: {', '.join(numbers)}; systems: "
        f"{', '.join(systems)}."
      )
  rows = [(number, row) for number, row in all_rows if {str(number), row.system} & set(chosen)]
  return rows, {int(name) for name in chosen if name in numbers}


if __name__ == "__main__":
  command.run_module(sys.modules[__name__])
