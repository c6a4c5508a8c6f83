"""Synthetic street scenes with exact labels.

`make_scene` draws one scene, `write_cpp` writes a dataset.
"""

from jppf_jax.street_scenes.scene import make_scene
from jppf_jax.street_scenes.write import write_cpp

__all__ = ["make_scene", "write_cpp"]
