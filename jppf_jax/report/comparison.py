"""The section that compares a run with another one: scores, classes, images, configs."""

from collections.abc import Collection
from typing import Any

from jppf_jax.labels.quote import counted
from jppf_jax.report import charts
from jppf_jax.report.classes import quality_of
from jppf_jax.report.images import CHANGED, changes
from jppf_jax.report.markup import Markup, tag
from jppf_jax.report.read import Evaluation, Json, ReportError, called, is_same
from jppf_jax.report.rows import ROWS
from jppf_jax.report.summary import at, curves, difference, percent, table
from jppf_jax.report.words import short_name, shortened, whole_name


def require_same(evaluation: Evaluation, other: Evaluation) -> None:
  """Checks that two evaluations can be compared.

  Raises:
    ReportError: their taxonomies differ, or they have no image in common.
  """
  names = [one.analysis["spec"] for one in (evaluation, other)]
  if names[0] != names[1]:
    raise ReportError(
      f"{evaluation.folder} has the classes of {names[0]['name']}, {other.folder} those of "
      f"{names[1]['name']}; only runs with the same classes can be compared."
    )
  if not changes(evaluation, other):
    raise ReportError(
      f"{evaluation.folder} and {other.folder} have no image in common; compare evaluations of the "
      "same split."
    )


def remark(evaluation: Evaluation, other: Evaluation) -> str | None:
  """Returns a sentence if a run is compared with itself; else None."""
  if not is_same(evaluation, other):
    return None
  return f"{other.name} is compared with itself: nothing can differ."


def comparison(
  evaluation: Evaluation, other: Evaluation, shown: Collection[str] | None = None
) -> Markup:
  """Returns what changed from `other` to `evaluation`; of a run and itself a remark only.

  Args:
    evaluation: of the new run.
    other: of the run before.
    shown: the images of the gallery, to which names lead; None: all.
  """
  about = remark(evaluation, other)
  heading = tag("h2", f"Compared with {called(evaluation, other)[1]}")
  if about is not None:
    return tag("section", heading, tag("p", about), id="compared")
  return tag(
    "section",
    heading,
    tag("div", _scores(evaluation, other), _images(evaluation, other, shown), class_="pair"),
    _classes(evaluation, other),
    _config(shortened(evaluation.config), shortened(other.config)),
    _curves(evaluation, other),
    id="compared",
  )


def _scores(evaluation: Evaluation, other: Evaluation) -> Markup:
  own, before = (one.scores[one.methods[0]] for one in (evaluation, other))
  rows = [_row(name, at(own, path), at(before, path)) for name, path in ROWS.items()]
  name, other_name = called(evaluation, other)
  head = _head("percent", other_name, name, "change")
  return table(head, [row for row in rows if row], caption="Scores")


def _classes(evaluation: Evaluation, other: Evaluation) -> Markup:
  """Returns the classes, those that changed most first."""
  own, before = (one.scores[one.methods[0]] for one in (evaluation, other))
  quality = quality_of(own)
  found = []
  for row, old in zip(own["per_class"], before["per_class"]):
    values = row[quality][quality], old.get(quality, {}).get(quality)
    known = [value or 0.0 for value in values]
    made = _row(row["name"], *values, bar=True)
    if made:
      found.append((-abs(known[0] - known[1]), row["name"], made))
  rows = [made for *_, made in sorted(found, key=lambda entry: entry[:2])]
  name, other_name = called(evaluation, other)
  head = _head("class", other_name, name, "change")
  title = {"part_pq": "PartPQ", "pq": "PQ"}[quality]
  caption = f"{title} of classes, those that changed most first; the tick is {other_name}"
  return table(head, rows, caption=caption)


def _images(evaluation: Evaluation, other: Evaluation, shown: Collection[str] | None) -> Markup:
  found = list(changes(evaluation, other).items())
  rows = []
  for image_id, change in found[:CHANGED]:
    link = tag("button", image_id, type="button", class_="link", data_image=image_id)
    name = link if shown is None or image_id in shown else image_id
    rows.append(tag("tr", tag("th", name, scope="row"), tag("td", difference(change))))
  caption = f"The {len(rows)} images that changed most, of {len(found)}"
  if len(found) <= CHANGED:
    caption = f"{counted(len(found), 'image')} in common" + (
      ", the largest change first" if rows[1:] else ""
    )
  return table(_head("image", "change"), rows, caption=caption)


def _config(own: Json, before: Json) -> Markup | None:
  """Returns the values of the config that differ; None if none does."""
  flat, flat_before = _flat(own), _flat(before)
  names = sorted(flat.keys() | flat_before.keys())
  different = [name for name in names if flat.get(name) != flat_before.get(name)]
  if not different:
    return None
  rows = [
    tag(
      "tr",
      tag("th", name, scope="row"),
      tag("td", str(flat_before.get(name, "–"))),
      tag("td", str(flat.get(name, "–"))),
    )
    for name in different
  ]
  found = table(_head("config", "before", "now"), rows, caption="What differs in the configs")
  several = f"{len(rows)} values of the config differ"
  said = "1 value of the config differs" if len(rows) == 1 else several
  return tag("details", tag("summary", said), found)


def _curves(evaluation: Evaluation, other: Evaluation) -> Markup | None:
  drawn = curves(evaluation.metrics, other.metrics)
  if drawn is None:
    return None
  name, other_name = called(evaluation, other)
  key = charts.legend((name, "series0"), (other_name, "series1"))
  return tag("details", tag("summary", "The curves of both runs"), key, drawn)


def _row(name: str, own: float | None, before: float | None, *, bar: bool = False) -> Markup | None:
  """Returns a row of a table; None if neither run has the score."""
  if own is None and before is None:
    return None
  known = own is not None and before is not None
  change = difference(own or 0.0, before or 0.0) if known else "–"
  shown = tag("span", percent(own)), charts.bar(own, before) if bar else None
  now = tag("td", *shown, class_="wide" if bar else None)
  head = tag("th", short_name(name), scope="row", title=whole_name(name))
  return tag("tr", head, tag("td", percent(before)), now, tag("td", change))


def _head(*names: str) -> Markup:
  return tag("tr", *(tag("th", name, scope="col") for name in names))


def _flat(values: Json, prefix: str = "") -> dict[str, Any]:
  """Returns nested values by their dotted names."""
  found: dict[str, Any] = {}
  for key, value in values.items():
    name = f"{prefix}{key}"
    found |= _flat(value, f"{name}.") if isinstance(value, dict) else {name: value}
  return found
