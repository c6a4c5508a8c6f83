"""An image of any size to panoptic parts, by joint fusion."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, Int

from jppf_jax import build
from jppf_jax.config_rules import ConfigError
from jppf_jax.evaluation.frames import Frame
from jppf_jax.evaluation.kept import Kept
from jppf_jax.evaluation.program import Program
from jppf_jax.evaluation.together import NO_OTHERS, Source, load
from jppf_jax.fusion.config import FusionConfig, Zoom
from jppf_jax.fusion.efficientps import efficientps_fusion
from jppf_jax.fusion.joint import joint_fusion
from jppf_jax.labels.resample import nearest
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.ops.boxes import ImageSize
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
  """Segments images: network and joint fusion, nothing else. See `Program` for its arguments.

  A network without a part head is fused as EfficientPS does; parts of classes that have several are
  unknown (255).
  """

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
      detections: Detections | None,
      covered: Array,
      zoom: Array | None,
    ) -> PanopticParts:
      assert detections is not None  # `load_predictor` has seen to it
      settings: dict[str, Any] = {
        "spec": self.spec,
        "size": size,
        "covered": covered,
        "zoom": zoom,
        "config": self.config,
        "legacy": self.model.legacy,
      }
      if not part.shape[-1]:
        return panoptic_fusion(semantic, detections, **settings)
      return joint_fusion(semantic, part, detections, **settings)

    return jax.vmap(one)(outputs.semantic, outputs.part, found_by(outputs), covered, zoom)

  def restore(self, answer: PanopticParts, frame: Frame) -> PanopticParts:
    """Returns the answer at the size of the image; see `Program.restore`."""
    return restore_parts(answer, frame)


def panoptic_fusion(
  semantic: Array | LogitViews,
  detections: Detections,
  *,
  spec: LabelSpec,
  size: tuple[int, int],
  covered: ImageSize | None,
  zoom: Zoom,
  config: FusionConfig,
  legacy: bool,
) -> PanopticParts:
  """Returns EfficientPS's fusion of one image, with what it shares of the settings of joint fusion.

  Args:
    semantic: raw logits, stride 4.
    detections: of this image.
    spec: the taxonomy; this and the rest as in `efficientps.efficientps_fusion`.
    size: height and width of the result.
    covered: rows and columns of it that the image covers.
    zoom: pixels of the result per pixel of the network.
    config: settings of the fusions.
    legacy: of the model.
  """
  return efficientps_fusion(
    semantic,
    detections,
    spec=spec,
    size=size,
    covered=covered,
    zoom=zoom,
    score_threshold=config.score_threshold,
    overlap_threshold=config.overlap_threshold,
    min_stuff_area=config.min_stuff_area,
    min_stuff_relative=config.min_stuff_relative,
    box_margin=config.box_margin,
    legacy=legacy,
  )


def found_by(outputs: Outputs | AveragedOutputs) -> Detections | None:
  """Returns the detections of a network in inference; None if it has no instance head.

  Raises:
    ValueError: the outputs are those of training, which have none.
  """
  if outputs.detections is None and isinstance(outputs, Outputs) and outputs.rpn is not None:
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
  config: build.Config,
  weights: str | Path,
  kept: Kept | None = None,
  *,
  others: Mapping[str, Source] = NO_OTHERS,
) -> Predictor:
  """Returns a predictor with the weights of a file, e.g. `runs/x/weights.safetensors`.

  Args:
    config: of the run that made the weights.
    weights: the file.
    kept: what earlier starts have traced, see `Program`.
    others: networks that give a head in place of this one, see `together.load`.

  Raises:
    WeightsError: there is no such file.
    WeightsError: the weights do not fit the config's network, or were made for another taxonomy.
    ConfigError: there is no semantic or no instance head.
    ConfigError: the other networks do not fit to this one.
  """
  loaded = load(config, weights, others, kept)
  _check_heads(weights, loaded.model.heads)
  network = loaded.inference
  return Predictor(
    loaded.model,
    loaded.variables,
    network.spec,
    size=network.size,
    config=network.fusion,
    testing=network.testing,
    kept=kept,
  )


def _check_heads(weights: str | Path, heads: tuple[str, ...]) -> None:
  """Raises ConfigError if heads are missing without which no image can be segmented."""
  missing = [head for head in ("semantic", "instance") if head not in heads]
  if not missing:
    return
  todo = "add a run that has one with --instance_workdir=DIR"
  if "semantic" in missing:
    todo = f"name a run that has them with --workdir=DIR and this one with --{heads[0]}_workdir=DIR"
  raise ConfigError(
    f"{weights} has no {' and no '.join(missing)} head, which segmenting an image needs: {todo}; "
    "`jppf evaluate` scores the heads that there are."
  )
