"""All that evaluation compares: both fusions, and each head before fusion."""

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
from jppf_jax.fusion.joint import joint_fusion
from jppf_jax.fusion.top_down import class_map, part_map, top_down_merge
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import Array, Detections, Outputs, PanopticParts, struct


@struct
class Prediction:
  """Predictions for an image (or a batch): of both fusions, and of each head alone.

  Attributes:
    joint: of joint fusion.
    top_down: of EfficientPS fusion and top-down merging.
    semantic: of the semantic head alone, train ids.
    part: of the part head alone, part channels (0 = any background).
    detections: of the instance head alone; `instances.instance_masks` gives their masks.
  """

  joint: PanopticParts
  top_down: PanopticParts
  semantic: Int[Array, "*B H W"]
  part: Int[Array, "*B H W"]
  detections: Detections


def fuse_both(
  outputs: Outputs,
  *,
  spec: LabelSpec,
  size: tuple[int, int],
  config: FusionConfig,
  covered: Int[Array, "B 2"] | None = None,
  zoom: Float[Array, "B 2"] | None = None,
  legacy: bool = True,
) -> Prediction:
  """Returns both fusions and the heads alone, for a batch.

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
    semantic: Array,
    part: Array,
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
      config=config,
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
      legacy=legacy,
    )
    top_down = top_down_merge(panoptic, parts, spec=spec)
    classes = class_map(semantic, size=size, covered=covered, zoom=zoom)
    return Prediction(joint, top_down, classes, parts, detections)

  return jax.vmap(one)(outputs.semantic, outputs.part, found_by(outputs), covered, zoom)


class Comparison(Program[Prediction]):
  """Predicts images in all ways that are compared. See `Program` for its arguments."""

  def answer(
    self,
    outputs: Outputs,
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
    return Prediction(
      joint=restore_parts(answer.joint, frame),
      top_down=restore_parts(answer.top_down, frame),
      semantic=restore_map(answer.semantic, frame),
      part=restore_map(answer.part, frame),
      detections=in_image(answer.detections, frame.covered, frame.image),
    )


def load_comparison(config: build.Config, weights: str | Path) -> Comparison:
  """Returns a `Comparison` with the weights of a file; as `predict.load_predictor`."""
  loaded = load_predictor(config, weights)
  return Comparison(
    loaded.model, loaded.variables, loaded.spec, size=loaded.size, config=loaded.config
  )
