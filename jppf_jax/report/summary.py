"""The first sections of the page: the scores of an evaluation, and what was trained."""

import json
from collections.abc import Iterable
from typing import Any

from jppf_jax.report import charts
from jppf_jax.report.markup import Markup, join, tag
from jppf_jax.report.read import Evaluation, Json
from jppf_jax.report.rows import PAPER, ROWS, SAVED, TITLES, VARIANT_ROWS, VARIANTS
from jppf_jax.report.words import dataset_title, short_path, shortened

_TILES = (
  "PartPQ All",
  "PartPQ P",
  "PartPQ NP",
  "PQ",
  "Sem. mIoU, fused",
  "Part mIoU, fused",
  "Density",
)
_SCORES = "evaluation/"  # of the names of scores among the metrics
_FACTS = {  # of the config
  "dataset": ("data", "name"),
  "labels": ("data", "labels"),
  "encoder": ("model", "encoder"),
  "training size": ("data", "train_size"),
  "batch": ("data", "batch_size"),
  "optimizer": ("optimizer", "name"),
  "began with": ("model", "pretrained"),
  "seed": ("seed",),
}


def summary(evaluation: Evaluation) -> Markup:
  """Returns the scores: the main ones large, then the table of all methods."""
  return tag(
    "section",
    tag("h2", "Scores"),
    _tiles(evaluation),
    tag("div", _table(evaluation), _heads(evaluation.scores.get("heads", {})), class_="pair"),
    id="scores",
  )


def _tiles(evaluation: Evaluation) -> Markup:
  main, *others = evaluation.methods
  tiles = []
  for name in _TILES:
    value = at(evaluation.scores[main], ROWS[name])
    if value is None:
      continue
    beside = None
    reference = at(evaluation.scores[others[0]], ROWS[name]) if others else None
    if reference is not None:
      beside = tag("small", difference(value, reference), f" vs {TITLES[others[0]]}")
    tiles.append(tag("div", tag("span", name), tag("strong", percent(value)), beside))
  return tag("div", *tiles, class_="tiles")


def _table(evaluation: Evaluation) -> Markup:
  methods = evaluation.methods
  heading = [tag("th", TITLES[method], scope="col") for method in methods]
  paper = paper_figures(evaluation)
  heading += [tag("th", f"the paper’s {TITLES[method]}", scope="col") for method in paper]
  rows = []
  for name, path in ROWS.items():
    values = [at(evaluation.scores[method], path) for method in methods]
    known = [value for value in values if value is not None]
    if not known:
      continue
    shown = [percent(value) for value in values]
    best = percent(max(known))
    is_strict = shown.count(best) == 1 < len(known)  # as the digits on the page are
    cells = [
      tag("td", text, class_="best" if is_strict and text == best else None) for text in shown
    ]
    printed = (figures.get(name) for figures in paper.values())
    cells += [tag("td", "" if figure is None else f"{figure:.1f}") for figure in printed]
    rows.append(tag("tr", tag("th", name, scope="row"), *cells))
  head = tag("tr", tag("th", "percent", scope="col"), *heading)
  is_saved = methods == [SAVED]  # by any system
  caption = "Saved predictions" if is_saved else "Fusions on the same outputs of the network"
  return table(head, rows, caption=caption)


def paper_figures(evaluation: Evaluation) -> dict[str, dict[str, float]]:
  """Returns the paper's figures by method, if the evaluation has its setting; else none."""
  config, testing = evaluation.config, evaluation.scores.get("testing") or {}
  data, model = config.get("data", {}), config.get("model", {})
  setting = (data.get("name"), model.get("encoder"), tuple(data.get("eval_size", ())))
  is_single_scale = list(testing.get("scales", [1.0])) == [1.0] and not testing.get("flip")
  whole_split = evaluation.title == data.get("eval_split")
  return PAPER.get(setting, {}) if is_single_scale and whole_split else {}


def _heads(heads: Json) -> Markup | None:
  rows = []
  fused = heads.get("instance_ap_fused") or {}
  for name, value, class_ in (
    ("semantic head, mIoU", heads.get("semantic_miou"), None),
    ("part head, mIoU", heads.get("part_miou"), None),
    ("instance head, AP", (heads.get("instance_ap") or {}).get("ap"), None),
    (f"AP of scores above {fused.get('min_score', 0):g}", fused.get("ap"), "sub"),
  ):
    if value is not None:
      row = tag("th", name, scope="row"), tag("td", percent(value))
      rows.append(tag("tr", *row, class_=class_))
  if not rows:
    return None
  head = tag("tr", tag("th", "percent", scope="col"), tag("th", "alone", scope="col"))
  return table(head, rows, caption="Heads before fusion")


def variants(evaluation: Evaluation, key: str) -> Markup | None:
  """Returns what the fusions score in each variant of a table; None if nobody asked.

  Args:
    evaluation: with its scores.
    key: of `rows.VARIANTS`.
  """
  of_all = evaluation.scores.get(key)
  if not of_all:
    return None
  methods = [method for method in evaluation.methods if method in next(iter(of_all.values()))]
  heading = [tag("th", f"{TITLES[m]}, {row}", scope="col") for m in methods for row in VARIANT_ROWS]
  rows = []
  for name, scores in of_all.items():
    values = [at(scores[method], ROWS[row]) for method in methods for row in VARIANT_ROWS]
    cells = [tag("td", "" if value is None else percent(value)) for value in values]
    rows.append(tag("tr", tag("th", name, scope="row"), *cells))
  head = tag("tr", tag("th", "percent", scope="col"), *heading)
  title, caption = VARIANTS[key]
  return tag("section", tag("h2", title), table(head, rows, caption=caption), id=key)


