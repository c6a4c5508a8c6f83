"""The section about time and memory, from a file of `jppf benchmark inference`."""

from pathlib import Path

from jppf_jax.report import charts
from jppf_jax.report.markup import Markup, tag
from jppf_jax.report.read import Json, ReportError, read_json
from jppf_jax.report.summary import table

FOUND = "benchmark.json"  # in the folder of a run
_KEYS = ("stages", "device", "encoder", "size")


def read_costs(path: Path) -> Json:
  """Returns measurements of the stages.

  Raises:
    ReportError: the file is damaged, or has other measurements.
  """
  found = read_json(path)
  if not isinstance(found, dict) or not all(key in found for key in _KEYS):
    raise ReportError(
      f"{path} has no stages of a network; `jppf benchmark inference --out={path}` writes them."
    )
  return found


def costs(measured: Json) -> Markup:
  """Returns what each stage costs, as `read_costs` gives it; bars compare seconds."""
  stages = measured["stages"]
  longest = max(row["seconds"] for row in stages)
  rows = []
  for row in stages:
    milliseconds = tag("span", f"{1e3 * row['seconds']:.1f}")
    length = charts.bar(row["seconds"] / longest)
    rows.append(
      tag(
        "tr",
        tag("th", row["stage"], scope="row"),
        tag("td", milliseconds, length, class_="wide"),
        tag("td", f"{row['temporary_mb']:.1f}"),
        tag("td", f"{row['gflop']:.1f}"),
      )
    )
  names = ("stage", "ms", "temporaries, MB", "GFLOP")
  head = tag("tr", *(tag("th", name, scope="col") for name in names))
  height, width = measured["size"]
  where = f"{measured['encoder'].upper()}, {height} × {width} pixels, {measured['device']}"
  found = table(head, rows, caption=f"Medians of one image: {where}")
  return tag("section", tag("h2", "Time and memory"), found, id="costs")
