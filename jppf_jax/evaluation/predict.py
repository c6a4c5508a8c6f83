"""An image of any size to panoptic parts, by joint fusion."""

from functools import partial
from pathlib import Path

import jax
import numpy as np
from jaxtyping import Float, Int

from jppf_jax import build
from jppf_jax.checkpoints.weights import load_weights
from jppf_jax.evaluation.frames import Frame
from jppf_jax.evaluation.kept import Kept
from jppf_jax.evaluation.program import Program
from jppf_jax.fusion.joint import joint_fusion
from jppf_jax.labels.resample import nearest
from jppf_jax.structs import (
  Array,
  AveragedOutputs,
  Detections,
  LogitViews,
  Outputs,
  PanopticParts,
  Segments,
)


class Predictor(Program[PanopticParts]):
  """Segments images: network and joint fusion, nothing else. See `Program` for its arguments."""

  def answer(
    self,
    outputs: Outputs | AveragedOutputs,
    size: tuple[int, int],
    covered: Int[Array, "B 2"],
    zoom: Float[Array, "B 2"] | None,
  ) -> PanopticParts:
    """Fuses the heads; see `Program.answer`."""

    def one(
      semantic: Array | LogitViews,
      part: Array | LogitViews,
      detections: Detections,
      covered: Array,
      zoom: Array | None,
    ) -> PanopticParts:
      return joint_fusion(
        semantic,
        part,
        detections,
        spec=self.spec,
        size=size,
        covered=covered,
        zoom=zoom,
        config=self.config,
        legacy=self.model.legacy,
      )

    return jax.vmap(one)(outputs.semantic, outputs.part, found_by(outputs), covered, zoom)

  def restore(self, answer: PanopticParts, frame: Frame) -> PanopticParts:
    """Returns the answer at the size of the image; see `Program.restore`."""
    return restore_parts(answer, frame)


def found_by(outputs: Outputs | AveragedOutputs) -> Detections:
  """Returns the detections of a network in inference.

  Raises:
    ValueError: the outputs are those of training, which have none.
  """
  if outputs.detections is None:
    raise ValueError("Fusion needs detections; call the model with train=False.")
  return outputs.detections


def restore_map(ids: Int[Array, "h w"], frame: Frame) -> Int[np.ndarray, "H W"]:
  """Crops the part of an id map that the image covers, and scales it to the image's own size."""
  rows, columns = frame.answered
  return nearest(np.asarray(ids)[:rows, :columns], frame.image)


def restore_parts(found: PanopticParts, frame: Frame) -> PanopticParts:
  """Restores the three maps of a fusion's answer, and counts the segments in them."""
  instance = restore_map(found.instance, frame)
  return PanopticParts(
    semantic=restore_map(found.semantic, frame),
    instance=instance,
    part=restore_map(found.part, frame),
    segments=_recounted(found.segments, instance),
  )


def _recounted(segments: Segments, instance: Int[np.ndarray, "H W"]) -> Segments:
  """Returns the table of segments with the areas in this map; empty ones are not valid."""
  pixels = np.bincount(instance.ravel(), minlength=1 + len(segments.areas))
  areas = pixels[1:].astype(np.int32)
  valid = areas > 0
  return Segments(
    labels=np.where(valid, segments.labels, 0),
    scores=np.where(valid, segments.scores, 0),
    areas=areas,
    valid=valid,
  )


def load_predictor(
  config: build.Config, weights: str | Path, kept: Kept | None = None
) -> Predictor:
  """Returns a predictor with the weights of a file, e.g. `runs/x/weights.safetensors`.

  Args:
    config: of the run that made the weights.
    weights: the file.
    kept: what earlier starts have traced, see `Program`.

  Raises:
    WeightsError: there is no such file.
    WeightsError: the weights do not fit the config's network, or were made for another taxonomy.
  """
  network = build.inference(config)
  model = network.model
  shapes_of = partial(build.variable_shapes, model)
  shapes = shapes_of() if kept is None else kept.shapes(shapes_of, repr(model))
  variables = load_weights(weights, shapes, network.meaning)
  return Predictor(
    model,
    variables,
    network.spec,
    size=network.size,
    config=network.fusion,
    testing=network.testing,
    kept=kept,
  )
