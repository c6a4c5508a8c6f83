"""The fusion in PyTorch gives the answer of the one in JAX; runs where PyTorch is installed."""

import warnings
from functools import partial

import jax
import numpy as np
import pytest

from jppf_jax.benchmarks.fusion import random_heads
from jppf_jax.benchmarks.torch_fusion import torch_fusion
from jppf_jax.fusion.joint import joint_fusion
from tests.fusion.scenes import SPEC


def test_the_fusion_in_pytorch_gives_the_same_answer():
  pytest.importorskip("torch")
  size = (96, 160)
  heads = random_heads(SPEC, size, 8)
  expected = jax.jit(partial(joint_fusion, spec=SPEC, size=size))(*heads)
  fuse = torch_fusion(*heads, spec=SPEC)
  with warnings.catch_warnings():
    warnings.simplefilter("error")
    semantic, instance = fuse()
  for answer, wanted in ((semantic, expected.semantic), (instance, expected.instance)):
    assert (answer == np.asarray(wanted)).mean() > 0.999  # near ties round
  assert len(np.unique(instance)) > 4
