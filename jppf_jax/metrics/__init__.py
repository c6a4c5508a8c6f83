"""Scores of panoptic parts: states that start empty, `add` an image and `merge` with others.

    Scores           all but instance AP; per set, class and image
    PartPQ, PQ       (part-aware) panoptic quality
    IoU              mean IoU of classes, or of part channels
    Density          share of pixels with a complete label
    CityscapesAP, CocoAP
                     average precision of instances with scores

docs/metrics.md has an example, and says what is counted.
"""

from jppf_jax.metrics.density import Density
from jppf_jax.metrics.instance_ap import CityscapesAP, CocoAP
from jppf_jax.metrics.iou import IoU
from jppf_jax.metrics.part_pq import PartPQ
from jppf_jax.metrics.pq import PQ
from jppf_jax.metrics.scores import Scores

__all__ = ["PQ", "CityscapesAP", "CocoAP", "Density", "IoU", "PartPQ", "Scores"]
