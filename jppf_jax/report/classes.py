"""The sections about classes and parts: qualities, counts, sizes, and what is taken for what."""

from jppf_jax.labels.quote import counted
from jppf_jax.report import binning, charts
from jppf_jax.report.markup import Markup, join, tag
from jppf_jax.report.read import Evaluation, Json
from jppf_jax.report.rows import TITLES
from jppf_jax.report.summary import difference, figure, percent, table
from jppf_jax.report.words import short_name, whole_name

_NOTHING = "nothing"  # the last column of a confusion matrix: no class was predicted


def quality_of(scores: Json) -> str:
  """Returns the main quality of a method: "part_pq", or "pq" if it has no parts."""
  return "part_pq" if "part_pq" in scores else "pq"


def classes(evaluation: Evaluation) -> Markup:
  """Returns the table of classes, and charts of IoU, score and size."""
  main = evaluation.methods[0]
  analysis = evaluation.analysis["methods"][main]
  taxonomy = evaluation.analysis["spec"]["classes"]
  occurring = sorted({*analysis["truth"]["class"], *analysis["predicted"]["class"]})
  names = {train_id: taxonomy[train_id]["name"] for train_id in occurring}
  options = [tag("option", "all classes", value="all")]
  options += [tag("option", short_name(name), value=key) for key, name in names.items()]
  groups = [_charts(analysis, None, "all classes")]
  groups += [_charts(analysis, train_id, name) for train_id, name in names.items()]
  return tag(
    "section",
    tag("h2", "Classes"),
    _class_table(evaluation, main),
    tag("h3", "Segments"),
    tag("p", tag("label", "Show ", tag("select", *options, data_switch="segments"))),
    *groups,
    id="classes",
  )


def _class_table(evaluation: Evaluation, main: str) -> Markup:
  scores = evaluation.scores[main]
  quality = quality_of(scores)
  others = evaluation.methods[1:]
  other_rows = evaluation.scores[others[0]]["per_class"] if others else None
  analysis = evaluation.analysis["methods"][main]
  prefix = quality.removesuffix("pq")
  title = {"part_pq": "PartPQ", "pq": "PQ"}[quality]
  heads = ["class", title, title.replace("PQ", "SQ"), title.replace("PQ", "RQ")]
  heads += ["PQ"] if quality == "part_pq" else []
  heads += ["TP", "FP", "FN", "sem. IoU"]
  heads += [f"vs {TITLES[others[0]]}"] if others else []
  head = [tag("th", tag("button", name, type="button"), scope="col") for name in heads]
  head += [tag("th", "IoU of true segments", scope="col"), tag("th", "found, by size", scope="col")]
  rows = []
  for train_id, row in enumerate(scores["per_class"]):
    own = row[quality]
    if own[quality] is None and row["pq"]["pq"] is None:
      continue
    other = other_rows[train_id][quality][quality] if other_rows else None
    cells = [
      tag(
        "td",
        tag("span", percent(own[quality])),
        charts.bar(own[quality], other),
        data_value=_sortable(own[quality]),
        class_="wide",
      ),
      _cell(own[f"{prefix}sq"]),
      _cell(own[f"{prefix}rq"]),
    ]
    cells += [_cell(row["pq"]["pq"])] if quality == "part_pq" else []
    counts = [row["pq"][count] for count in ("tp", "fp", "fn")]  # as the gallery lists segments
    cells += [tag("td", count, data_value=count) for count in counts]
    cells += [_cell(row["semantic_iou"])]
    if others:
      if other is None or own[quality] is None:
        cells.append(tag("td", "–", data_value=_sortable(None)))
      else:
        change = own[quality] - other
        cells.append(tag("td", difference(own[quality], other), data_value=_sortable(change)))
    color = evaluation.analysis["spec"]["classes"][train_id]["color"]
    name = _heading(row["name"], color)
    sparks = _sparks(analysis["truth"], train_id, row["name"])
    rows.append(tag("tr", name, *cells, *sparks))
  caption = f"{TITLES[main].capitalize()}, percent; a heading sorts"
  if quality == "part_pq":
    caption += "; TP, FP and FN of PQ: PartPQ leaves out objects without labelled parts"
  if others:
    caption += f"; the tick in a bar is {TITLES[others[0]]}"
  return table(tag("tr", *head), rows, caption=caption, class_="sortable")


