"""Eq. 1 by hand, and the largest channel of stuff beside all of them."""

from functools import partial

import jax.numpy as jnp
import numpy as np
import pytest

from jppf_jax.fusion.config import FusionConfig
from jppf_jax.fusion.eq1 import best_stuff, fused_logits, fused_stuff
from jppf_jax.fusion.evidence import Norms, log_sum_exp
from jppf_jax.labels.registry import load_spec
from tests.oracles import fusion as oracle


def test_fused_logits_of_worked_values():
  def fuse_numbers(*terms, mean=False):
    return float(fused_logits(*map(jnp.float32, terms), mean=mean))

  about = partial(pytest.approx, rel=1e-6)
  assert fuse_numbers(6, 2) == about(15.026596)
  assert fuse_numbers(2, 0.7, 0.6) == about(7.242316)
  assert fuse_numbers(-3, 0.7, 0.6) == about(-2.314159)
  assert fuse_numbers(0.9, 0.8) == about(2.381571)
  assert fuse_numbers(0.9, 0.8, mean=True) == about(2.381571 / 4)


@pytest.mark.parametrize("name", ["cpp_grouped", "cpp_grouped_sembg"])
@pytest.mark.parametrize("reduce", ["sum", "mean"])
def test_the_best_stuff_is_the_first_maximum_of_all_its_channels(name, reduce):
  spec, config = load_spec(name), FusionConfig(fuse_reduce=reduce)
  rng = np.random.default_rng(0)
  semantic, part = (
    jnp.asarray(rng.normal(size=(count, 9, 7)) * 2, jnp.float32)
    for count in (spec.num_classes, spec.num_part_outputs)
  )
  semantic, part = semantic.at[:, :3].set(1), part.at[:, :2].set(1)  # equal classes
  norms = Norms(log_sum_exp(semantic), log_sum_exp(part))
  score, label = best_stuff(semantic, part, norms, spec, config)
  probabilities = (jnp.asarray(oracle.softmax(np.asarray(x), 0)) for x in (semantic, part))
  channels = np.stack(fused_stuff(*probabilities, spec, config))
  np.testing.assert_allclose(score, channels.max(0), rtol=1e-5)
  np.testing.assert_array_equal(label[2:], channels.argmax(0)[2:])
  assert (label[:2] == 0).all() and len(np.unique(label)) > 5
