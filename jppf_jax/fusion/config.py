"""What the fusion leaves open: every reading of the paper's Sec. 3.2 that a user may want to compare."""

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class FusionConfig:
  """Choices of the joint fusion. The defaults follow Eq. 1 to the letter, and EfficientPS's code where the paper is silent.

  Attributes:
    instance_logit_activation: "none" fuses raw mask logits, "sigmoid" mask probabilities (the paper says of the semantic and
      the part logits that they are normalised, and nothing of the instance logits).
    instance_logit_scale: factor on the mask logits; EfficientPS's code has an undocumented 4.
    outside_value: semantic and part evidence outside the rectangle of the box: 0, or -inf, which confines instances to it.
    score_threshold: detections that score no more are not fused (detections for average precision go lower).
    overlap_threshold: an instance is dropped if a larger share of its mask is taken by better ones.
    min_stuff_area: stuff classes that end with fewer pixels become void.
    min_stuff_relative: the same as a share of the image; replaces `min_stuff_area` if given.
    min_thing_area: instances that won fewer pixels are removed, and their pixels filled as those of stuff.
    stuff_fill: the class of pixels that no instance won: "semantic_argmax" over all classes, things leave void;
      "stuff_only" over the stuff classes; "fused" over the fused stuff logits.
    renormalise_parts: part probabilities sum to 1 over the parts of the instance's class, instead of over all parts.
    fuse_reduce: Eq. 1 sums over the masked logits; "mean" does not favour things, which have one more.
    allow_void_part: the background of the part head competes with the parts of an instance; where it wins the part is
      unknown.
    legacy: how masks lie on boxes, as in `ops.masks.paste_weights`; must be what the mask head was trained with.
  """

  instance_logit_activation: Literal["none", "sigmoid"] = "none"
  instance_logit_scale: float = 1.0
  outside_value: float = 0.0
  score_threshold: float = 0.5
  overlap_threshold: float = 0.5
  min_stuff_area: int = 2048
  min_stuff_relative: float | None = None
  min_thing_area: int = 0
  stuff_fill: Literal["semantic_argmax", "stuff_only", "fused"] = "semantic_argmax"
  renormalise_parts: bool = False
  fuse_reduce: Literal["sum", "mean"] = "sum"
  allow_void_part: bool = False
  legacy: bool = True

  def __post_init__(self):
    for name, known in (
      ("instance_logit_activation", ("none", "sigmoid")),
      ("stuff_fill", ("semantic_argmax", "stuff_only", "fused")),
      ("fuse_reduce", ("sum", "mean")),
      ("outside_value", (0.0, -math.inf)),
    ):
      if getattr(self, name) not in known:
        raise ValueError(f"FusionConfig.{name} is {getattr(self, name)!r}, expected one of {known}.")

  def min_stuff(self, size: tuple[int, int]) -> int:
    """Returns the least area, in pixels, of a stuff class in an image of this size."""
    if self.min_stuff_relative is None:
      return self.min_stuff_area
    return math.ceil(self.min_stuff_relative * size[0] * size[1])
