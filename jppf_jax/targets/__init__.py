"""What each head should answer: sampled anchors and regions."""

from jppf_jax.targets.instance_regions import sample_regions
from jppf_jax.targets.instance_rpn import rpn_targets

__all__ = ["rpn_targets", "sample_regions"]
