"""jppf_jax: joint panoptic part fusion (JPPF) in JAX and Flax."""

__version__ = "0.1.0"
