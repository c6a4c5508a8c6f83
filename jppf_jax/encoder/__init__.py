"""The shared encoder: features at strides 4, 8, 16 and 32. docs/pieces.md has an example."""

from jppf_jax.encoder.efficientnet import Classifier, EfficientNet
from jppf_jax.encoder.variants import variant

__all__ = ["Classifier", "EfficientNet", "variant"]
