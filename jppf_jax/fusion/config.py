"""What the paper's Sec. 3.2 leaves open about the fusion: the readings that can be compared."""

import math
import sys
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any, Literal, get_args

import jax.numpy as jnp
from jaxtyping import Float, Int

from jppf_jax.ops.boxes import ImageSize
from jppf_jax.structs import Array

Area = int | Int[Array, ""] | Float[Array, ""]  # pixels
Zoom = Float[Array, "2"] | None

StuffFill = Literal["semantic_argmax", "stuff_only", "fused"]

_CHOICES = {
  "instance_logit_activation": ("none", "sigmoid"),
  "outside_value": (0.0, -math.inf),
  "stuff_fill": get_args(StuffFill),
  "fuse_reduce": ("sum", "mean"),
  "renormalise_parts": (False, True),
  "allow_void_part": (False, True),
  "fill_void": (False, True),
}
_SHARE = 0.0, 1.0, "a share from 0 to 1"
_AREA = 0.0, sys.float_info.max, "an area of 0 pixels or more"
_FINITE = -sys.float_info.max, sys.float_info.max, "a number"
_RANGES = {
  "instance_logit_scale": _FINITE,
  "box_margin": _SHARE,
  "score_threshold": _SHARE,
  "overlap_threshold": _SHARE,
  "part_threshold": _SHARE,
  "min_stuff_area": _AREA,
  "min_stuff_relative": _SHARE,
  "min_thing_area": _AREA,
}


@dataclass(frozen=True)
class FusionConfig:
  """Choices of the joint fusion. The defaults follow Eq. 1 literally and, if the paper says
  nothing, EfficientPS's code.

  Attributes:
    instance_logit_activation: "none" fuses raw mask logits, "sigmoid" mask probabilities. The paper
      normalises the semantic and the part logits and does not mention the instance logits.
    instance_logit_scale: factor on the mask logits; EfficientPS's code has an undocumented 4.
    outside_value: semantic and part evidence outside the rectangle of the box: 0, or -inf, which
      confines instances to the rectangle.
    box_margin: the rectangle of a box, outside of which its evidence is 0, is larger by this share
      of the box's sides, on each side. Mask logits are 0 (undecided) beyond the mask, as always.
    score_threshold: only detections with a larger score are fused (average precision needs
      detections with far smaller scores).
    overlap_threshold: an instance is dropped if better ones cover a larger share of its mask.
    part_threshold: a part stays on a segment only if the IoU that its probabilities promise is at
      least this; see `weak_parts`.
    min_stuff_area: stuff classes that end with fewer pixels become void. Areas are in pixels of the
      network's frame: a result with twice as many rows and columns needs four times as many pixels.
    min_stuff_relative: the same as a share of the image; replaces `min_stuff_area` if given.
    min_thing_area: instances that won fewer pixels (of the network's frame) are removed; their
      pixels are filled like the rest.
    stuff_fill: the class of pixels that no instance won. "semantic_argmax": the best of all
      classes, and void if it is a thing; "stuff_only": the best stuff class; "fused": the stuff
      class with the largest fused logit.
    renormalise_parts: part probabilities sum to 1 over the parts of the instance's class, not over
      all channels.
    fuse_reduce: "sum" as in Eq. 1; "mean" does not favour things, which have one term more than
      stuff.
    allow_void_part: the background of the part head (the sum of all, if classes have their own)
      competes with the parts of an instance; if it wins, the part is unknown.
    fill_void: pixels that end void, and unknown parts, are filled from what survived; see
      `fill.fill_void`.
  """

  instance_logit_activation: Literal["none", "sigmoid"] = "none"
  instance_logit_scale: float = 1.0
  outside_value: float = 0.0
  box_margin: float = 0.0
  score_threshold: float = 0.5
  overlap_threshold: float = 0.5
  part_threshold: float = 0.0
  min_stuff_area: int = 2048
  min_stuff_relative: float | None = None
  min_thing_area: int = 0
  stuff_fill: StuffFill = "semantic_argmax"
  renormalise_parts: bool = False
  fuse_reduce: Literal["sum", "mean"] = "sum"
  allow_void_part: bool = False
  fill_void: bool = False

  def __post_init__(self) -> None:
    for field in fields(self):
      found = problem(field.name, getattr(self, field.name))
      if found:
        raise ValueError(f"FusionConfig.{found}")

  def min_stuff(self, size: ImageSize, zoom: Zoom = None) -> Area:
    """Returns the least area of a stuff class in a result, in its pixels.

    Args:
      size: height and width of the image in the result, without padding; may be traced, and then
        is the answer.
      zoom: pixels of the result per pixel of the network, rows and columns; None: 1.
    """
    return least_stuff(self.min_stuff_area, self.min_stuff_relative, size, zoom)


def problem(name: str, value: Any) -> str | None:
  """Returns what is wrong with the value of a field of `FusionConfig`; None if it is allowed."""
  if name in _CHOICES:
    known = _CHOICES[name]
    return None if value in known else f"{name} is {value!r}, expected one of {known}."
  smallest, largest, text = _RANGES[name]
  is_number = isinstance(value, Real) and not isinstance(value, bool)
  may_be_none = name == "min_stuff_relative" and value is None
  if may_be_none or (is_number and smallest <= value <= largest):
    return None
  return f"{name} is {value!r}, expected {text}."


def least_stuff(area: Area, share: float | None, size: ImageSize, zoom: Zoom) -> Area:
  """Returns `FusionConfig.min_stuff` for settings that are given one by one.

  Args:
    area: `min_stuff_area`.
    share: `min_stuff_relative`.
    size: of the image in the result.
    zoom: of the result.
  """
  if share is None:
    return in_result(area, zoom)
  pixels = size[0] * size[1]
  if isinstance(pixels, int):
    return math.ceil(share * pixels)
  return jnp.ceil(share * pixels).astype(jnp.int32)


def in_result(area: Area, zoom: Zoom) -> Area:
  """Returns an area of the network's frame in pixels of the result."""
  return area if zoom is None else area * (zoom[0] * zoom[1])


PAPER = FusionConfig()
BEST = FusionConfig(box_margin=0.04, part_threshold=0.2)  # see docs/results.md
