"""What is counted over the images of a dataset; counts of several processes add up."""

from typing import Any

import numpy as np
from jaxtyping import Int

from jppf_jax.evaluation.compare import Prediction
from jppf_jax.evaluation.head_scores import HeadScores
from jppf_jax.labels.spec import Decoded, LabelSpec
from jppf_jax.metrics.cells import count_cells
from jppf_jax.metrics.scores import Scores, score_cells
from jppf_jax.report.record import Answer
from jppf_jax.report.rows import METHODS
from jppf_jax.structs import PanopticParts
from jppf_jax.visualization import render

_OF_PARTS = ("part_pq", "part_miou", "per_part", "density")  # without a part head: left out


class DatasetScores:
  """Scores of all methods, and of the heads before fusion. Starts empty; `add` takes an image,
  `merge` another state.

  Args:
    spec: the taxonomy.
    min_score: the fusions take detections with a larger score.
  """

  def __init__(self, spec: LabelSpec, *, min_score: float):
    self.spec = spec
    self.methods: dict[str, Scores] = {}
    self.heads = HeadScores(spec, min_score=min_score)
    self.images = 0
    self.seconds: list[float] = []  # an image; without the first, which compiles

  def add(
    self,
    image_id: str,
    uids: Int[np.ndarray, "H W"],
    truth: Decoded,
    prediction: Prediction,
    *,
    seconds: float,
  ) -> dict[str, Answer]:
    """Adds an image; returns the answer of each method, and how it was compared.

    Args:
      image_id: its name.
      uids: ground truth as in the label files.
      truth: the same, decoded.
      prediction: at the size of the ground truth.
      seconds: that it took.
    """
    self.heads.add(image_id, uids, truth, prediction)
    compared = {}
    for name, answer in by_method(prediction).items():
      channels = self.spec.to_channels(*render.label_maps(answer))
      cells = count_cells(self.spec, uids, channels)
      scores = self.methods.setdefault(name, Scores(self.spec))
      scores.add_score(image_id, score_cells(self.spec, cells))
      compared[name] = Answer(channels, cells, np.asarray(answer.segments.scores))
    if self.images:
      self.seconds.append(seconds)
    self.images += 1
    return compared

  def merge(self, other: "DatasetScores") -> None:
    """Adds the images of another state.

    Raises:
      ValueError: an image is in both.
      ValueError: the states use different label specs.
    """
    for name, scores in other.methods.items():
      self.methods.setdefault(name, Scores(self.spec)).merge(scores)
    self.heads.merge(other.heads)
    self.images += other.images
    self.seconds += other.seconds

  def report(self) -> dict[str, Any]:
    """Returns `{"images", "joint": scores, "top_down": scores, "heads", "seconds_per_image"}`.

    Scores are those of `Scores.to_json`, `heads` those of `HeadScores.to_json`. Without a part head
    there is "panoptic" in place of both fusions, without scores of parts; with only a semantic
    head, a part head or an instance head there is none. The seconds are the median, None for a
    single image.
    """
    report: dict[str, Any] = {"images": self.images}
    report |= {name: self.methods[name].to_json() for name in METHODS if name in self.methods}
    if "panoptic" in report:
      report["panoptic"] = _without_parts(report["panoptic"])
    median = float(np.median(self.seconds)) if self.seconds else None
    return report | {"heads": self.heads.to_json(), "seconds_per_image": median}


def by_method(prediction: Prediction) -> dict[str, PanopticParts]:
  """Returns the answer of each of `METHODS` that the prediction has."""
  found = {name: getattr(prediction, name) for name in METHODS}
  return {name: answer for name, answer in found.items() if answer is not None}


def _without_parts(scores: dict[str, Any]) -> dict[str, Any]:
  """Returns the scores without those that compare parts: here all parts are unknown."""
  kept = {name: value for name, value in scores.items() if name not in _OF_PARTS}
  classes = [{k: v for k, v in row.items() if k != "part_pq"} for row in scores["per_class"]]
  return kept | {"density": {"full": scores["density"]["scene_only"]}, "per_class": classes}
