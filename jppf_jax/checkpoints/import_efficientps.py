"""Imports checkpoints of the public EfficientPS code (PyTorch), with or without a part head."""

from typing import Any

import numpy as np

from jppf_jax.checkpoints import convert as engine
from jppf_jax.checkpoints.convert import (
  CONV,
  DENSE,
  POINTWISE,
  TRANSPOSED_CONV,
  Imported,
  Source,
  counters,
  tensor_of,
)
from jppf_jax.checkpoints.import_efficientnet import timm_source

_BINS = 7  # cells per side of what the box head reads
_STRIDES = (4, 8, 16, 32)
# strides in the order of the neck's lists; the bottom-up laterals start with the coarsest
_NECK = {
  "top_down": ("lateral_convs_top", _STRIDES),
  "bottom_up": ("lateral_convs_bottom", _STRIDES[::-1]),
  "out": ("fpn_convs", _STRIDES),
}
_RPN = {
  "conv": ("rpn_conv", CONV),
  "objectness": ("rpn_cls", POINTWISE),
  "deltas": ("rpn_reg", POINTWISE),
}
_BOX = {
  "hidden0": ("shared_fcs.0", engine.flattened(_BINS)),
  "hidden1": ("shared_fcs.1", DENSE),
  "classes": ("fc_cls", DENSE),
  "deltas": ("fc_reg", DENSE),
}
_MASK = {"upsample": ("upsample", TRANSPOSED_CONV), "logits": ("conv_logits", POINTWISE)}
_SEMANTIC = {
  "context_32": "lateral_convs_ss.0",
  "context_16": "lateral_convs_ss.1",
  "detail_8": "lateral_convs_ls.0",
  "detail_4": "lateral_convs_ls.1",
  "correct_16_8": "aligning_convs.0",
  "correct_8_4": "aligning_convs.1",
}
# the five convolutions of the dense prediction cell (DPC), in the order of their outputs
_RATES = ("rate_1_6", "rate_1_1", "rate_6_21", "rate_18_15", "rate_6_3")
_CONV_NORM = {"conv": "conv", "norm": "bn"}
_SEPARABLE = {
  "depthwise": "depthwise_conv.conv",
  "depthwise_norm": "depthwise_conv.bn",
  "pointwise": "pointwise_conv.conv",
  "pointwise_norm": "pointwise_conv.bn",
}


def convert(
  found: dict[str, np.ndarray], template: Any, *, part_head: str | None = None
) -> Imported:
  """Returns our variables, made from the tensors of a checkpoint's `state_dict`.

  Args:
    found: the tensors by name.
    template: variables, or shapes, of a `JPPF`. If `part_head` is None, the result has no part
      head.
    part_head: name of the part head in the file, which has the same tensors as the semantic head.

  Raises:
    WeightsError: tensors are missing, left over or of another shape; all are listed.
  """
  if part_head is None:
    template = {kind: _without_part_head(tree) for kind, tree in template.items()}

  def source_of(path: tuple[str, ...]) -> Source:
    module, *layer, leaf = path
    match module:
      case "encoder":
        source = timm_source(path[1:])
        return Source(f"backbone.{source.name}", source.layout)
      case "fpn":
        return _neck(layer, leaf)
      case "rpn_head":
        name, layout = _RPN[layer[0]]
        return tensor_of(f"rpn_head.{name}", leaf, layout)
      case "box_head":
        name, layout = _BOX[layer[0]]
        return tensor_of(f"bbox_head.{name}", leaf, layout)
      case "mask_head":
        return _mask(layer, leaf)
      case "semantic_head":
        return _semantic("semantic_head", layer, leaf)
      case "part_head" if part_head is not None:
        return _semantic(part_head, layer, leaf)
    raise ValueError(f"no rule for our module {module!r}")

  return engine.convert(found, template, source_of, counters)


def _without_part_head(tree: dict[str, Any]) -> dict[str, Any]:
  return {module: leaves for module, leaves in tree.items() if module != "part_head"}


def _neck(layer: list[str], leaf: str) -> Source:
  level, inner = layer
  kind, stride = level.rsplit("_", 1)
  name, order = _NECK[kind]
  number = order.index(int(stride))
  return tensor_of(f"neck.{name}.{number}.{_CONV_NORM[inner]}", leaf, CONV)


def _mask(layer: list[str], leaf: str) -> Source:
  block, *inner = layer
  if block in _MASK:
    name, layout = _MASK[block]
    return tensor_of(f"mask_head.{name}", leaf, layout)
  number = block.removeprefix("conv")
  return tensor_of(f"mask_head.convs.{number}.{_SEPARABLE[inner[0]]}", leaf, CONV)


def _semantic(head: str, layer: list[str], leaf: str) -> Source:
  block, *inner = layer
  if block == "logits":
    return tensor_of(f"{head}.conv_logits", leaf, POINTWISE)
  name, part = inner
  theirs = f"{head}.{_SEMANTIC[block]}"
  if name == "merge":
    return tensor_of(f"{theirs}.conv.{_CONV_NORM[part]}", leaf, CONV)
  number = _RATES.index(name) if name in _RATES else int(name.removeprefix("conv"))
  return tensor_of(f"{theirs}.convs.{number}.{_SEPARABLE[part]}", leaf, CONV)
