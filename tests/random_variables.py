"""Variables for a module without running its initialisers, which take longer to compile than most
tests to run.
"""

import jax
import numpy as np


def random_variables(module, *args, seed=0, **kwargs):
  """Random but well-behaved: signals keep their size, norm scales have either sign, running
  variances are positive.
  """
  shapes = jax.eval_shape(lambda: module.init(jax.random.key(0), *args, **kwargs))
  rng = np.random.default_rng(seed)

  def fill(path, leaf):
    name = path[-1].key
    if name == "kernel":
      inputs = np.prod(leaf.shape[:-1])  # of a depthwise kernel too: its third axis is 1
      value = rng.normal(size=leaf.shape) * (2 / inputs) ** 0.5
    elif name in ("scale", "var"):
      value = rng.uniform(0.7, 1.3, leaf.shape) * (
        1 if name == "var" else rng.choice([-1, 1], leaf.shape)
      )
    else:
      value = 0.1 * rng.normal(size=leaf.shape)
    return value.astype(np.float32)

  return jax.tree_util.tree_map_with_path(fill, shapes)


def num_parameters(tree):
  return sum(leaf.size for leaf in jax.tree.leaves(tree))


def shapes_of(module, *args, **kwargs):
  """The parameter tree of a module at full size, shapes only."""
  return jax.eval_shape(lambda: module.init(jax.random.key(0), *args, **kwargs))["params"]


def random_pyramid(height, width, channels, *, batch=1, seed=0):
  rng = np.random.default_rng(seed)
  sizes = {s: (batch, height // s, width // s, c) for s, c in zip((4, 8, 16, 32), channels)}
  return {s: rng.normal(size=size).astype(np.float32) for s, size in sizes.items()}
