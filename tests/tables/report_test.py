import io
import json

import pytest
from rich.console import Console

from jppf_jax.tables.report import make_report, markdown, terminal
from jppf_jax.tables.rows import TABLES
from jppf_jax.tables.setting import SETTINGS, rows_of
from jppf_jax.tables.systems import SYSTEMS
from tests.tables.reports import COSTS, report

ROWS = rows_of(SETTINGS["cpp"], tuple(TABLES))


def made(seeds=3, systems=tuple(SYSTEMS), costs=()):
  reports = {name: [report(part_pq=0.5 + 0.01 * seed) for seed in range(seeds)] for name in systems}
  return make_report(ROWS, reports, "cpp", costs)


def row(table, title, group=""):
  rows = table["rows"]
  return next(r for r in rows if r["title"] == title and r["group"].startswith(group))


def test_a_cell_has_mean_spread_and_the_papers_figure():
  table = made()["tables"][1]
  cell = row(table, "JPPF", "single")["cells"]["all"]
  assert round(cell["mean"], 6) == 51.0 and round(cell["spread"], 6) == 1.0
  assert cell["paper"] == 59.6
  assert row(table, "Baseline*", "single")["cells"]["all"]["mean"] < 51  # the merge


def test_the_figures_are_those_of_the_dataset():
  ppp = make_report(ROWS, {"jppf": [report()]}, "ppp")["tables"][1]
  assert row(ppp, "JPPF", "single")["cells"]["all"]["paper"] == 32.3
  assert row(ppp, "JPPF", "multi")["cells"]["all"]["paper"] is None


@pytest.mark.parametrize(
  ("differences", "verdict"),
  [((-5.0, -4.0), "other sign"), ((5.0, 4.0), "same sign"), ((-1.0, 2.0), "within spread")],
)
def test_a_difference_within_its_spread_says_nothing(differences, verdict):
  jppf = [report(part_miou=0.5 + difference / 100) for difference in differences]
  reports = {"jppf": jppf, "jppf_sembg": [report(part_miou=0.5)] * 2}
  lines = markdown(make_report(ROWS, reports, "cpp")).splitlines()
  assert next(line for line in lines if "+ BG ≥" in line).endswith(f"| {verdict} |")


def test_rows_that_were_not_made_have_no_numbers():
  table = made(systems=("jppf",))["tables"][1]
  baseline = row(table, "Baseline*", "single")
  assert baseline["seeds"] == 0 and baseline["cells"]["all"]["mean"] is None


def test_it_is_json():
  assert json.loads(json.dumps(made())) == made()


def test_markdown_has_the_paper_below_ours():
  lines = markdown(made()).splitlines()
  ours = next(i for i, line in enumerate(lines) if line.startswith("| JPPF, single-scale | 70.0"))
  assert "51.0 ± 1.0" in lines[ours] and "90.00 ± 0.00" in lines[ours]
  assert lines[ours + 1].startswith("| *paper* | 80.5 | 37.9 | 77.0 | 59.6")
  assert "### Table 3: " in "\n".join(lines)
  widths = {line.count("|") for line in lines if line.startswith("|") and "Sem. mIoU" in line}
  assert widths
  assert any(line.startswith("| joint fusion ≥ top-down merge | P | +") for line in lines)
  shared = next(line for line in lines if line.startswith("| shared features"))
  assert shared.endswith(" networks | Sem. mIoU | +0.0 | – | +2.4 | equal |")


def test_the_terminal_needs_80_columns_and_cuts_nothing():
  out = io.StringIO()
  console = Console(width=80, file=out)
  for table in terminal(made(costs=COSTS)):
    console.print(table)
  text = out.getvalue()
  assert "…" not in text
  assert "59.6" in text and "51.0" in text and "same sign" in text
  assert max(map(len, text.splitlines())) <= 80


def test_run_times_are_shares_of_the_total_beside_the_papers():
  lines = markdown(made(costs=COSTS)).splitlines()
  ours = next(i for i, line in enumerate(lines) if line.startswith("| JPPF | 0.75 "))
  assert lines[ours] == "| JPPF | 0.75 | – | – | 0.25 | 1.00 |"
  assert lines[ours + 1] == "| *paper* | 0.59 | – | – | 0.41 | 1.00 |"
  assert lines[ours - 2].startswith("|  | Predictions | Panoptic fusion | Merge | Joint fusion |")


def test_one_seed_has_no_spread():
  text = markdown(made(seeds=1))
  assert "±" not in text and "| – |" in text
