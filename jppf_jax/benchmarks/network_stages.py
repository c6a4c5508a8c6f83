"""The network in inference, taken apart into the stages that `jppf benchmark inference` measures.

A stage reads the image or the results of stages before it. To measure one more, add a row to
`STAGES`: a function of the network and of the results that it names.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from jppf_jax.encoder.efficientnet import EfficientNet
from jppf_jax.fpn import TwoWayFPN
from jppf_jax.heads.instance_regions import BoxHead, MaskHead, ScoredBoxes
from jppf_jax.heads.instance_rpn import RPNHead
from jppf_jax.heads.semantic_part import SemanticPartHead
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.model import JPPF
from jppf_jax.structs import Array, Outputs, Proposals, Pyramid, RPNOutputs

IMAGE, WHOLE = "image", "whole network"


class Stage(NamedTuple):
  """One row of the table.

  Attributes:
    name: of the stage and of its result.
    inputs: names of the results that it reads.
    function: called with the network, its variables bound, and the inputs.
  """

  name: str
  inputs: tuple[str, ...]
  function: Callable[..., Any]


def network(encoder: str, spec: LabelSpec, dtype: Any, detections: int) -> JPPF:
  """Returns the paper's network. It detects instances even with random weights: any score will do.

  Args:
    encoder: a variant of EfficientNet.
    spec: gives the numbers of classes, parts and things.
    dtype: compute dtype.
    detections: the most that it finds in an image.
  """
  return JPPF(
    encoder=EfficientNet(encoder, dtype=dtype),
    fpn=TwoWayFPN(dtype=dtype),
    semantic_head=SemanticPartHead(spec.num_classes, dtype=dtype),
    part_head=SemanticPartHead(spec.num_part_outputs, dtype=dtype),
    rpn_head=RPNHead(dtype=dtype),
    box_head=BoxHead(spec.num_things, dtype=dtype),
    mask_head=MaskHead(spec.num_things, dtype=dtype),
    score_threshold=0.0,
    max_detections=detections,
  )


def _encoder(net: JPPF, image: Array) -> Pyramid:
  return net.encoder(net.normalise(image), train=False)


def _fpn(net: JPPF, features: Pyramid) -> Pyramid:
  return net.fpn(features, train=False)


def _semantic_head(net: JPPF, pyramid: Pyramid) -> Array:
  assert net.semantic_head is not None
  return net.semantic_head(pyramid, train=False)


def _part_head(net: JPPF, pyramid: Pyramid) -> Array:
  assert net.part_head is not None
  return net.part_head(pyramid, train=False)


def _rpn_head(net: JPPF, pyramid: Pyramid) -> RPNOutputs:
  assert net.rpn_head is not None
  return net.rpn_head(pyramid)


def _proposals(net: JPPF, image: Array, rpn: RPNOutputs) -> Proposals:
  size = (image.shape[1], image.shape[2])
  return net.propose(rpn, net.anchors(size), size, net.eval_proposals)


def _pool(net: JPPF, pyramid: Pyramid, regions: Proposals | ScoredBoxes, *, bins: int) -> Array:
  return net.pool(pyramid, regions.boxes, bins=bins)


def _box_head(net: JPPF, regions: Array) -> tuple[Array, Array]:
  assert net.box_head is not None
  return net.box_head(regions)


def _detections(
  net: JPPF, image: Array, proposals: Proposals, predicted: tuple[Array, Array]
) -> ScoredBoxes:
  return net.detect(proposals, *predicted, (image.shape[1], image.shape[2]))


def _mask_head(net: JPPF, regions: Array, found: ScoredBoxes) -> Array:
  assert net.mask_head is not None
  return net.mask_head(regions, found.valid, train=False)


def _whole(net: JPPF, image: Array) -> Outputs:
  return net(image, train=False)


STAGES = (
  Stage("encoder", (IMAGE,), _encoder),
  Stage("pyramid", ("encoder",), _fpn),
  Stage("semantic head", ("pyramid",), _semantic_head),
  Stage("part head", ("pyramid",), _part_head),
  Stage("RPN head", ("pyramid",), _rpn_head),
  Stage("proposals, NMS", (IMAGE, "RPN head"), _proposals),
  Stage("RoIAlign 7 x 7", ("pyramid", "proposals, NMS"), partial(_pool, bins=7)),
  Stage("box head", ("RoIAlign 7 x 7",), _box_head),
  Stage("detections, NMS", (IMAGE, "proposals, NMS", "box head"), _detections),
  Stage("RoIAlign 14 x 14", ("pyramid", "detections, NMS"), partial(_pool, bins=14)),
  Stage("mask head", ("RoIAlign 14 x 14", "detections, NMS"), _mask_head),
  Stage(WHOLE, (IMAGE,), _whole),
)
