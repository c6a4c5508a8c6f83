"""The tables as JSON, as Markdown and for the terminal: ours, the paper's below, and the claims."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.table import Table

from jppf_jax.benchmarks import run_times
from jppf_jax.tables.claims import Reports, findings, mean_and_spread
from jppf_jax.tables.rows import COLUMNS, TABLES, Row, value

NOTHING = "–"


RUN_TIME = 5  # the number of the table of run times


def make_report(
  rows: Sequence[tuple[int, Row]],
  reports: Reports,
  paper: str,
  costs: Sequence[run_times.Cost] = (),
) -> dict[str, Any]:
  """Returns `{"tables": [...], "claims": [...]}`, JSON values.

  A table has "number", "title", "columns" (names of `rows.COLUMNS`) and "rows". A row has "group",
  "title", "seeds" and "cells": by column "mean", "spread" (standard deviation over seeds, None for
  one), "paper"; None where there is no number.

  Args:
    rows: with the numbers of their tables.
    reports: of each system that was evaluated, one for each seed.
    paper: whose figures stand beside ours.
    costs: of the systems of Table 5; without them there is no Table 5.
  """
  numbers = sorted({number for number, _ in rows})
  tables = []
  for number in numbers:
    table = TABLES[number]
    own = [row for its, row in rows if its == number]
    tables.append(
      {
        "number": number,
        "title": table.title,
        "columns": list(table.columns),
        "rows": [_row(row, table.columns, reports, paper) for row in own],
      }
    )
  if costs:
    tables.append(_run_time_table(costs))
  return {"tables": tables, "claims": findings(reports, paper)}


def _run_time_table(costs: Sequence[run_times.Cost]) -> dict[str, Any]:
  """Returns Table 5: shares of JPPF's total, because the paper does not name its GPU."""
  rows = []
  for cost in costs:
    ours, papers = cost["shares"], cost["paper_shares"]
    cells = {
      column: {"mean": ours.get(column), "spread": None, "paper": papers.get(column)}
      for column in run_times.COLUMNS
    }
    rows.append({"group": "", "title": cost["system"], "seeds": 1, "cells": cells})
  return {
    "number": RUN_TIME,
    "title": "Run time, JPPF's total = 1",
    "columns": list(run_times.COLUMNS),
    "rows": rows,
  }


def _row(row: Row, columns: Iterable[str], reports: Reports, paper: str) -> dict[str, Any]:
  of_system = reports.get(row.system, ())
  cells = {}
  for column in columns:
    values = [value(report, row.method, column) for report in of_system]
    known = [number for number in values if number is not None]
    mean, spread = mean_and_spread(known) if known else (None, None)
    figure = row.paper.get(paper, {}).get(column)
    cells[column] = {"mean": mean, "spread": spread, "paper": figure}
  return {"group": row.group, "title": row.title, "seeds": len(of_system), "cells": cells}


def terminal(report: Mapping[str, Any]) -> list[Table]:
  """Returns the tables for the terminal, at most 80 columns wide."""
  found = [_terminal_table(table) for table in report["tables"]]
  if report["claims"]:
    found.append(_claims_table(report["claims"]))
  return found


def _terminal_table(table: Mapping[str, Any]) -> Table:
  drawn = Table(title=_title(table), padding=(0, 0), pad_edge=False)
  drawn.add_column("", min_width=12)
  for column in table["columns"]:
    drawn.add_column(COLUMNS[column].title.replace(" ", "\n"), justify="right")
  group = None
  for row in table["rows"]:
    if row["group"] != group:
      group = row["group"]
      drawn.add_section()
      if group:
        drawn.add_row(f"[italic]{group}")
    columns, cells = table["columns"], row["cells"]
    drawn.add_row(row["title"], *[_ours(column, cells[column], "\n±") for column in columns])
    if _has_paper(row):
      drawn.add_row("  paper", *[_paper(column, cells[column]) for column in columns], style="dim")
  return drawn


def _claims_table(claims: Sequence[Mapping[str, Any]]) -> Table:
  drawn = Table(title="The paper's claims: differences", padding=(0, 0), pad_edge=False)
  for title in ("claim", "of", "ours", "sd", "paper", ""):
    drawn.add_column(title, justify="left" if title in ("claim", "of", "") else "right")
  last = None
  for finding in claims:
    title = finding["claim"] if finding["claim"] != last else ""
    last = finding["claim"]
    if title:
      drawn.add_section()
    drawn.add_row(title, COLUMNS[finding["column"]].title, *_claim_cells(finding))
  return drawn


def markdown(report: Mapping[str, Any]) -> str:
  """Returns the tables as Markdown."""
  parts = [_markdown_table(table) for table in report["tables"]]
  if report["claims"]:
    lines = [
      [finding["claim"], COLUMNS[finding["column"]].title, *_claim_cells(finding)]
      for finding in report["claims"]
    ]
    titles = ["claim", "of", "difference", "standard deviations", "paper", ""]
    parts.append("\n".join(["### The paper's claims", "", *_markdown_lines(titles, lines, left=2)]))
  return "\n\n".join(parts) + "\n"


def _markdown_table(table: Mapping[str, Any]) -> str:
  columns, lines = table["columns"], []
  for row in table["rows"]:
    title = ", ".join(filter(None, [row["title"], row["group"]]))
    cells = row["cells"]
    lines.append([title, *[_ours(column, cells[column], " ± ") for column in columns]])
    if _has_paper(row):
      lines.append(["*paper*", *[_paper(column, cells[column]) for column in columns]])
  titles = ["", *[COLUMNS[column].title for column in columns]]
  return "\n".join([f"### {_title(table)}", "", *_markdown_lines(titles, lines, left=1)])


def _markdown_lines(titles: list[str], rows: list[list[str]], *, left: int) -> list[str]:
  """Returns a table; the first `left` columns are aligned to the left, the others to the right."""
  rule = ["---"] * left + ["--:"] * (len(titles) - left)
  return [f"| {' | '.join(line)} |" for line in (titles, rule, *rows)]


def _title(table: Mapping[str, Any]) -> str:
  return f"Table {table['number']}: {table['title']}"


def _has_paper(row: Mapping[str, Any]) -> bool:
  return any(cell["paper"] is not None for cell in row["cells"].values())


def _ours(column: str, cell: Mapping[str, Any], between: str) -> str:
  """Returns the mean, and the spread if there is one."""
  text = _number(column, cell["mean"])
  return text if cell["spread"] is None else f"{text}{between}{_number(column, cell['spread'])}"


def _paper(column: str, cell: Mapping[str, Any]) -> str:
  return _number(column, cell["paper"])


def _number(column: str, number: float | None) -> str:
  return NOTHING if number is None else f"{number:.{COLUMNS[column].digits}f}"


def _claim_cells(finding: Mapping[str, Any]) -> list[str]:
  """Returns ours, its standard deviations, the paper's, and a verdict."""
  digits = COLUMNS[finding["column"]].digits
  deviations, paper = finding["deviations"], finding["paper"]
  return [
    f"{finding['difference']:+.{digits}f}",
    NOTHING if deviations is None else f"{deviations:+.1f}",
    NOTHING if paper is None else f"{paper:+.{digits}f}",
    _verdict(finding),
  ]


def _verdict(finding: Mapping[str, Any]) -> str:
  deviations = finding["deviations"]
  if finding["difference"] == 0:
    return "equal"
  if deviations is not None and abs(deviations) < 1:
    return "within spread"
  return "same sign" if finding["agrees"] else "other sign"
