"""All that evaluation compares: both fusions, and each head before fusion."""

import dataclasses
from pathlib import Path

import jax
from jaxtyping import Float, Int

from jppf_jax import build
from jppf_jax.evaluation.frames import Frame
from jppf_jax.evaluation.instances import in_image
from jppf_jax.evaluation.predict import (
  found_by,
  load_predictor,
  restore_map,
  restore_parts,
)
from jppf_jax.evaluation.program import Program
from jppf_jax.fusion.config import FusionConfig
from jppf_jax.fusion.efficientps import efficientps_fusion
from jppf_jax.fusion.fill import fill_void
from jppf_jax.fusion.joint import joint_fusion
from jppf_jax.fusion.top_down import class_map, part_map, top_down_merge
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import (
  Array,
  AveragedOutputs,
  Detections,
  LogitViews,
  Outputs,
  PanopticParts,
  struct,
)


@struct
class Prediction:
  """Predictions for an image (or a batch): of both fusions, and of each head alone.

  Attributes:
    joint: of joint fusion.
    top_down: of EfficientPS fusion and top-down merging.
    semantic: of the semantic head alone, train ids.
    part: of the part head alone, part channels (0 = any background).
    detections: of the instance head alone; `instances.instance_masks` gives their masks.
    joint_filled: as `joint`, without void; None unless `FusionConfig.fill_void`.
    top_down_filled: as `top_down`, without void; None unless `FusionConfig.fill_void`.
  """

  joint: PanopticParts
  top_down: PanopticParts
  semantic: Int[Array, "*B H W"]
  part: Int[Array, "*B H W"]
  detections: Detections
  joint_filled: PanopticParts | None = None
  top_down_filled: PanopticParts | None = None


def fuse_both(
  outputs: Outputs | AveragedOutputs,
  *,
  spec: LabelSpec,
  size: tuple[int, int],
  config: FusionConfig,
  covered: Int[Array, "B 2"] | None = None,
  zoom: Float[Array, "B 2"] | None = None,
  legacy: bool = True,
) -> Prediction:
  """Returns both fusions and the heads alone, for a batch.

  With `config.fill_void` it returns both fusions without filling, and with it.

  Nothing outside of an image influences a pixel inside.

  Args:
    outputs: of the network in inference.
    spec: the taxonomy.
    size: height and width of the results; the padded image is cut at the bottom and at the right.
    config: settings of the fusions.
    covered: rows and columns of the results that each image covers, from the top left. None: all.
    zoom: pixels of the results per pixel of the network, rows and columns. None: 1.
    legacy: of the model, see `ops.masks.paste_weights`.

  Raises:
    ValueError: the outputs are those of training, which have no detections.
  """

  def one(
    semantic: Array | LogitViews,
    part: Array | LogitViews,
    detections: Detections,
    covered: Array | None,
    zoom: Array | None,
  ) -> Prediction:
    parts = part_map(part, spec=spec, size=size, covered=covered, zoom=zoom)
    joint = joint_fusion(
      semantic,
      part,
      detections,
      spec=spec,
      size=size,
      covered=covered,
      zoom=zoom,
      config=dataclasses.replace(config, fill_void=False),
      legacy=legacy,
    )
    panoptic = efficientps_fusion(
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
    top_down = top_down_merge(panoptic, parts, spec=spec)
    classes = class_map(semantic, size=size, covered=covered, zoom=zoom)
    if not config.fill_void:
      return Prediction(joint, top_down, classes, parts, detections)
    filled = (
      fill_void(
        found,
        semantic,
        part,
        detections,
        spec=spec,
        covered=covered,
        zoom=zoom,
        legacy=legacy,
      )
      for found in (joint, top_down)
    )
    return Prediction(joint, top_down, classes, parts, detections, *filled)

  return jax.vmap(one)(outputs.semantic, outputs.part, found_by(outputs), covered, zoom)


class Comparison(Program[Prediction]):
  """Predicts images in all ways that are compared. See `Program` for its arguments."""

  def answer(
    self,
    outputs: Outputs | AveragedOutputs,
    size: tuple[int, int],
    covered: Int[Array, "B 2"],
    zoom: Float[Array, "B 2"] | None,
  ) -> Prediction:
    """Fuses the heads both ways; see `Program.answer`."""
    return fuse_both(
      outputs,
      spec=self.spec,
      size=size,
      config=self.config,
      covered=covered,
      zoom=zoom,
      legacy=self.model.legacy,
    )

  def restore(self, answer: Prediction, frame: Frame) -> Prediction:
    """Returns all predictions at the size of the image; see `Program.restore`."""
    filled = answer.joint_filled, answer.top_down_filled
    joint_filled, top_down_filled = (found and restore_parts(found, frame) for found in filled)
    return Prediction(
      joint=restore_parts(answer.joint, frame),
      top_down=restore_parts(answer.top_down, frame),
      semantic=restore_map(answer.semantic, frame),
      part=restore_map(answer.part, frame),
      detections=in_image(answer.detections, frame.covered, frame.image),
      joint_filled=joint_filled,
      top_down_filled=top_down_filled,
    )


def load_comparison(config: build.Config, weights: str | Path) -> Comparison:
  """Returns a `Comparison` with the weights of a file; as `predict.load_predictor`."""
  loaded = load_predictor(config, weights)
  return Comparison(
    loaded.model,
    loaded.variables,
    loaded.spec,
    size=loaded.size,
    config=loaded.config,
    testing=loaded.testing,
  )
