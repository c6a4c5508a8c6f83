"""Sums and counts over replicas, by hand."""

import jax
import jax.numpy as jnp
import numpy as np

from jppf_jax.losses.term import Term, reduce_term


def test_one_device_divides_the_sum_by_the_count():
  assert reduce_term(Term(jnp.float32(6), jnp.float32(4))) == 1.5


def test_nothing_counted_gives_zero():
  assert reduce_term(Term(jnp.float32(0), jnp.float32(0))) == 0


def test_the_mean_over_replicas_is_the_sum_of_sums_over_the_sum_of_counts():
  def replica(total, count):
    return reduce_term(Term(total, count), "batch")

  totals, counts = jnp.float32([6, 1, 0]), jnp.float32([2, 5, 0])
  losses = jax.vmap(replica, axis_name="batch")(totals, counts)
  np.testing.assert_allclose(losses, totals * 3 / 7, rtol=1e-6)
