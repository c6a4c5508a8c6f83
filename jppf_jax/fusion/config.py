"""What the paper's Sec. 3.2 leaves open about the fusion: the readings that can be compared."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

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
    score_threshold: only detections with a larger score are fused (average precision needs
      detections with far smaller scores).
    overlap_threshold: an instance is dropped if better ones cover a larger share of its mask.
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
  """

  instance_logit_activation: Literal["none", "sigmoid"] = "none"
  instance_logit_scale: float = 1.0
  outside_value: float = 0.0
  score_threshold: float = 0.5
  overlap_threshold: float = 0.5
  min_stuff_area: int = 2048
  min_stuff_relative: float | None = None
  min_thing_area: int = 0
  stuff_fill: StuffFill = "semantic_argmax"
  renormalise_parts: bool = False
  fuse_reduce: Literal["sum", "mean"] = "sum"
  allow_void_part: bool = False

  def __post_init__(self) -> None:
    for name, known in _CHOICES.items():
      choice = getattr(self, name)
      if choice not in known:
        raise ValueError(f"FusionConfig.{name} is {choice!r}, expected one of {known}.")
    for name in ("score_threshold", "overlap_threshold", "min_stuff_relative"):
      share = getattr(self, name)
      if share is not None and not 0 <= share <= 1:
        raise ValueError(f"FusionConfig.{name} is {share}, expected a share from 0 to 1.")
    for name in ("min_stuff_area", "min_thing_area"):
      area = getattr(self, name)
      if area < 0:
        raise ValueError(f"FusionConfig.{name} is {area}, expected an area of 0 pixels or more.")
    if not math.isfinite(self.instance_logit_scale):
      raise ValueError(
        f"FusionConfig.instance_logit_scale is {self.instance_logit_scale}, expected a number."
      )

  def min_stuff(self, size: ImageSize, zoom: Zoom = None) -> Area:
    """Returns the least area of a stuff class in a result, in its pixels.

    Args:
      size: height and width of the image in the result, without padding; may be traced, and then
        is the answer.
      zoom: pixels of the result per pixel of the network, rows and columns; None: 1.
    """
    return least_stuff(self.min_stuff_area, self.min_stuff_relative, size, zoom)


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
