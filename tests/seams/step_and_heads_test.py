"""One training step through all heads: every loss teaches, every norm is shared, every step samples
anew.
"""

import dataclasses

import jax
import numpy as np
import optax
import pytest

from jppf_jax import build
from jppf_jax.training.parallel import AXIS
from jppf_jax.training.state import create_state
from jppf_jax.training.step import make_step
from tests import tiny

HEADS = ("semantic_head", "part_head", "rpn_head", "box_head", "mask_head")


@dataclasses.dataclass
class Replicas:
  """The step of two replicas side by side (`jax.vmap` over the mapped axis), and its input."""

  step: object
  state: object
  batch: object

  def __call__(self, state):
    return self.step(state, self.batch)


@pytest.fixture(scope="module")
def replicas(tmp_path_factory):
  """Two replicas with one image each; plain SGD without decay, so that only gradients move."""
  config = tiny.config(tmp_path_factory.mktemp("seams"), **{"data.batch_size": 2})
  run = build.training(config, axis_name=AXIS)
  optimizer = optax.sgd(1e-3)
  variables = build.init_variables(jax.random.key(0), run.model)
  step = make_step(
    run.model,
    optimizer,
    learning_rate=optax.constant_schedule(1e-3),
    anchors_per_image=16,
    regions_per_image=8,
    freeze_norm=False,
  )
  batch = next(build.train_iterator(config, run.spec))[0]
  split = jax.tree.map(lambda x: x.reshape(2, 1, *x.shape[1:]), batch)
  mapped = jax.jit(jax.vmap(step, in_axes=(None, 0), axis_name=AXIS))
  return Replicas(mapped, create_state(variables, optimizer), split)


@pytest.fixture(scope="module")
def stepped(replicas):
  """Returns the states of both replicas after one step, and the metrics."""
  return jax.device_get(replicas(replicas.state))


@pytest.mark.parametrize("head", HEADS)
def test_each_head_learns_from_its_loss(replicas, stepped, head):
  before, after = replicas.state.params[head], stepped[0].params[head]
  moved = jax.tree.map(lambda a, b: np.abs(b[0] - a).max(), before, after)
  kernels = [value for value in jax.tree.leaves(moved) if value > 0]
  assert len(kernels) > len(jax.tree.leaves(moved)) / 2


def test_the_loss_is_the_sum_of_its_terms(stepped):
  metrics = {name: value[0] for name, value in stepped[1].items()}
  terms = [value for name, value in metrics.items() if name.startswith("loss/")]
  assert len(terms) >= 6 and "loss/part" in metrics
  np.testing.assert_allclose(metrics["loss"], sum(terms), rtol=1e-5)


def test_replicas_that_saw_different_images_record_the_same_statistics(replicas, stepped):
  flat = jax.tree_util.tree_leaves_with_path(stepped[0].batch_stats)
  before = jax.tree.leaves(replicas.state.batch_stats)
  for (path, leaf), old in zip(flat, before, strict=True):
    name = jax.tree_util.keystr(path)
    np.testing.assert_array_equal(leaf[0], leaf[1], err_msg=name)
    assert not np.array_equal(leaf[0], old), name


def test_what_an_image_covers_counts_in_every_loss_that_could_see_padding(replicas, stepped):
  def halve(path, field):
    return field // 2 if path[-1].name == "covered" else field

  smaller = jax.tree_util.tree_map_with_path(halve, replicas.batch)
  metrics = jax.device_get(replicas.step(replicas.state, smaller)[1])
  for name in ("semantic", "part", "rpn_objectness", "box_class"):
    whole, covered = stepped[1][f"loss/{name}"][0], metrics[f"loss/{name}"][0]
    assert whole != covered, name
  # the hardest quarter of a quarter of the pixels is harder than that of all
  assert metrics["loss/semantic"][0] > 1.05 * stepped[1]["loss/semantic"][0]


def test_each_step_samples_anew_and_the_same_step_the_same(replicas):
  state = replicas.state
  later = dataclasses.replace(state, step=np.asarray(state.step + 1))
  seeded = dataclasses.replace(state, seed=np.asarray(state.seed + 1))
  states = (state, state, later, seeded)
  first, again, second, other_seed = (jax.device_get(replicas(s)[1]) for s in states)
  assert first["loss/rpn_objectness"][0] != other_seed["loss/rpn_objectness"][0]
  assert first["loss/box_class"][0] != other_seed["loss/box_class"][0]
  assert first["loss/rpn_objectness"][0] == again["loss/rpn_objectness"][0]
  assert first["loss/box_class"][0] == again["loss/box_class"][0]
  assert first["loss/rpn_objectness"][0] != second["loss/rpn_objectness"][0]
  assert first["loss/box_class"][0] != second["loss/box_class"][0]
  assert first["loss/semantic"][0] == second["loss/semantic"][0]