def _sparks(truth: Json, train_id: int, name: str) -> list[Markup]:
  """Returns small charts: how many true segments have which IoU, and the share found by size."""
  counts = binning.iou_counts(truth, train_id)
  tenths = [f"IoU {n / 10:.1f}–{(n + 1) / 10:.1f}: {count}" for n, count in enumerate(counts)]
  sizes = binning.found_by_size(truth, train_id)
  shares = [found / of_all if of_all else 0.0 for found, of_all in sizes]
  names = binning.size_names()
  said = [f"{size} px: {found} of {total}" for size, (found, total) in zip(names, sizes)]
  return [
    tag("td", charts.spark(counts, tenths, f"IoU of {name}")),
    tag("td", charts.spark(shares, said, f"share of {name} found, by size")),
  ]


def _charts(analysis: Json, train_id: int | None, name: str) -> Markup:
  """Returns the charts of the segments of a class; those of all classes are shown first."""
  truth, predicted = analysis["truth"], analysis["predicted"]
  counts = binning.iou_counts(truth, train_id)
  y_ticks = charts.nice_ticks(0, max(*counts, 1), whole=True)
  ious = charts.Axes(
    f"IoU of true segments, {name}",
    x=(0, 1),
    y=(0, y_ticks[-1]),
    x_name="IoU",
    y_ticks=y_ticks,
    x_ticks=[(n / 4, f"{n / 4:g}") for n in range(5)],
  )
  for tenth, count in enumerate(counts):
    left, right = tenth / binning.IOU_BINS, (tenth + 1) / binning.IOU_BINS
    said = f"IoU {left:.1f}–{right:.1f}: {counted(count, 'segment')}"
    ious.bar(left, right, count, "good" if left >= 0.5 else "bad", said)
  sizes = binning.found_by_size(truth, train_id)
  places = list(enumerate(binning.size_names()))
  recall = charts.Axes(
    f"share of true segments that is found, by size, {name}",
    x=(0, len(places)),
    y=(0, 1),
    x_name="√area, pixels",
    y_ticks=[0, 0.25, 0.5, 0.75, 1],
    x_ticks=[(place, str(side)) for place, side in enumerate(binning.SIDES)],
  )
  for place, size in places:
    found, total = sizes[place]
    if total:
      said = f"{size} px: {found} of {total} found"
      recall.bar(place, place + 1, found / total, "series", said)
  drawn = [figure("IoU of true segments", ious.drawn()), figure("Found, by size", recall.drawn())]
  points = binning.scores_and_ious(predicted, train_id)
  if points:
    scatter = charts.Axes(
      f"score against IoU of predicted instances, {name}",
      x=(0, 1),
      y=(0, 1),
      x_name="score",
      y_ticks=[0, 0.25, 0.5, 0.75, 1],
      x_ticks=[(n / 4, f"{n / 4:g}") for n in range(5)],
    )
    for score, iou, outcome in points:
      scatter.dot((score, iou), {"tp": "good", "fp": "bad"}.get(outcome, "other"))
    key = charts.legend(("TP", "good"), ("FP", "bad"), ("on void or crowd", "other"))
    drawn.append(figure("Score against IoU of predicted instances", scatter.drawn(), key))
  value = "all" if train_id is None else train_id
  hidden = train_id is not None
  return tag("div", *drawn, class_="grid3", data_segments=value, hidden=hidden)


