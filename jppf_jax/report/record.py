"""What a report shows of an evaluation, written while it runs: a small photo, label maps and
segments of each image, and at the end what they add up to.

`images/<id>.npz` of an image holds its photo (a JPEG), for the ground truth ("truth") and for each
method a map of region numbers, and "about", JSON: the regions and the segments of each map. Both
are made smaller, to at most `SIDE` pixels; the counts are those of the full size. `analysis.json`
has the names and colours of the taxonomy, confusion matrices, and all segments as columns.
"""

import io
import json
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int, Integer, UInt8
from PIL import Image

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.metrics.cells import Cells
from jppf_jax.metrics.scores import Scores
from jppf_jax.report import maps
from jppf_jax.report.maps import rounded
from jppf_jax.report.segments import Segments, compared
from jppf_jax.saving import whole_file, write_text

SIDE = 1024  # of the stored pictures and maps, pixels
ANALYSIS = "analysis.json"
TRUTH = "truth"
_QUALITY = 85  # of JPEG

Columns = dict[str, list[Any]]


class Answer(NamedTuple):
  """A prediction for an image.

  Attributes:
    channels: scene id, instance and evaluation pid.
    cells: compared with the ground truth.
    scores: of instance n at n - 1; None if there are none.
  """

  channels: Integer[np.ndarray, "H W 3"]
  cells: Cells
  scores: Float[np.ndarray, " D"] | None = None


class Recorder:
  """Writes the record of an evaluation into a folder. Files are written beside other work.

  Args:
    folder: of the scores.
    spec: the taxonomy.

  Attributes:
    images: ids of the images that were added.
  """

  def __init__(self, folder: Path, spec: LabelSpec):
    self._folder, self._spec = folder, spec
    self.images: list[str] = []
    self._truth: dict[str, Columns] = {}
    self._predicted: dict[str, Columns] = {}
    self._pool = ThreadPoolExecutor(1)
    self._writing: Future[None] | None = None

  def add(
    self,
    image_id: str,
    photo: UInt8[np.ndarray, "H W 3"] | None,
    uids: Int[np.ndarray, "H W"],
    answers: Mapping[str, Answer],
  ) -> None:
    """Adds an image.

    Args:
      image_id: its name.
      photo: None if there is none.
      uids: ground truth as in the label files.
      answers: by the name of the method; nothing is recorded without one.

    Raises:
      OSError: the image before could not be written.
    """
    if not answers:
      return
    height, width = uids.shape
    size = reduced(height, width, SIDE)
    numbers, meanings = {}, {}
    for method, answer in answers.items():
      truth, predicted = compared(answer.cells, self._spec)
      _extend(self._truth.setdefault(method, {}), truth)
      scores = _scores(predicted, answer.scores)
      _extend(self._predicted.setdefault(method, {}), predicted, score=scores)
      if TRUTH not in numbers:
        drawn = maps.of_truth(uids, size, truth, answer.cells, self._spec)
        numbers[TRUTH], meanings[TRUTH] = drawn
      drawn = maps.of_prediction(answer.channels, size, predicted, scores, self._spec)
      numbers[method], found = drawn
      missed = zip(truth.outcomes, rounded(truth.ious), truth.matches.tolist())
      meanings[method] = found | {"truth": list(map(list, missed))}
    about = {"size": [height, width], "maps": meanings}
    self.images.append(image_id)
    self._wait()
    path = image_file(self._folder, image_id)
    self._writing = self._pool.submit(_write, path, photo, size, numbers, about)

  def save(self, scores: Mapping[str, Scores]) -> None:
    """Writes `analysis.json` once all images are written.

    Args:
      scores: of the same images, by the name of the method.

    Raises:
      OSError: something could not be written.
    """
    self._wait()
    self._pool.shutdown()
    methods = {
      method: {
        "confusion": scores[method].semantic.confusion.tolist(),
        "part_confusion": scores[method].parts.confusion.tolist(),
        "truth": self._truth[method],
        "predicted": self._predicted[method],
      }
      for method in self._truth
    }
    content = {"spec": taxonomy(self._spec), "methods": methods, "images": self.images}
    write_text(self._folder / ANALYSIS, json.dumps(content, separators=(",", ":")))

  def _wait(self) -> None:
    if self._writing is not None:
      self._writing.result()
      self._writing = None


def image_file(folder: Path, image_id: str) -> Path:
  """Returns where the record of an image is."""
  return folder / "images" / f"{image_id}.npz"


def reduced(height: int, width: int, side: int) -> tuple[int, int]:
  """Returns a size of the same shape whose longer side has at most `side` pixels."""
  scale = min(1, side / max(height, width))
  return max(1, round(height * scale)), max(1, round(width * scale))


def taxonomy(spec: LabelSpec) -> dict[str, Any]:
  """Returns the names and colours of a label spec as JSON values."""
  classes = [
    {"name": name, "color": color, "thing": index >= spec.num_stuff}
    for index, (name, color) in enumerate(zip(spec.class_names, spec.colors.tolist()))
  ]
  pairs = zip(spec.part_names, spec.part_colors.tolist())
  parts = [{"name": name, "color": color} for name, color in pairs]
  return {"name": spec.name, "classes": classes, "parts": parts}


def _extend(columns: Columns, found: Segments, **others: list[Any]) -> None:
  """Appends segments to columns."""
  new = {
    "class": found.classes.tolist(),
    "area": found.areas.tolist(),
    "iou": rounded(found.ious),
    "outcome": found.outcomes,
    **others,
  }
  for name, values in new.items():
    columns.setdefault(name, []).extend(values)


def _scores(predicted: Segments, scores: Float[np.ndarray, " D"] | None) -> list[float | None]:
  """Returns the score of each predicted segment; None for stuff."""
  if scores is None:
    return [None] * len(predicted.instances)
  values = rounded(scores)
  numbers = predicted.instances.tolist()
  return [values[number - 1] if 0 < number <= len(values) else None for number in numbers]


def _write(
  path: Path,
  photo: UInt8[np.ndarray, "H W 3"] | None,
  size: tuple[int, int],
  numbers: dict[str, Integer[np.ndarray, "h w"]],
  about: dict[str, Any],
) -> None:
  """Writes the record of an image."""
  text = np.frombuffer(json.dumps(about).encode(), np.uint8)
  arrays = {**numbers, "about": text}
  if photo is not None:
    arrays["photo"] = np.frombuffer(jpeg(Image.fromarray(photo), size), np.uint8)
  with whole_file(path) as partial, partial.open("wb") as file:
    np.savez_compressed(file, allow_pickle=False, **arrays)


def jpeg(photo: Image.Image, size: tuple[int, int], quality: int = _QUALITY) -> bytes:
  """Returns a photo as JPEG, scaled to a size (height, width)."""
  height, width = size
  scaled = photo.resize((width, height), Image.Resampling.BOX, reducing_gap=2.0)
  content = io.BytesIO()
  scaled.save(content, "JPEG", quality=quality)
  return content.getvalue()
