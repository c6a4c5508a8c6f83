"""The heads: classes and parts of pixels, proposals, and class, box and mask of regions.

`propose` and `detect` turn the outputs of the RPN and of the box head into boxes, with NMS.
docs/pieces.md has examples.
"""

from jppf_jax.heads.instance_regions import BoxHead, MaskHead, detect
from jppf_jax.heads.instance_rpn import RPNHead, propose
from jppf_jax.heads.semantic_part import SemanticPartHead

__all__ = ["BoxHead", "MaskHead", "RPNHead", "SemanticPartHead", "detect", "propose"]
