"""Which reading of the paper's Sec. 3.2 is best on some data: every field of `FusionConfig`, which
the paper leaves open, one changed at a time.
"""

import dataclasses
import math
from typing import Any

import numpy as np
from jaxtyping import Int, UInt8

from jppf_jax.evaluation.frames import Frame
from jppf_jax.evaluation.variants import Variants
from jppf_jax.fusion.config import FusionConfig
from jppf_jax.structs import Outputs

AS_CONFIGURED = "as configured"
TRIED: dict[str, tuple[Any, ...]] = {  # values of each field; the one that is configured is skipped
  "box_margin": (0.0, 0.04, 0.08, 0.15),
  "outside_value": (0.0, -math.inf),
  "instance_logit_activation": ("none", "sigmoid"),
  "instance_logit_scale": (0.5, 1.0, 2.0, 4.0),
  "fuse_reduce": ("sum", "mean"),
  "renormalise_parts": (False, True),
  "allow_void_part": (False, True),
  "stuff_fill": ("semantic_argmax", "stuff_only", "fused"),
  "score_threshold": (0.3, 0.5, 0.7, 0.9),
  "overlap_threshold": (0.3, 0.5, 0.7),
  "part_threshold": (0.0, 0.2, 0.3, 0.4, 0.5),
  "min_stuff_area": (0,),
  "min_stuff_relative": (None, 0.001, 0.01),
  "min_thing_area": (0, 64, 256),
  "fill_void": (True,),
}


def readings_of(config: FusionConfig) -> dict[str, FusionConfig]:
  """Returns each reading that differs in one field, `field=value`, after the config itself."""
  found = {AS_CONFIGURED: config}
  for field, values in TRIED.items():
    for value in values:
      if value != getattr(config, field):
        found[f"{field}={value}"] = dataclasses.replace(config, **{field: value})
  return found


class Readings(Variants):
  """Predicts images with one field of the fusion's config changed at a time. See `Program`."""

  def variants(
    self,
    outputs: Outputs,
    image: UInt8[np.ndarray, "H W 3"],
    uids: Int[np.ndarray, "H W"],
    frame: Frame,
  ) -> dict[str, tuple[Outputs, FusionConfig]]:
    """Returns the same outputs with the config of each reading; see `Variants`."""
    return {name: (outputs, config) for name, config in readings_of(self.config).items()}
