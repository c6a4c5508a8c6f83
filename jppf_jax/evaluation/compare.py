"""All that evaluation compares: both fusions, and each head before fusion."""

import copy
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
from jaxtyping import Float, Int

from jppf_jax import build
from jppf_jax.evaluation.frames import Frame
from jppf_jax.evaluation.instances import in_image
from jppf_jax.evaluation.predict import found_by, panoptic_fusion, restore_map, restore_parts
from jppf_jax.evaluation.program import Program
from jppf_jax.evaluation.together import NO_OTHERS, Source, load
from jppf_jax.fusion.config import FusionConfig
from jppf_jax.fusion.fill import fill_void
from jppf_jax.fusion.joint import joint_fusion
from jppf_jax.fusion.top_down import class_map, part_map, top_down_merge
from jppf_jax.fusion.weak_parts import drop_weak_parts
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
  """Predictions for an image (or a batch): of the fusions, and of each head alone.

  What needs a head that the network does not have is None.

  Attributes:
    joint: of joint fusion; needs all heads.
    top_down: of EfficientPS fusion and top-down merging; needs all heads.
    semantic: of the semantic head alone, train ids.
    part: of the part head alone, part channels (0 = any background).
    detections: of the instance head alone; `instances.instance_masks` gives their masks.
    panoptic: of EfficientPS fusion, if there is no part head.
    joint_filled: as `joint`, without void; None unless `FusionConfig.fill_void`.
    top_down_filled: as `top_down`, without void; None unless `FusionConfig.fill_void`.
  """

  joint: PanopticParts | None = None
  top_down: PanopticParts | None = None
  semantic: Int[Array, "*B H W"] | None = None
  part: Int[Array, "*B H W"] | None = None
  detections: Detections | None = None
  panoptic: PanopticParts | None = None
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
  """Returns both fusions and the heads alone, for a batch; what there is without a missing head.

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
  has_classes, has_parts = bool(outputs.semantic.shape[-1]), bool(outputs.part.shape[-1])

  def one(
    semantic: Array | LogitViews,
    part: Array | LogitViews,
    detections: Detections | None,
    covered: Array | None,
    zoom: Array | None,
  ) -> Prediction:
    parts = classes = None
    if has_parts:
      parts = part_map(part, spec=spec, size=size, covered=covered, zoom=zoom)
    if has_classes:
      classes = class_map(semantic, size=size, covered=covered, zoom=zoom)
    alone = Prediction(semantic=classes, part=parts, detections=detections)
    if detections is None or not has_classes:
      return alone
    where: dict[str, Any] = {"spec": spec, "covered": covered, "zoom": zoom, "legacy": legacy}
    as_fused = dataclasses.replace(config, fill_void=False, part_threshold=0.0)
    settings = {**where, "size": size, "config": as_fused}
    panoptic = panoptic_fusion(semantic, detections, **settings)
    if parts is None:
      return dataclasses.replace(alone, panoptic=panoptic)
    joint = joint_fusion(semantic, part, detections, **settings)
    top_down = top_down_merge(panoptic, parts, spec=spec)
    fusions: dict[str, Any] = {"joint": joint, "top_down": top_down}
    if config.fill_void:
      fusions |= {
        f"{name}_filled": fill_void(found, semantic, part, detections, **where)
        for name, found in fusions.items()
      }
    if config.part_threshold > 0:
      del where["legacy"]
      where["threshold"] = config.part_threshold
      fusions = {name: drop_weak_parts(found, part, **where) for name, found in fusions.items()}
    return dataclasses.replace(alone, **fusions)

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

  def with_variables(self, variables: Any) -> "Comparison":
    """Returns the same program, not compiled again, with other weights of the same network.

    Args:
      variables: parameters and running statistics.
    """
    other = copy.copy(self)
    other.variables = jax.device_put(variables)
    return other

  def restore(self, answer: Prediction, frame: Frame) -> Prediction:
    """Returns all predictions at the size of the image; see `Program.restore`."""

    def fused(found: PanopticParts | None) -> PanopticParts | None:
      return None if found is None else restore_parts(found, frame)

    def alone(found: Array | None) -> Array | None:
      return None if found is None else restore_map(found, frame)

    detections = answer.detections
    if detections is not None:
      detections = in_image(detections, frame.covered, frame.image)
    return Prediction(
      joint=fused(answer.joint),
      top_down=fused(answer.top_down),
      panoptic=fused(answer.panoptic),
      semantic=alone(answer.semantic),
      part=alone(answer.part),
      detections=detections,
      joint_filled=fused(answer.joint_filled),
      top_down_filled=fused(answer.top_down_filled),
    )


def load_comparison(
  config: build.Config, weights: str | Path, others: Mapping[str, Source] = NO_OTHERS
) -> Comparison:
  """Returns a `Comparison` with the weights of a file; arguments and errors as `together.load`."""
  loaded = load(config, weights, others)
  network = loaded.inference
  return Comparison(
    loaded.model,
    loaded.variables,
    network.spec,
    size=network.size,
    config=network.fusion,
    testing=network.testing,
  )
