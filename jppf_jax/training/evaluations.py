"""Evaluation while a run trains: exact scores, the best weights, and an early end."""

import dataclasses
import functools
import json
import shutil
from pathlib import Path

import jax

from jppf_jax import build
from jppf_jax.checkpoints.weights import load_weights
from jppf_jax.evaluation.compare import Comparison, load_comparison
from jppf_jax.evaluation.evaluate import count_dataset, number_at, results_folder
from jppf_jax.input_pipeline.read import Examples
from jppf_jax.saving import whole_file
from jppf_jax.training.hosts import gathered
from jppf_jax.training.writers import METRICS

_PREFIX = "evaluation/"  # of the names of scores among the metrics
IMAGES = "evaluation_images"  # the name of their number there
_SCORES = {  # where a report has them; the first that it has says which weights are best
  "part_pq": ("joint", "part_pq", "all", "part_pq"),
  "pq": ("panoptic", "pq", "all", "pq"),
  "part_pq_parts": ("joint", "part_pq", "parts", "part_pq"),
  "semantic_miou": ("heads", "semantic_miou"),
  "part_miou": ("heads", "part_miou"),
  "instance_ap": ("heads", "instance_ap", "ap"),
}


@dataclasses.dataclass(frozen=True)
class Schedule:
  """When a run is evaluated, and what that decides.

  Attributes:
    every: steps between two evaluations; 0: there are none.
    images: of the config's `eval_split` to score, from the first; 0: all.
    patience: so many evaluations in a row without a better score end the run; 0: none does.

  Raises:
    ValueError: there are no evaluations, but `images` or `patience` are given.
  """

  every: int = 0
  images: int = 0
  patience: int = 0

  def __post_init__(self):
    if not self.every and (self.images or self.patience):
      raise ValueError(
        "config.train.evaluate_images and config.train.patience need evaluations: set "
        f"config.train.evaluate_every; got {self.every}."
      )


class Evaluations:
  """The evaluations of a run; those before it was resumed are read from its metrics.

  Scores on another number of images than now are not compared with: they may be better only because
  other images count.

  Args:
    config: of the run.
    workdir: the folder of the run.
    schedule: when to evaluate.
    until: the step that the run is at; later evaluations do not count.

  Raises:
    FileNotFoundError: the dataset is not built.
    ValueError: it has no such split.
  """

  def __init__(self, config: build.Config, workdir: Path, schedule: Schedule, *, until: int):
    self._workdir, self._schedule = workdir, schedule
    self._load = functools.partial(load_comparison, config)
    self._scores: dict[int, float] = {}
    self._network: Comparison | None = None
    self._examples: Examples | None = None
    if schedule.every:  # a split that is missing is found now, not after a thousand steps
      self._examples = build.examples(config, build.eval_split(config))
      self._scores = dict(_written(workdir / METRICS, until, self.images))

  @property
  def images(self) -> int:
    """How many images an evaluation scores; 0 without a schedule."""
    if self._examples is None:
      return 0
    return min(self._schedule.images or len(self._examples), len(self._examples))

  def due(self, step: int) -> bool:
    """Returns whether the weights of a step are to be scored and are not yet."""
    every = self._schedule.every
    return every > 0 and step > 0 and step % every == 0 and step not in self._scores

  def score(self, step: int, weights: Path) -> dict[str, float]:
    """Returns the scores of weights, by the names of the metrics; those that there are.

    Each process predicts its share of the images; all must call it together. The best weights so
    far are kept as `weights_best.safetensors` in the folder of the run.

    Args:
      step: that made them.
      weights: their file.

    Raises:
      OSError: the folder of the run cannot be written to.
    """
    assert self._examples is not None, "nothing is due without a schedule"
    if self._network is None:
      self._network = self._load(weights)
    else:
      variables = load_weights(weights, self._network.variables)
      self._network = self._network.with_variables(variables)
    share = range(jax.process_index(), self.images, jax.process_count())
    counted, *others = gathered(
      count_dataset(
        self._network, self._examples, self.folder(step), share, pictures=1, title=f"{step}"
      )
    )
    for other in others:
      counted.merge(other)
    report = counted.report()
    found = {name: number_at(report, keys) for name, keys in _SCORES.items()}
    scores = {f"{_PREFIX}{name}": value for name, value in found.items() if value is not None}
    if scores:
      best, self._scores[step] = self.best(), next(iter(scores.values()))
      better = best is None or self._scores[step] > self._scores[best]
      if better and jax.process_index() == 0:
        with whole_file(self._workdir / build.WEIGHTS_OF_RUN["best"]) as file:
          shutil.copyfile(weights, file)
    return scores

  def folder(self, step: int) -> Path:
    """Returns where the picture of an evaluation is: predictions beside the ground truth."""
    return results_folder(self._workdir, "training") / f"step_{step}"

  def best(self) -> int | None:
    """Returns the step with the best score, the first of equal ones; None without any."""
    return max(self._scores, key=lambda step: (self._scores[step], -step), default=None)

  def exhausted(self) -> bool:
    """Returns whether the run is to end, for lack of a better score."""
    best, patience = self.best(), self._schedule.patience
    if not patience or best is None:
      return False
    return sum(step > best for step in self._scores) >= patience


def _written(metrics: Path, until: int, images: int) -> list[tuple[int, float]]:
  """Returns step and deciding score of the evaluations in a file of metrics, if there is one.

  Args:
    metrics: the file.
    until: later steps are left out.
    images: evaluations of another number of images are left out; older files do not say it.
  """
  found = []
  for line in metrics.read_text().splitlines() if metrics.exists() else ():
    try:
      values = json.loads(line)
    except json.JSONDecodeError:  # a killed run may end in half a line
      continue
    scores = [value for name, value in values.items() if name.startswith(_PREFIX)]
    if scores and values["step"] <= until and values.get(IMAGES, images) == images:
      found.append((values["step"], scores[0]))
  return found
