"""What the paper claims with its tables, and whether other runs say the same."""

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from jppf_jax.tables.rows import AFTER, BEFORE, TABLES, value

Reports = Mapping[str, Sequence[Mapping[str, Any]]]  # of systems: one report for each seed


@dataclasses.dataclass(frozen=True)
class Claim:
  """One is better than the other.

  Attributes:
    title: of the claim.
    better: a system and its method, see `rows.Row`.
    worse: the other one.
    columns: names of `rows.COLUMNS` in which it is better.
  """

  title: str
  better: tuple[str, str]
  worse: tuple[str, str]
  columns: tuple[str, ...]


class Finding(TypedDict):
  """A claim in one column, in the units of the tables.

  `difference` is the mean over seeds of better - worse, `spread` its standard deviation over seeds
  (None for one seed), `deviations` their ratio, `paper` the paper's difference. `agrees`: the sign
  is the one that is claimed.
  """

  claim: str
  column: str
  difference: float
  spread: float | None
  deviations: float | None
  paper: float | None
  agrees: bool


CLAIMS = (
  Claim("joint fusion ≥ top-down merge", ("jppf", "joint"), ("jppf", "top_down"), AFTER),
  Claim("JPPF > Baseline*", ("jppf", "joint"), ("baseline", "top_down"), (*BEFORE, *AFTER)),
  Claim("shared features ≥ independent networks", ("jppf", ""), ("independent", ""), BEFORE),
  Claim(  # what the paper takes for granted
    "pretrained ≥ random weights",
    ("jppf", "joint"),
    ("jppf_random", "joint"),
    (*BEFORE, *AFTER),
  ),
  Claim("grouped + BG ≥ grouped + SemBG", ("jppf", ""), ("jppf_sembg", ""), ("part",)),
  Claim("grouped + SemBG ≥ grouped", ("jppf_sembg", ""), ("parts", ""), ("part",)),
  Claim("grouped ≥ non-grouped", ("parts", ""), ("parts_nongrouped", ""), ("part",)),
  Claim(
    "multi-scale ≥ single-scale", ("jppf_multi", "joint"), ("jppf", "joint"), (*BEFORE, *AFTER)
  ),
)


def findings(reports: Reports, paper: str) -> list[Finding]:
  """Returns the claims that the reports can say something about, column by column.

  Runs of the same seed are compared with each other.

  Args:
    reports: of each system that was evaluated, one for each seed, in the order of seeds.
    paper: whose figures to compare with, see `rows.Row.paper`.
  """
  found = []
  for claim in CLAIMS:
    better, worse = (reports.get(side[0], ()) for side in (claim.better, claim.worse))
    pairs = list(zip(better, worse))
    for column in claim.columns if pairs else ():
      differences = [_difference(claim, column, *pair) for pair in pairs]
      known = [difference for difference in differences if difference is not None]
      if known:
        found.append(_finding(claim, column, known, paper))
  return found


def _difference(
  claim: Claim, column: str, better: Mapping[str, Any], worse: Mapping[str, Any]
) -> float | None:
  more, less = value(better, claim.better[1], column), value(worse, claim.worse[1], column)
  return None if more is None or less is None else more - less


def _finding(claim: Claim, column: str, differences: list[float], paper: str) -> Finding:
  mean, spread = mean_and_spread(differences)
  more, less = (_of_paper(side, column, paper) for side in (claim.better, claim.worse))
  return {
    "claim": claim.title,
    "column": column,
    "difference": mean,
    "spread": spread,
    "deviations": mean / spread if spread else None,
    "paper": None if more is None or less is None else more - less,
    "agrees": mean >= 0,
  }


def _of_paper(side: tuple[str, str], column: str, paper: str) -> float | None:
  """Returns the paper's figure of a system and method, from the first row that has it."""
  for table in TABLES.values():
    for row in table.rows:
      is_it = row.system == side[0] and side[1] in ("", row.method)
      if is_it and column in row.paper.get(paper, {}):
        return row.paper[paper][column]
  return None


def mean_and_spread(values: Sequence[float]) -> tuple[float, float | None]:
  """Returns the mean and the standard deviation (of a sample; None for one value)."""
  mean = statistics.fmean(values)
  return mean, statistics.stdev(values) if len(values) > 1 else None
