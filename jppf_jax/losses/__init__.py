"""What each head is trained with; `compute_losses` has them all."""

from jppf_jax.losses.instance_regions import region_losses
from jppf_jax.losses.instance_rpn import rpn_losses
from jppf_jax.losses.semantic_part import hard_cross_entropy, pixel_cross_entropy
from jppf_jax.losses.total import compute_losses

__all__ = [
  "compute_losses",
  "hard_cross_entropy",
  "pixel_cross_entropy",
  "region_losses",
  "rpn_losses",
]
