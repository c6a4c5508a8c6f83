import re
from pathlib import Path

import pytest

from jppf_jax.tables.rows import COLUMNS, TABLES, value
from jppf_jax.tables.systems import SYSTEMS
from tests.tables.reports import report

PAPER = Path(__file__).parents[3] / "shared/reference/jppf_paper.txt"
ROWS = [row for table in TABLES.values() for row in table.rows]


@pytest.mark.parametrize(
  ("method", "column", "expected"),
  [
    ("joint", "all", 50.0),
    ("top_down", "p", 36.0),
    ("joint", "p", 40.0),
    ("joint", "np", 60.0),
    ("joint", "sq", 80.0),
    ("joint", "rq", 50.0),
    ("joint", "density", 90.0),
    ("joint", "pq", 40.0),
    ("", "semantic", 70.0),
    ("joint", "instance", 30.0),
    ("", "part", 60.0),
    ("joint", "ms", 250.0),
    ("joint", "size", 1.5),
  ],
)
def test_a_column_finds_its_number_in_the_units_of_the_paper(method, column, expected):
  assert value(report(), method, column) == pytest.approx(expected)


@pytest.mark.parametrize(("method", "column"), [("", "all"), ("panoptic", "pq"), ("joint", "part")])
def test_what_a_report_does_not_have_is_none(method, column):
  assert value(report(part_miou=None), method, column) is None


def test_all_rows_name_systems_and_columns_that_there_are():
  for table in TABLES.values():
    assert set(table.columns) <= set(COLUMNS)
    for row in table.rows:
      assert row.system in SYSTEMS
      for figures in row.paper.values():
        assert set(figures) <= set(COLUMNS)


def test_the_main_rows_have_the_figures_of_the_paper():
  of = {(row.group, row.title): row.paper for table in (2, 4) for row in TABLES[table].rows}
  joint, merged = of["single-scale", "JPPF"], of["single-scale", "JPPF with top-down merge"]
  names = ("semantic", "instance", "part", "all", "p", "np", "density")
  assert [joint["cpp"][name] for name in names] == [80.5, 37.9, 77.0, 59.6, 47.7, 63.8, 99.33]
  assert [joint["ppp"][name] for name in names] == [46.0, 39.1, 54.4, 32.3, 48.3, 26.9, 92.10]
  assert [merged["cpp"][name] for name in names] == [80.5, 37.9, 77.0, 59.5, 47.5, 63.7, 99.13]
  assert [merged["ppp"][name] for name in names] == [46.0, 39.1, 54.4, 29.0, 37.8, 26.0, 89.57]
  baseline = of["single-scale", "Baseline*"]["cpp"]
  assert [baseline[name] for name in names] == [79.7, 36.6, 74.5, 57.7, 44.2, 62.5, 98.84]
  assert (baseline["ms"], baseline["size"]) == (871, 68.8)
  multi = of["multi-scale", "JPPF"]["cpp"]
  assert [multi[name] for name in names] == [81.8, 41.3, 78.5, 61.8, 50.8, 65.7, 99.50]


def test_the_figures_are_those_that_the_paper_prints():
  if not PAPER.exists():
    pytest.skip("the text of the paper is not here")
  lines = [line.split("|")[1:-1] for line in PAPER.read_text().splitlines() if line[:1] == "|"]
  printed = [[float(c) for c in re.findall(r"\d+\.?\d*", " ".join(cells[1:]))] for cells in lines]
  for row in ROWS:
    for figures in row.paper.values():
      assert list(figures.values()) in printed, row.title
