"""Logits and detections of one image to panoptic parts: the joint fusion, and what it is compared
with. All run in `jax.jit` and have no parameters.
"""

from jppf_jax.fusion.config import FusionConfig
from jppf_jax.fusion.efficientps import efficientps_fusion
from jppf_jax.fusion.fill import fill_void
from jppf_jax.fusion.joint import joint_fusion
from jppf_jax.fusion.top_down import part_map, top_down_merge
from jppf_jax.fusion.weak_parts import drop_weak_parts

__all__ = [
  "FusionConfig",
  "drop_weak_parts",
  "efficientps_fusion",
  "fill_void",
  "joint_fusion",
  "part_map",
  "top_down_merge",
]
