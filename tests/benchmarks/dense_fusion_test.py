"""What the streaming fusion is compared with gives the same answer."""

from functools import partial

import jax
import numpy as np
import pytest

from jppf_jax.benchmarks.dense_fusion import scan_fusion
from jppf_jax.benchmarks.fusion import random_heads
from jppf_jax.fusion.joint import joint_fusion
from tests.fusion.scenes import SPEC

SIZE = (96, 160)


@pytest.fixture(scope="module")
def scene():
  heads = random_heads(SPEC, SIZE, 8)
  fuse = jax.jit(partial(joint_fusion, spec=SPEC, size=SIZE))
  return heads, fuse(*heads)


def assert_nearly_all_equal(answer, expected):
  assert (np.asarray(answer) == np.asarray(expected)).mean() > 0.999  # near ties round


def test_the_dense_scan_gives_the_same_answer(scene):
  heads, expected = scene
  answer = jax.jit(partial(scan_fusion, spec=SPEC))(*heads)
  for name in ("semantic", "instance", "part"):
    assert_nearly_all_equal(getattr(answer, name), getattr(expected, name))
  assert len(np.unique(expected.instance)) > 4
