"""What the paper leaves open about the fusion: every reading of its Sec. 3.2 that one may want to
compare.
"""

import math
from dataclasses import dataclass
from typing import Literal

_CHOICES = {
  "instance_logit_activation": ("none", "sigmoid"),
  "outside_value": (0.0, -math.inf),
  "stuff_fill": ("semantic_argmax", "stuff_only", "fused"),
  "fuse_reduce": ("sum", "mean"),
}


@dataclass(frozen=True)
class FusionConfig:
  """Choices of the joint fusion. The defaults are Eq. 1 to the letter; where the paper is silent,
  EfficientPS's code.

  Attributes:
    instance_logit_activation: "none" fuses raw mask logits, "sigmoid" mask probabilities. The paper
      normalises the semantic and the part logits, and says nothing of the instance logits.
    instance_logit_scale: factor on the mask logits; EfficientPS's code has an undocumented 4.
    outside_value: semantic and part evidence outside the rectangle of the box: 0, or -inf, which
      confines instances to it.
    score_threshold: detections that score no more are not fused (average precision needs detections
      far below).
    overlap_threshold: an instance is dropped if a larger share of its mask is taken by better ones.
    min_stuff_area: stuff classes that end with fewer pixels become void.
    min_stuff_relative: the same as a share of the image; replaces `min_stuff_area` if given.
    min_thing_area: instances that won fewer pixels are removed, and their pixels filled like the
      rest.
    stuff_fill: the class of pixels that no instance won: "semantic_argmax" over all classes, where
      things leave void; "stuff_only" over the stuff classes; "fused" over the fused stuff logits.
    renormalise_parts: part probabilities sum to 1 over the parts of the instance's class, instead
      of over all channels.
    fuse_reduce: "sum" as in Eq. 1; "mean" does not favour things, which have one term more than
      stuff.
    allow_void_part: the background of the part head (the sum of all, if classes have their own)
      competes with the parts of an instance; where it wins, the part is unknown.
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

  def __post_init__(self):
    for name, known in _CHOICES.items():
      if getattr(self, name) not in known:
        raise ValueError(
          f"FusionConfig.{name} is {getattr(self, name)!r}, expected one of {known}."
        )
    for name in ("score_threshold", "overlap_threshold", "min_stuff_relative"):
      value = getattr(self, name)
      if value is not None and not 0 <= value <= 1:
        raise ValueError(f"FusionConfig.{name} is {value}, expected a share from 0 to 1.")

  def min_stuff(self, size: tuple[int, int]) -> int:
    """Returns the least area, in pixels, of a stuff class in an image of this height and width."""
    if self.min_stuff_relative is None:
      return self.min_stuff_area
    return math.ceil(self.min_stuff_relative * size[0] * size[1])


PAPER = FusionConfig()
