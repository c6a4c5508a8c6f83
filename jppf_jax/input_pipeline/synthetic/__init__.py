"""Synthetic street scenes with exact labels: `make_scene` draws one, `write_cpp` writes a data set of them."""

from jppf_jax.input_pipeline.synthetic.scene import make_scene
from jppf_jax.input_pipeline.synthetic.write import write_cpp

__all__ = ["make_scene", "write_cpp"]
