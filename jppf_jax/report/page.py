"""The report page: one HTML file with everything in it, which opens from disk."""

from collections.abc import Callable
from pathlib import Path

from jppf_jax.labels.quote import counted
from jppf_jax.report import classes, comparison, costs, images, read, summary
from jppf_jax.report.markup import Markup, data, join, tag
from jppf_jax.report.read import Evaluation
from jppf_jax.report.rows import VARIANTS
from jppf_jax.report.words import dataset_title, few_images
from jppf_jax.saving import write_text

PAGE = "report.html"
IMAGES = 50  # that a page shows
_ASSETS = Path(__file__).parent / "assets"
_SCRIPTS = ("tables.js", "regions.js", "viewer.js", "gallery.js")


def write(
  workdir: Path,
  out: Path | None = None,
  *,
  split: str | None = None,
  compare: Path | None = None,
  count: int = IMAGES,
  run: Path | None = None,
  benchmark: Path | None = None,
  say: Callable[[str], None] | None = None,
) -> Path:
  """Writes the page of an evaluation.

  Args:
    workdir: the folder of a run, or that of an evaluation.
    out: the file; None: `report.html` beside the scores.
    split: name of the evaluation, see `read.read`.
    compare: the folder of another run, or of its evaluation.
    count: how many images the page shows.
    run: the folder of the run, if an evaluation is given that does not lie in it.
    benchmark: a file of `jppf benchmark inference`; None: `benchmark.json` of the run if there is
      one.
    say: is given a remark, if the page has one about the comparison.

  Returns:
    The file.

  Raises:
    ReportError: there is no evaluation with a record, or the two cannot be compared, or a file is
      damaged.
    OSError: the file cannot be written.
  """
  evaluation = read.read(workdir, split, run)
  other = None if compare is None else read.read(compare, split)
  if other is not None:
    comparison.require_same(evaluation, other)
    about = comparison.remark(evaluation, other)
    if about is not None and say is not None:
      say(about)
  out = out or evaluation.folder / PAGE
  if benchmark is None and evaluation.run is not None:
    found = evaluation.run / costs.FOUND
    benchmark = found if found.is_file() else None
  measured = None if benchmark is None else costs.read_costs(benchmark)
  write_text(out, page(evaluation, other, count=count, measured=measured))
  return out


def page(
  evaluation: Evaluation,
  other: Evaluation | None = None,
  *,
  count: int = IMAGES,
  measured: read.Json | None = None,
) -> Markup:
  """Returns the page as text.

  Args:
    evaluation: with a record.
    other: an evaluation to compare it with.
    count: how many images the page shows.
    measured: what the stages of the network cost.
  """
  beside = None if other is None or read.is_same(evaluation, other) else other
  content = images.packed(evaluation, count, beside)
  shown_images = [image["id"] for image in content["images"]]
  compared = comparison.comparison(evaluation, other, shown_images) if other else None
  sections = {
    "scores": ("Scores", summary.summary(evaluation)),
    **{key: (title, summary.variants(evaluation, key)) for key, (title, _) in VARIANTS.items()},
    "compared": ("Compared", compared),
    "images": ("Images", _gallery() if shown_images else _no_images(count)),
    "classes": ("Classes", classes.classes(evaluation)),
    "parts": ("Parts", classes.parts(evaluation)),
    "confusion": ("Confusion", classes.confusion(evaluation)),
    "costs": ("Time", None if measured is None else costs.costs(measured)),
    "training": ("Training", summary.training(evaluation)),
  }
  shown = {name: entry for name, entry in sections.items() if entry[1] is not None}
  links = [tag("a", title, href=f"#{name}") for name, (title, _) in shown.items()]
  title = f"{evaluation.name}, {evaluation.title}"
  head = join(
    Markup('<meta charset="utf-8">'),
    Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
    Markup('<meta name="color-scheme" content="light dark">'),
    tag("title", f"{title} · jppf_jax"),
    tag("style", _asset("page.css")),
  )
  body = join(
    _header(evaluation, len(shown_images)),
    tag("nav", *links, aria_label="Sections"),
    tag("main", *(section for _, section in shown.values())),
    tag("script", data(content), type="application/json", id="report-data"),
    *(tag("script", _asset(name)) for name in _SCRIPTS),
  )
  document = tag("html", tag("head", head), tag("body", body), lang="en")
  return Markup(f"<!DOCTYPE html>\n{document}\n")


def _header(evaluation: Evaluation, shown: int) -> Markup:
  dataset = dataset_title(summary.nested(evaluation.config, ("data", "name")) or "")
  total = evaluation.scores["images"]
  names = dict.fromkeys((dataset, evaluation.analysis["spec"]["name"]))  # they may be one
  facts = [*names, counted(total, "image"), f"{shown} shown"]
  testing = evaluation.scores.get("testing") or {}
  scales = testing.get("scales") or [1.0]
  if list(scales) != [1.0] or testing.get("flip"):
    mirrored = ", mirrored too" if testing.get("flip") else ""
    facts.append(f"scales {', '.join(map(str, scales))}{mirrored}")
  title = (" ", tag("span", evaluation.title)) if evaluation.title != evaluation.name else ()
  return tag(
    "header",
    tag("h1", evaluation.name, *title),
    tag("p", " · ".join(fact for fact in facts if fact)),
    few_images(total) and tag("p", few_images(total)),
  )


def _gallery() -> Markup:
  """Returns the place of the gallery, which its script fills."""
  without = tag("noscript", tag("p", "The images need JavaScript."))
  return tag("section", tag("h2", "Images"), tag("div", id="gallery"), without, id="images")


def _no_images(count: int) -> Markup:
  """Returns a sentence in the place of the gallery."""
  why = "--images=0." if count == 0 else "their records are not beside the scores."
  said = tag("p", f"This page shows no images: {why}")
  return tag("section", tag("h2", "Images"), said, id="images")


def _asset(name: str) -> Markup:
  """Returns a file of the package; it is written as it stands."""
  return Markup((_ASSETS / name).read_text(encoding="utf-8"))
