"""The rows and columns of the paper's Tables 1 to 4, and the paper's figures.

The rows of Table 5 are those of `benchmarks.run_times`. Figures of the paper are in percent,
milliseconds and millions of parameters, as printed.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from jppf_jax.benchmarks import run_times
from jppf_jax.evaluation.evaluate import number_at


@dataclasses.dataclass(frozen=True)
class Column:
  """A column of a table.

  Attributes:
    title: as printed.
    heads: where the number is in the scores of the heads; () if it is none of theirs.
    fused: where it is in the scores of a fusion; () if it is none of theirs.
    report: where it is in the whole report; () if it is in one of the two above.
    factor: what is printed is the number times this.
    digits: after the point.
  """

  title: str
  heads: tuple[str, ...] = ()
  fused: tuple[str, ...] = ()
  report: tuple[str, ...] = ()
  factor: float = 100.0
  digits: int = 1


COLUMNS = {
  "pq": Column("PQ", fused=("pq", "all", "pq")),
  "sq": Column("SQ", fused=("pq", "all", "sq")),
  "rq": Column("RQ", fused=("pq", "all", "rq")),
  "semantic": Column("Sem. mIoU", heads=("semantic_miou",)),
  "instance": Column("Inst. AP", heads=("instance_ap", "ap")),
  "part": Column("Part mIoU", heads=("part_miou",)),
  "all": Column("PartPQ", fused=("part_pq", "all", "part_pq")),
  "p": Column("P", fused=("part_pq", "parts", "part_pq")),
  "np": Column("NP", fused=("part_pq", "no_parts", "part_pq")),
  "density": Column("Density", fused=("density", "full"), digits=2),
  "ms": Column("ms", report=("seconds_per_image",), factor=1e3, digits=0),
  "size": Column("Size, M", report=("parameters",), factor=1e-6, digits=2),
  # of Table 5, shares of JPPF's total
  **{name: Column(name.capitalize(), digits=2) for name in run_times.COLUMNS},
}
BEFORE = ("semantic", "instance", "part")
AFTER = ("all", "p", "np", "density")


@dataclasses.dataclass(frozen=True)
class Row:
  """A row of a table.

  Attributes:
    group: the heading above it.
    title: of the row.
    system: a name of `systems.SYSTEMS`.
    method: of `report.rows.METHODS`; "" for a row that is scored before fusion only.
    paper: the paper's figures by dataset ("cpp", "ppp"), then by column.
  """

  group: str
  title: str
  system: str
  method: str = ""
  paper: Mapping[str, Mapping[str, float]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Table:
  """A table of the paper.

  Attributes:
    title: what it shows.
    columns: names of `COLUMNS`.
    rows: from the top.
  """

  title: str
  columns: tuple[str, ...]
  rows: tuple[Row, ...]


def _figures(columns: tuple[str, ...], *values: float | None) -> dict[str, float]:
  """Returns the figures of a row by column, without those that the paper does not print."""
  pairs = zip(columns, values, strict=True)
  return {column: value for column, value in pairs if value is not None}


_RESULT = (*BEFORE, *AFTER, "ms", "size")
_JPPF = {
  "cpp": _figures(_RESULT, 80.5, 37.9, 77.0, 59.6, 47.7, 63.8, 99.33, 397.0, 44.19),
  "ppp": _figures(_RESULT, 46.0, 39.1, 54.4, 32.3, 48.3, 26.9, 92.10, 146.0, 44.19),
}
_JPPF_MULTI = {"cpp": _figures(_RESULT, 81.8, 41.3, 78.5, 61.8, 50.8, 65.7, 99.50, 2498.0, 44.19)}
_BASELINE = {"cpp": _figures(_RESULT, 79.7, 36.6, 74.5, 57.7, 44.2, 62.5, 98.84, 871.0, 68.8)}
_MERGED = {
  "cpp": _figures(_RESULT, 80.5, 37.9, 77.0, 59.5, 47.5, 63.7, 99.13, None, None),
  "ppp": _figures(_RESULT, 46.0, 39.1, 54.4, 29.0, 37.8, 26.0, 89.57, None, None),
}
_MERGED_MULTI = {"cpp": _figures(_RESULT, 81.8, 41.3, 78.5, 61.6, 50.7, 65.5, 99.20, None, None)}
_SINGLE, _MULTI = "single-scale", "multi-scale"


def _part(value: float) -> dict[str, dict[str, float]]:
  return {"cpp": {"part": value}}


TABLES = {
  1: Table(
    "Panoptic segmentation without parts",
    ("pq", "sq", "rq"),
    (
      Row(
        "",
        "EfficientPS*",
        "panoptic",
        "panoptic",
        {"cpp": _figures(("pq", "sq", "rq"), 62.2, 81.0, 75.7)},
      ),
    ),
  ),
  2: Table(
    "Panoptic-part segmentation",
    _RESULT,
    (
      Row(_SINGLE, "Baseline*", "baseline", "top_down", _BASELINE),
      Row(_SINGLE, "JPPF", "jppf", "joint", _JPPF),
      Row(
        _MULTI,
        "Baseline*",
        "baseline_multi",
        "top_down",
        # the paper's row is the official baseline, EfficientPS and BSANet
        {"cpp": _figures(_RESULT, 80.3, 39.7, 76.0, 60.2, 46.1, 65.2, None, None, None)},
      ),
      Row(_MULTI, "JPPF", "jppf_multi", "joint", _JPPF_MULTI),
      Row("fully dense (the paper's future work)", "JPPF, filled", "jppf", "joint_filled"),
    ),
  ),
  3: Table(
    "Part head and shared encoder, before fusion",
    BEFORE,
    (
      Row("part network alone", "Grouped Parts", "parts", paper=_part(74.5)),
      Row("part network alone", "Non-Grouped Parts", "parts_nongrouped", paper=_part(65.7)),
      Row("part network alone", "Grouped Parts + SemBG", "parts_sembg"),
      Row("with the other heads", "Non-Grouped Parts", "jppf_nongrouped"),
      Row("with the other heads", "Grouped Parts + SemBG", "jppf_sembg", paper=_part(75.6)),
      Row("with the other heads", "Grouped Parts + BG (JPPF)", "jppf", paper=_part(77.0)),
      Row(
        "encoder",
        "Independent Networks",
        "independent",
        paper={"cpp": _figures(BEFORE, 78.1, 37.3, 74.5)},
      ),
      Row("encoder", "Shared Features", "jppf", paper={"cpp": _figures(BEFORE, 80.5, 37.9, 77.0)}),
      Row("encoder", "Shared Features, from random weights", "jppf_random"),
    ),
  ),
  4: Table(
    "Top-down merge and joint fusion",
    (*BEFORE, *AFTER),
    (
      Row(_SINGLE, "JPPF with top-down merge", "jppf", "top_down", _MERGED),
      Row(_SINGLE, "JPPF", "jppf", "joint", _JPPF),
      Row(_MULTI, "JPPF with top-down merge", "jppf_multi", "top_down", _MERGED_MULTI),
      Row(_MULTI, "JPPF", "jppf_multi", "joint", _JPPF_MULTI),
    ),
  ),
}


def value(report: Mapping[str, Any], method: str, column: str) -> float | None:
  """Returns what a column prints of a report of `evaluate`; None if the report has no such number.

  Args:
    report: of a system.
    method: of the row.
    column: a name of `COLUMNS`.
  """
  c = COLUMNS[column]
  for part, path in (("heads", c.heads), (method, c.fused)):
    if path:
      return _scaled(number_at(report.get(part), path), c.factor)
  return _scaled(number_at(report, c.report), c.factor)


def _scaled(number: float | None, factor: float) -> float | None:
  return None if number is None else factor * number