def parts(evaluation: Evaluation) -> Markup | None:
  """Returns the table of parts; None if the network has none."""
  methods = [name for name in evaluation.methods if "per_part" in evaluation.scores[name]]
  if not methods or len(evaluation.analysis["spec"]["parts"]) < 2:
    return None
  colors = [part["color"] for part in evaluation.analysis["spec"]["parts"]]
  rows = []
  columns = [evaluation.scores[name]["per_part"] for name in methods[:2]]
  for row, *others in zip(*columns):
    ious = [row["iou"], *(other["iou"] for other in others)]
    if all(iou is None for iou in ious):
      continue
    first = tag(
      "td", tag("span", percent(ious[0])), charts.bar(*ious), data_value=_sortable(ious[0])
    )
    name = _heading(row["name"], colors[row["channel"]])
    rows.append(tag("tr", name, first, *map(_cell, ious[1:])))
  names = ["part", *(f"IoU, {TITLES[name]}" for name in methods[:2])]
  head = tag("tr", *(tag("th", tag("button", name, type="button"), scope="col") for name in names))
  caption = "IoU of parts, percent; a heading sorts"
  found = table(head, rows, caption=caption, class_="sortable")
  return tag("section", tag("h2", "Parts"), found, id="parts")


def confusion(evaluation: Evaluation) -> Markup:
  """Returns the confusion matrices of classes and parts, and their largest entries in words."""
  main = evaluation.methods[0]
  analysis = evaluation.analysis["methods"][main]
  taxonomy = evaluation.analysis["spec"]
  blocks = [_matrix("Classes", analysis["confusion"], taxonomy["classes"])]
  if "per_part" in evaluation.scores[main] and len(taxonomy["parts"]) > 1:
    blocks.append(_matrix("Parts", analysis["part_confusion"], taxonomy["parts"]))
  note = (
    f"{TITLES[main].capitalize()}. A row is a true label, a cell the share of its pixels that is "
    "seen as the label of the column."
  )
  heading = tag("h2", "Confusion")
  return tag("section", heading, tag("p", note), charts.scale(), *blocks, id="confusion")


def _matrix(title: str, counts: list[list[int]], labels: list[Json]) -> Markup:
  names = [label["name"] for label in labels]
  kept = [k for k in range(len(names)) if any(counts[k]) or any(row[k] for row in counts)]
  columns = [*kept, len(names)]
  rows = [[counts[k][column] for column in columns] for k in kept]
  row_names = [names[k] for k in kept]
  column_names = [*row_names, _NOTHING]
  drawn = charts.matrix(rows, row_names, column_names, f"confusion of {title.lower()}")
  found = binning.confusions(rows, row_names, column_names)
  mistakes = [
    tag(
      "li",
      *(_bold(name), " seen as ", _bold(other)),
      f" {_share(of_all)} ({_share(of_name)} of {short_name(name)})",
    )
    for name, other, of_all, of_name in found
  ]
  heading = tag("h4", "The largest areas, of all labelled pixels")
  beside = join(heading, tag("ol", *mistakes)) if mistakes else None
  scroll = tag("div", drawn, class_="scroll", tabindex="0", role="region", aria_label=title)
  return join(tag("h3", title), tag("div", scroll, tag("div", beside), class_="matrix-pair"))


def _share(value: float) -> str:
  shown = percent(value)
  return f"{'< 0.1' if shown == '0.0' else shown}\u00a0%"


def _cell(value: float | None) -> Markup:
  return tag("td", percent(value), data_value=_sortable(value))


def _sortable(value: float | None) -> str:
  return "-2" if value is None else f"{value:.6f}"


def _heading(name: str, color: list[int]) -> Markup:
  """Returns the heading of the row of a class or part."""
  shown = short_name(name)
  return tag("th", _swatch(color), shown, scope="row", data_value=name, title=whole_name(name))


def _bold(name: str) -> Markup:
  return tag("b", short_name(name), title=whole_name(name))


def _swatch(color: list[int]) -> Markup:
  red, green, blue = color
  return tag("i", class_="swatch", style=f"background:rgb({red},{green},{blue})")
