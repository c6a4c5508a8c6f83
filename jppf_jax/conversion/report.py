"""What a conversion could not express: counted, listed, and drawn."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from jppf_jax import lettering
from jppf_jax.conversion.compose import COVERED, KINDS, NO_PIXEL, UNKNOWN, Composed, Problem
from jppf_jax.labels.formats.files import write_image
from jppf_jax.labels.other_names import Names
from jppf_jax.labels.quote import counted, first_of
from jppf_jax.saving import write_text

MOST_PICTURES = 100
MOST_PLACES = 10_000  # in the JSON; the largest are kept
_LISTED = 50  # in the text
_LONGEST = 1280  # pixels of a side of a picture
_COLORS = (
  *((230, 25, 75), (255, 150, 0), (255, 225, 25), (240, 50, 230), (70, 200, 240), (255, 255, 255)),
)
"""Of the kinds of problems, in their order."""
_LINE, _TEXT, _MARGIN = 14, 10, 4  # pixels


@dataclass
class Report:
  """What became of the labels of a folder.

  Attributes:
    written: names of the photos that have labels now.
    failures: one line for each photo that has none, and why.
    empty: label files without any label, which are left out.
    without_labels: photos that no labels belong to, which are left out.
    without_shapes: photos whose label file has no shape, and all of whose pixels are unlabelled.
    outside: how many shapes of a photo have points outside the image, where they are cut.
    notes: sentences about the files, and in how many it is so.
    places: image and problem, the largest ones.
    counts: images, regions and pixels by kind of problem.
    unknown: names that the taxonomy does not have, and how many regions are called so.
    seen: names of regions, and `parent/name` of those with a parent.
    pictures: how many were drawn.
  """

  written: list[str] = field(default_factory=list)
  failures: list[str] = field(default_factory=list)
  empty: list[str] = field(default_factory=list)
  without_labels: list[str] = field(default_factory=list)
  without_shapes: list[str] = field(default_factory=list)
  outside: Counter[str] = field(default_factory=Counter)
  notes: Counter[str] = field(default_factory=Counter)
  places: list[tuple[str, Problem]] = field(default_factory=list)
  counts: dict[str, Counter[str]] = field(default_factory=dict)
  unknown: Counter[str] = field(default_factory=Counter)
  seen: set[str] = field(default_factory=set)
  pictures: int = 0

  def add(self, image: str, problems: list[Problem]) -> None:
    """Counts the problems of an image."""
    for problem in problems:
      count = self.counts.setdefault(problem.kind, Counter())
      count["regions"] += 1
      count["pixels"] += problem.pixels
      if problem.kind == UNKNOWN:
        self.unknown[problem.name] += 1
      self.places.append((image, problem))
    for kind in {problem.kind for problem in problems}:
      self.counts[kind]["images"] += 1
    if len(self.places) > 2 * MOST_PLACES:
      self._drop_small()

  def _drop_small(self) -> None:
    self.places.sort(key=lambda place: _rank(place[1]))
    del self.places[MOST_PLACES:]

  def to_json(self) -> dict[str, Any]:
    """Returns the report as JSON holds it."""
    self._drop_small()
    return {
      "written": self.written,
      "failures": self.failures,
      "empty": self.empty,
      "photos_without_labels": self.without_labels,
      "photos_without_shapes": self.without_shapes,
      "points_outside": dict(self.outside),
      "notes": dict(self.notes),
      "counts": {kind: dict(self.counts[kind]) for kind in KINDS if kind in self.counts},
      "unknown_names": dict(self.unknown.most_common()),
      "places": [{"image": image, **problem._asdict()} for image, problem in self.places],
    }

  def lines(self, names: Names) -> Iterator[str]:
    """Yields what happened as lines of text."""
    has = "has" if len(self.written) == 1 else "have"
    yield f"{counted(len(self.written), 'photo')} {has} labels now."
    for kind in KINDS:
      if kind in self.counts:
        count = self.counts[kind]
        often = counted(count["regions"], "time")
        images, pixels = counted(count["images"], "image"), counted(count["pixels"], "pixel")
        yield f"  {kind}: {often} in {images}, {pixels}"
    yield from about_outside(self.outside)
    if self.unknown:
      yield "Names that the spec does not have are void; its YAML can list them under names:"
    for name, times in self.unknown.most_common():
      near = names.near(name)
      hint = f"; did you mean {near}?" if near else ""
      yield f"  {name!r}, {counted(times, 'time')}{hint}"
    if unused := names.unused(self.seen):
      yield f"In the spec under names:, but in no file: {first_of(unused)}"
    if self.empty:
      files = counted(len(self.empty), "file")
      yield f"{files} without any label, left out: {first_of(self.empty)}"
    yield from about_photos(self.without_labels, self.without_shapes)
    for note, times in self.notes.items():
      yield f"{counted(times, 'time')}: {note}."
    if self.failures:
      yield f"{len(self.failures)} could not be converted:"
    yield from (f"  {failure}" for failure in self.failures)

  def text(self, names: Names) -> str:
    """Returns the report as text, with the largest places."""
    self._drop_small()
    places = [_place(image, problem) for image, problem in self.places[:_LISTED]]
    if places:
      places = ["", "The worst places (columns and rows from the upper left corner):", *places]
    if len(self.places) > _LISTED:
      places.append(f"... and {len(self.places) - _LISTED} more, in the JSON beside this file.")
    return "\n".join([*self.lines(names), *places, ""])


def about_photos(without_labels: Sequence[str], without_shapes: Sequence[str]) -> Iterator[str]:
  """Yields lines about photos that nothing is drawn on, see `Report`."""
  if without_labels:
    count = counted(len(without_labels), "photo")
    yield f"{count} without labels, left out: {first_of(without_labels)}"
  if without_shapes:
    count = counted(len(without_shapes), "photo")
    yield f"{count} without a shape, all unlabelled: {first_of(without_shapes)}"


def about_outside(shapes: Mapping[str, int]) -> Iterator[str]:
  """Yields a line about points outside the image: how many shapes of each photo have some."""
  if shapes:
    count = counted(sum(shapes.values()), "shape")
    photos = f"{counted(len(shapes), 'photo')}: {first_of(list(shapes))}"
    yield f"Points outside the image: {count} in {photos}"


def _rank(problem: Problem) -> tuple[int, int]:
  return KINDS.index(problem.kind), -problem.pixels


def _place(image: str, problem: Problem) -> str:
  left, top, right, bottom = problem.box
  other = f" (by {problem.other!r})" if problem.other else ""
  line = f"  {image}: {problem.kind}: {problem.name!r}{other}"
  if problem.kind == NO_PIXEL:
    return line
  where = f"columns {left} to {right - 1}, rows {top} to {bottom - 1}"
  return f"{line}, {problem.pixels} of {problem.area} pixels, {where}"


def save(report: Report, folder: Path, stem: str, names: Names) -> None:
  """Writes the report as `STEM.json` and `STEM.txt` into a folder."""
  content = json.dumps(report.to_json(), ensure_ascii=False, indent=1)
  write_text(folder / f"{stem}.json", content)
  write_text(folder / f"{stem}.txt", report.text(names))


def is_worth_a_picture(composed: Composed) -> bool:
  """Returns whether there is more than objects that lie partly below others."""
  return any(problem.kind not in (COVERED, NO_PIXEL) for problem in composed.problems)


def draw(
  pixels: UInt8[np.ndarray, "H W 3"], places: UInt8[np.ndarray, "H W"], problems: list[Problem]
) -> Image.Image:
  """Returns a picture of the places: the photo in grey, problems in colours, and a legend.

  Args:
    pixels: the photo.
    places: as in `Composed`, on the photo.
    problems: of the image, for the legend.
  """
  grey = pixels.mean(-1, keepdims=True) * 0.5 + 40
  shown = np.repeat(grey, 3, axis=-1).astype(np.uint8)
  for number, color in enumerate(_COLORS, start=1):
    shown[places == number] = color
  picture = Image.fromarray(shown)
  picture.thumbnail((_LONGEST, _LONGEST), Image.Resampling.BOX)
  _frame(picture, problems, picture.width / pixels.shape[1])
  lines = [(kind, _names_of(kind, problems)) for kind in KINDS]
  lines = [(kind, text) for kind, text in lines if text]
  width = max(picture.width, 480)
  sheet = Image.new("RGB", (width, picture.height + _LINE * len(lines) + 6), (20, 20, 20))
  sheet.paste(picture, (0, 0))
  pen = ImageDraw.Draw(sheet)
  for row, (kind, text) in enumerate(lines):
    top = picture.height + 3 + row * _LINE
    color = _COLORS[KINDS.index(kind)]
    pen.rectangle([3, top + 2, 12, top + 11], fill=color)
    lettering.line(f"{kind}: {text}", _TEXT).write(pen, (18, top), fill=(235, 235, 235))
  return sheet


def _frame(picture: Image.Image, problems: list[Problem], scale: float) -> None:
  """Draws a frame around each place, so that a few pixels are seen too."""
  pen = ImageDraw.Draw(picture)
  for problem in problems:
    if problem.kind not in (COVERED, NO_PIXEL):
      left, top, right, bottom = (round(edge * scale) for edge in problem.box)
      frame = [left - _MARGIN, top - _MARGIN, right + _MARGIN - 1, bottom + _MARGIN - 1]
      pen.rectangle(frame, outline=_COLORS[KINDS.index(problem.kind)])


def _names_of(kind: str, problems: list[Problem]) -> str:
  """Returns the names of the regions with a problem."""
  named = Counter(problem.name for problem in problems if problem.kind == kind)
  return ", ".join(f"{name} x{count}" for name, count in named.most_common(6))


def save_picture(path: Path, picture: Image.Image) -> None:
  """Writes a picture as JPEG."""
  write_image(path, picture, format="JPEG", quality=88)
