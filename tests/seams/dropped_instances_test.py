"""Which instances enter the fusion, and what they leave free."""

import jax.numpy as jnp
import numpy as np
import pytest

from jppf_jax.fusion.instances import keep_instances, place

SIZE = (16, 40)


def kept(spans: list[tuple[int, int]], **settings) -> list[bool]:
  """Returns which of some full masks, in columns `spans` of one band, are kept."""
  boxes = np.array([[x0, 2, x1, 14] for x0, x1 in spans], np.float32)
  masks = jnp.full((len(spans), 28, 28), 8.0)
  placed = place(masks, boxes, SIZE, legacy=False)
  candidates = jnp.ones(len(spans), bool)
  found = keep_instances(placed, candidates, SIZE, (8, 16), overlap_threshold=0.5, **settings)
  return np.asarray(found).tolist()


def test_a_dropped_instance_occupies_nothing():
  # the second is covered by the first, 12 of 16; the third by the second alone, 4 of 6
  assert kept([(0, 20), (8, 24), (20, 26)]) == [True, False, True]


@pytest.mark.parametrize("first, second", [((0, 20), (10, 30)), ((0, 20), (12, 32))])
def test_a_kept_instance_occupies_what_it_shares(first, second):
  assert kept([first, second]) == [True, True]
  third = (second[0], second[0] + 12)  # inside the first and the second
  assert kept([first, second, third]) == [True, True, False]
