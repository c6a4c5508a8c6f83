"""What both fusions would answer if something were different: the network sees an image once, its
outputs are fused for each variant.
"""

import dataclasses
import functools
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Int, UInt8
from tqdm import tqdm

from jppf_jax.config_rules import ConfigError
from jppf_jax.evaluation.compare import Comparison, Prediction, fuse_both
from jppf_jax.evaluation.dataset_scores import DatasetScores
from jppf_jax.evaluation.frames import Frame, frame_of
from jppf_jax.fusion.config import FusionConfig
from jppf_jax.input_pipeline.read import Examples
from jppf_jax.structs import Array, Outputs

_V = TypeVar("_V", bound="Variants")
Report = dict[str, dict[str, Any]]  # name of a variant -> method -> its scores


class Variants(Comparison):
  """Predicts images in several variants. See `Program` for its arguments.

  Subclasses say which variants there are, and what is different in each.
  """

  @classmethod
  def of(cls: type[_V], comparison: Comparison) -> _V:
    """Returns the variants of a network.

    Raises:
      ConfigError: there is nothing to fuse, or the network sees an image several times.
    """
    if not {"semantic", "instance"} <= set(comparison.model.heads):
      heads = ", ".join(comparison.model.heads)
      raise ConfigError(
        "--oracle and --readings need a semantic and an instance head to fuse; "
        f"this network has only {heads}."
      )
    if not comparison.testing.is_single:
      raise ConfigError(
        "--oracle and --readings need a network that sees each image once: no --scales, no --flip, "
        f"testing.scales=1; this one is {comparison.testing}."
      )
    return cls(
      comparison.model,
      comparison.variables,
      comparison.spec,
      size=comparison.size,
      config=dataclasses.replace(comparison.config, fill_void=False),
    )

  @abstractmethod
  def variants(
    self,
    outputs: Outputs,
    image: UInt8[np.ndarray, "H W 3"],
    uids: Int[np.ndarray, "H W"],
    frame: Frame,
  ) -> dict[str, tuple[Outputs, FusionConfig]]:
    """Returns what each variant fuses, and how, by name and in the order of their table.

    Args:
      outputs: of the network for this image, a batch of one.
      image: RGB.
      uids: its labels.
      frame: of the image.
    """

  def answers(
    self, image: UInt8[np.ndarray, "H W 3"], uids: Int[np.ndarray, "H W"]
  ) -> Iterator[tuple[str, Prediction]]:
    """Yields the name of each variant and what both fusions answer for one image.

    One after the other, because all answers at the size of a large photo would fill the memory.

    Args:
      image: RGB.
      uids: its labels.
    """
    frame = frame_of(uids.shape, self.size)
    _, canvas = frame.program
    fitted, covered = self._fitted([image], [frame])
    answered = np.array([frame.answered], np.int32)
    outputs = self._predicted(self.variables, fitted, covered)
    for name, (mixed, config) in self.variants(outputs, image, uids, frame).items():
      fused = self._fused(mixed, covered, answered, canvas=canvas or frame.size, config=config)
      row = jax.tree.map(lambda x: x[0], jax.device_get(fused))
      yield name, _without_void(self.restore(row, frame))

  @functools.cached_property
  def _predicted(self) -> Callable[..., Outputs]:
    """The network, compiled: outputs for a batch in its frame."""

    def predict(variables: Any, image: Array, covered: Array) -> Outputs:
      padded = self._padded(image)
      return cast(Outputs, self.model.apply(variables, padded, train=False, covered=covered))

    return jax.jit(predict)

  @functools.cached_property
  def _fused(self) -> Callable[..., Prediction]:
    """Both fusions, compiled for each config."""

    def fuse(
      outputs: Outputs,
      covered: Array,
      answered: Array,
      canvas: tuple[int, int],
      config: FusionConfig,
    ) -> Prediction:
      return fuse_both(
        outputs,
        spec=self.spec,
        size=canvas,
        config=config,
        covered=answered,
        zoom=(answered / covered).astype(jnp.float32),
        legacy=self.model.legacy,
      )

    return jax.jit(fuse, static_argnames=("canvas", "config"))


def _without_void(found: Prediction) -> Prediction:
  """Returns a prediction whose fusions are those that were filled, if any were."""
  return dataclasses.replace(
    found,
    joint=found.joint_filled or found.joint,
    top_down=found.top_down_filled or found.top_down,
    joint_filled=None,
    top_down_filled=None,
  )


def score_variants(
  variants: Variants,
  examples: Examples,
  indices: Sequence[int] | None = None,
  *,
  title: str = "",
) -> Report:
  """Returns the scores of the fusions by variant, then as in `DatasetScores.report`.

  Args:
    variants: of a network.
    examples: images with their uids.
    indices: which of them; None: all.
    title: shown beside the progress bar.
  """
  spec = variants.spec
  counted: dict[str, DatasetScores] = {}
  every = range(len(examples)) if indices is None else indices
  bar = tqdm(every, title, unit="image")
  for index in bar:
    example = examples[index]
    truth = spec.decode(example["uids"])
    for name, answer in variants.answers(example["image"], example["uids"]):
      bar.set_postfix_str(name)  # the first image takes minutes: each variant is compiled
      fusions = dataclasses.replace(answer, semantic=None, part=None, detections=None)
      if name not in counted:
        counted[name] = DatasetScores(spec, min_score=variants.config.score_threshold)
      counted[name].add(example["image_id"], example["uids"], truth, fusions, seconds=0.0)
  return {name: _of_fusions(scores.report()) for name, scores in counted.items()}


def _of_fusions(report: dict[str, Any]) -> dict[str, Any]:
  """Returns the scores of the methods in a report."""
  return {
    name: scores for name, scores in report.items() if isinstance(scores, dict) and "pq" in scores
  }
