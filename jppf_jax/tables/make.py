"""Everything for the tables of a dataset: trains, evaluates, measures, writes."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jppf_jax import build
from jppf_jax.benchmarks import inference
from jppf_jax.saving import write_text
from jppf_jax.tables import figures, report
from jppf_jax.tables.jobs import jobs_for
from jppf_jax.tables.rows import Row
from jppf_jax.tables.runs import Runs
from jppf_jax.tables.setting import Setting
from jppf_jax.training.logs import say


def make_tables(
  folder: str | Path,
  setting: Setting,
  base: build.Config,
  rows: Sequence[tuple[int, Row]],
  *,
  seeds: int,
  run_time: bool = True,
) -> dict[str, Any]:
  """Trains and evaluates what the rows need, and writes the tables.

  What was done before stays done; a run that was interrupted goes on. Below `folder`, `runs/` has
  the networks, `scores/` the scores of each system, `figures/` pictures. `tables.json` and
  `tables.md` are the tables.

  Args:
    folder: of the tables.
    setting: the dataset.
    base: the config of JPPF on it.
    rows: with the numbers of their tables, see `setting.rows_of`.
    seeds: how many runs of each network; the first has the seed of `base`.
    run_time: also Table 5.

  Returns:
    The report of `report.make_report`, with "seeds".

  Raises:
    ConfigError: the folder has runs of another config.
    Exception: as `training.loop.train`, and what evaluation raises.
  """
  folder = Path(folder)
  folder.mkdir(parents=True, exist_ok=True)
  runs = Runs(folder, setting, base)
  systems = list(dict.fromkeys(row.system for _, row in rows))
  numbers = range(base.seed, base.seed + seeds)
  runs.do(jobs_for(systems, numbers))
  found = [(system, [runs.report(system, seed) for seed in numbers]) for system in systems]
  reports = {system: [one for one in of_seeds if one is not None] for system, of_seeds in found}
  times = _run_times(folder, base) if run_time else []
  made = report.make_report(rows, reports, setting.paper, times) | {"seeds": seeds}
  write_text(folder / "tables.json", json.dumps(made, indent=1))
  write_text(folder / "tables.md", report.markdown(made))
  if set(figures.SHOWN) <= set(systems):
    figures.write_figures(runs, folder / "figures")
  return made


def _run_times(folder: Path, base: build.Config) -> list[Any]:
  """Returns what the systems of Table 5 cost; measured once."""
  file = folder / "run_time.json"
  if not file.exists():
    say("measuring run times (Table 5)")
    encoder, size = build.encoder_and_size(base)
    inference.run(file, encoder=encoder, size=size)
  return json.loads(file.read_text())["systems"]
