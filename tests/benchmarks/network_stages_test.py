import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jppf_jax.benchmarks.network_stages import IMAGE, STAGES, WHOLE, network
from jppf_jax.labels.registry import load_spec
from tests.model_test import small_model
from tests.random_variables import random_variables

PHOTO = np.random.default_rng(0).integers(0, 256, (1, 64, 96, 3), np.uint8)


@pytest.fixture(scope="module")
def results():
  """What each stage computes, by name, in one program."""
  net = small_model()
  variables = random_variables(net, PHOTO, train=False)

  def run(variables, image):
    found = {IMAGE: image}
    for stage in STAGES:
      inputs = [found[name] for name in stage.inputs]
      found[stage.name] = net.apply(variables, *inputs, method=stage.function)
    return found

  return jax.jit(run, compiler_options={"xla_backend_optimization_level": 0})(variables, PHOTO)


def test_the_stages_in_a_row_are_the_network(results):
  whole = results[WHOLE]
  found, detections = results["detections, NMS"], whole.detections
  masks = np.take_along_axis(
    np.asarray(results["mask head"]), np.asarray(found.labels)[..., None, None, None], -1
  )
  pairs = {
    "semantic head": (results["semantic head"], whole.semantic),
    "part head": (results["part head"], whole.part),
    "RPN head": (results["RPN head"], whole.rpn),
    "proposals, NMS": (results["proposals, NMS"], whole.proposals),
    "detections, NMS": (found.boxes, detections.boxes),
    "mask head": (masks[..., 0], detections.mask_logits),
  }
  for ours, expected in pairs.values():
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(expected), strict=True):
      np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
  assert detections.valid.any()


def test_each_result_but_the_last_ones_is_read_by_another_stage():
  read = {name for stage in STAGES for name in stage.inputs}
  assert read - {stage.name for stage in STAGES} == {IMAGE}
  unread = {stage.name for stage in STAGES} - read
  assert unread == {"semantic head", "part head", "mask head", WHOLE}


def test_the_network_is_the_paper_s():
  net = network("b3", load_spec("cpp_grouped"), jnp.bfloat16, 30)
  assert net.encoder.variant == "b3" and net.mask_head.num_things == 8
  assert net.max_detections == 30 and net.score_threshold == 0  # random weights detect too
  assert net.semantic_head.num_outputs == 19 and net.part_head.num_outputs == 10
  parts = (net.encoder, net.fpn, net.rpn_head, net.box_head, net.mask_head, net.part_head)
  assert {part.dtype for part in parts} == {jnp.bfloat16}
