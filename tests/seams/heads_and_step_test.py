"""Networks with some of the heads: a training step, and what is made of their outputs."""

from functools import partial

import jax
import numpy as np
import pytest

from jppf_jax import build
from jppf_jax.evaluation.compare import fuse_both
from jppf_jax.fusion.config import FusionConfig
from jppf_jax.labels.registry import load_spec
from jppf_jax.structs import Batch, Detections, Outputs, RPNOutputs
from jppf_jax.training.parallel import AXIS
from jppf_jax.training.state import create_state
from jppf_jax.training.step import make_step
from tests import tiny

SIZE = (64, 96)
PANOPTIC = ("semantic", "instance")
INSTANCE_LOSSES = {"rpn_objectness", "rpn_box", "box_class", "box_deltas", "mask"}


def batch():
  """The shapes of two images with at most four objects, as one replica of the step gets them."""
  maps = [np.zeros((2, *SIZE), np.int32)] * 3
  objects = np.zeros((2, 4, 4), np.float32), np.zeros((2, 4), np.int32), np.ones((2, 4), bool)
  one = Batch(np.zeros((2, *SIZE, 3), np.uint8), *maps, *objects, np.int32([SIZE] * 2))
  return jax.tree.map(lambda x: x[None], one)


@pytest.mark.parametrize("heads", [PANOPTIC, ("part",)])
def test_a_step_has_the_losses_and_the_parameters_of_its_heads(tmp_path, heads):
  run = build.training(tiny.config(tmp_path, **{"model.heads": heads}), axis_name=AXIS)
  step = make_step(
    run.model,
    run.optimizer,
    learning_rate=run.learning_rate,
    anchors_per_image=16,
    regions_per_image=8,
    freeze_norm=False,
    loss_weights=run.loss_weights,
  )
  shapes = build.variable_shapes(run.model)
  state = jax.eval_shape(partial(create_state, optimizer=run.optimizer), shapes)
  before = jax.tree.map(lambda x: jax.ShapeDtypeStruct((1, *x.shape), x.dtype), state)
  after, metrics = jax.eval_shape(jax.pmap(step, axis_name=AXIS), before, batch())
  losses = {name.removeprefix("loss/") for name in metrics if name.startswith("loss/")}
  assert losses == set(heads) - {"instance"} | (INSTANCE_LOSSES if "instance" in heads else set())
  assert after.params.keys() == shapes["params"].keys()
  assert {name for name in after.params if name.endswith("head")} == {
    module for head in heads for module in modules_of(head)
  }


def modules_of(head):
  return ("rpn_head", "box_head", "mask_head") if head == "instance" else (f"{head}_head",)


def outputs(heads, spec):
  """Outputs of a network in inference, for one image."""
  channels = {"semantic": spec.num_classes, "part": spec.num_part_outputs}
  maps = {
    name: np.zeros((1, SIZE[0] // 4, SIZE[1] // 4, count if name in heads else 0), np.float32)
    for name, count in channels.items()
  }
  if "instance" not in heads:
    return Outputs(**maps)
  scores, labels, valid = (np.ones((1, 2), kind) for kind in (np.float32, np.int32, bool))
  boxes, masks = np.zeros((1, 2, 4), np.float32), np.zeros((1, 2, 28, 28), np.float32)
  found = Detections(boxes, labels, scores, masks, valid)
  return Outputs(**maps, rpn=RPNOutputs({}, {}), detections=found)


@pytest.mark.parametrize(
  "heads, answers",
  [
    (PANOPTIC, {"panoptic", "semantic", "detections"}),
    (("part",), {"part"}),
    (("semantic", "part"), {"semantic", "part"}),
    (("instance",), {"detections"}),
  ],
)
def test_what_needs_a_head_that_does_not_exist_is_none(heads, answers):
  spec = load_spec("cpp_grouped")
  fuse = partial(fuse_both, spec=spec, size=SIZE, config=FusionConfig())
  found = jax.eval_shape(fuse, outputs(heads, spec))
  assert {name for name, value in vars(found).items() if value is not None} == answers
  if found.panoptic is not None:
    assert found.panoptic.part.shape == found.semantic.shape == (1, *SIZE)