def training(evaluation: Evaluation) -> Markup | None:
  """Returns what was trained, the curves and the config; None without a run."""
  config, metrics = evaluation.config, evaluation.metrics
  if not config:
    return None
  facts = {name: nested(config, path) for name, path in _FACTS.items()}
  facts["dataset"] = dataset_title(facts["dataset"] or "")
  steps = max((line["step"] for line in metrics), default=None)
  facts["steps"] = None if steps is None else f"{steps:,}"
  facts["training time"] = _hours(metrics)
  parameters = evaluation.scores.get("parameters")
  facts["parameters"] = f"{parameters / 1e6:.2f} M" if parameters else None
  seconds = evaluation.scores.get("seconds_per_image")
  facts["prediction"] = f"{seconds:.2f} s per image" if seconds else None
  evaluated_with = evaluation.scores.get("made_with", {})
  for done, made in (("trained", evaluation.made_with), ("evaluated", evaluated_with)):
    facts[done] = made.get("date")
    versions = [f"{name} {value}" for name, value in made.items() if name != "date"]
    facts[f"{done} with"] = ", ".join(versions)
  entries = [
    tag("div", tag("dt", name), tag("dd", _plain(value)))
    for name, value in facts.items()
    if value not in (None, "")
  ]
  text = json.dumps(shortened(config), indent=2)
  return tag(
    "section",
    tag("h2", "Training"),
    tag("dl", *entries, class_="facts"),
    curves(metrics),
    tag("details", tag("summary", "The whole config"), tag("pre", text)),
    id="training",
  )


def curves(metrics: list[Json], other: list[Json] | None = None) -> Markup | None:
  """Returns a chart for each loss, score and rate over the steps; None if nothing was logged.

  Args:
    metrics: lines of the run.
    other: lines of the run that it is compared with.
  """
  names = dict.fromkeys(name for line in metrics for name in line if name != "step")
  figures = []
  for name in sorted(names, key=_order):
    shown = {"": points_of(metrics, name), "other": points_of(other or [], name)}
    shown = {run: points for run, points in shown.items() if len(points) > 1}
    if "" in shown:
      title = name.removeprefix("loss/").replace("_", " ")
      title = f"loss: {title}" if name.startswith("loss/") else title
      figures.append(figure(title, charts.lines(title, shown)))
  return tag("div", *figures, class_="grid3") if figures else None


def _order(name: str) -> tuple[int, str]:
  """Losses come first, the sum before its terms; then scores, then the rest."""
  groups = (name == "loss", name.startswith("loss/"), name.startswith(_SCORES))
  return (groups.index(True) if any(groups) else len(groups)), name


def points_of(metrics: list[Json], name: str) -> list[charts.Point]:
  """Returns step and value of a metric where it is known."""
  known = [line for line in metrics if line.get(name) is not None and "step" in line]
  return [(line["step"], line[name]) for line in known if abs(line[name]) < float("inf")]


def _hours(metrics: list[Json]) -> str | None:
  """Returns how long the steps took, without compilation and evaluation; None if the speed was not
  logged. A line has the speed of the steps since the line before.
  """
  seconds, before = 0.0, 0
  for line in metrics:
    speed = line.get("steps_per_second")
    if speed:
      seconds += max(line["step"] - before, 0) / speed
      before = line["step"]
  if not seconds:
    return None
  return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min"


def _plain(value: Any) -> str:
  if isinstance(value, list | tuple):
    return " × ".join(map(str, value))
  return short_path(str(value))


def figure(title: str, *children: object) -> Markup:
  """Returns a drawing with its title above."""
  return tag("figure", tag("figcaption", title), *children)


def table(head: Markup, rows: Iterable[Markup], *, caption: str, class_: str = "") -> Markup:
  """Returns a table that scrolls sideways where it has no room; its caption does not."""
  inner = tag(
    "table",
    tag("thead", head),
    tag("tbody", join(*rows)),
    class_=class_ or None,
  )
  place = tag("div", inner, class_="scroll", tabindex="0", role="region", aria_label=caption)
  return tag("div", tag("p", caption, class_="caption", aria_hidden="true"), place)


def nested(values: Any, path: Iterable[str]) -> Any:
  """Returns what is under nested keys; None if there is nothing."""
  for key in path:
    if not isinstance(values, dict) or key not in values:
      return None
    values = values[key]
  return values


def at(scores: Json, path: Iterable[str]) -> float | None:
  """Returns the score under nested keys; None if there is none."""
  return nested(scores, path)


def percent(value: float | None) -> str:
  """Returns a share in percent."""
  return "–" if value is None else f"{100 * value:.1f}"


def difference(value: float, before: float = 0.0) -> Markup:
  """Returns a change in percent points, coloured: that of the rounded figures that are shown."""
  points = round(round(100 * value, 1) - round(100 * before, 1), 1)
  class_ = "up" if points > 0 else "down" if points < 0 else "same"
  sign = "+" if points > 0 else "−" if points < 0 else "±"
  return tag("span", f"{sign}{abs(points):.1f}", class_=class_)
