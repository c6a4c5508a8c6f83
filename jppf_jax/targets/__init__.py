"""What each head should answer: sampled anchors and regions."""

from jppf_jax.targets.instance_regions import sample_regions
from jppf_jax.targets.instance_rpn import rpn_targets
from jppf_jax.targets.matching import image_keys

__all__ = ["image_keys", "rpn_targets", "sample_regions"]
