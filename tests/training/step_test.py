"""The step on one device and on two.

Two devices need a process of their own, because their number is fixed when JAX starts.
"""

import dataclasses
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from flax import traverse_util
from jax.sharding import PartitionSpec as P

from jppf_jax import build
from jppf_jax.training.parallel import AXIS, make_runner
from jppf_jax.training.state import average, create_state
from jppf_jax.training.step import make_step
from tests import tiny

ROOT = Path(__file__).parents[2]


def setting(folder: Path, *, heads: tuple = ("part", "instance"), **of_step):
  """Returns the step of the smoke config, a state and a batch, the same in each process.

  The state has a moving average of the weights, whose decay is 0.5.

  There is no semantic head, which is as the part head: compilation is what takes time here.
  """
  config = tiny.config(folder, **{"model.heads": heads})
  spec = build.label_spec(config)
  model = build.model(config, spec, axis_name=AXIS)
  _, optimizer, schedule = build.optimization(config)
  step = make_step(
    model,
    optimizer,
    learning_rate=schedule,
    anchors_per_image=32,
    regions_per_image=16,
    ema_decay=0.5,
    **{"freeze_norm": False, **of_step},
  )
  rng = np.random.default_rng(0)

  def random(leaf):
    return rng.normal(0, 0.1, leaf.shape).astype(np.float32)

  shapes = build.variable_shapes(model)
  params = jax.tree.map(random, shapes["params"])
  stats = jax.tree.map(lambda leaf: np.ones(leaf.shape, np.float32), shapes["batch_stats"])
  state = create_state({"params": params, "batch_stats": stats}, optimizer, ema=True)
  batch, _ = next(build.train_iterator(config, spec))
  return step, state, batch


@pytest.fixture(scope="module")
def two_steps(tmp_path_factory):
  """Returns the folder of the data, the metrics of two steps on one device, and the three states;
  then the losses of the first state by (seed, step).

  The second step must not move data between host and device.
  """
  folder = tmp_path_factory.mktemp("step")
  step, state, batch = setting(folder)
  runner = make_runner("shard_map", step)
  batch = runner.put_batch(batch)
  states = [state]
  state, first = runner(runner.put_state(state), batch)
  states.append(runner.get_state(state))
  with jax.transfer_guard("disallow"):
    state, second = runner(state, batch)
  states.append(runner.get_state(state))
  losses = {}
  for seed, number in [(0, 0), (0, 1), (1, 0), (0, 0)]:
    told = dataclasses.replace(
      states[0], seed=np.array(seed, np.int32), step=np.array(number, np.int32)
    )
    _, metrics = runner(runner.put_state(told), batch)
    losses.setdefault((seed, number), []).append(float(metrics["loss"]))
  return folder, jax.device_get(first), jax.device_get(second), states, losses


def test_samples_depend_on_the_seed_and_on_the_step(two_steps):
  *_, losses = two_steps
  assert losses[0, 0][0] == losses[0, 0][1]
  assert len({values[0] for values in losses.values()}) == 3


def test_a_step_learns_without_moving_data_between_host_and_device(two_steps):
  _, first, second, [*_, state], _ = two_steps
  assert np.isfinite(list(first.values())).all()
  assert second["loss"] != first["loss"]
  statistics = jax.tree.leaves(state.batch_stats)
  assert all((leaf != 1).any() for leaf in statistics)  # unlike in the next test


def test_a_step_averages_the_weights(two_steps):
  *_, [start, first, second], _ = two_steps
  assert (first.ema != start.ema).any() and (second.ema != first.ema).any()
  for step, (before, after) in enumerate([(start, first), (first, second)]):
    new = average(before.ema, after.params, after.batch_stats, before.step, 0.5)
    np.testing.assert_allclose(after.ema, new, rtol=1e-4, atol=1e-6)
    assert before.step == step


def test_a_step_in_two_parts_is_that_of_the_whole_batch(tmp_path):
  found = []
  for parts in (1, 2):
    options = {"freeze_norm": True, "accumulate": parts}  # norms in training see one part
    step, state, batch = setting(tmp_path, heads=("instance",), **options)
    runner = make_runner("shard_map", step)
    state, metrics = runner(runner.put_state(state), runner.put_batch(batch))
    found.append((jax.device_get(metrics), runner.get_state(state)))
  (whole, after), (in_parts, after_parts) = found
  assert whole["loss/mask"] > 0 and whole["loss/box_deltas"] > 0
  for name, value in whole.items():
    np.testing.assert_allclose(in_parts[name], value, rtol=1e-4, err_msg=name)
  for one, other in zip(jax.tree.leaves(after), jax.tree.leaves(after_parts), strict=True):
    np.testing.assert_allclose(other, one, rtol=1e-3, atol=1e-5)


def test_frozen_norms_keep_exactly_their_parameters_and_statistics(tmp_path):
  step, state, batch = setting(tmp_path, heads=("part",), freeze_norm=True)

  def norms(state):
    flat = traverse_util.flatten_dict(state.params)
    layers = {path[:-1] for path in flat if path[-1] == "scale"}
    return {path: value for path, value in flat.items() if path[:-1] in layers}, state.batch_stats

  def norms_after_step(state, batch):
    after, _ = step(state, batch)
    return norms(after)

  mesh = jax.sharding.Mesh(np.array(jax.devices()[:1]), (AXIS,))
  stepped = jax.shard_map(norms_after_step, mesh=mesh, in_specs=P(), out_specs=P(), check_vma=False)
  parameters, statistics = jax.jit(stepped)(state, batch)  # compiles only what these two need
  assert len(parameters) > 100
  jax.tree.map(np.testing.assert_array_equal, (parameters, statistics), norms(state))


def test_pmap_on_two_devices_gives_the_metrics_of_shard_map_on_one(two_steps):
  folder, single, *_ = two_steps
  code = (
    "import jax, sys, numpy as np; jax.config.update('jax_num_cpu_devices', 2)\n"
    "from pathlib import Path; from tests.training.step_test import make_runner, setting\n"
    "step, state, batch = setting(Path(sys.argv[1]))\n"
    "runner = make_runner('pmap', step)\n"
    "_, metrics = runner(runner.put_state(state), runner.put_batch(batch))\n"
    "np.savez(Path(sys.argv[1], 'two_devices'), **jax.device_get(metrics))\n"
  )
  command = [sys.executable, "-c", code, str(folder)]
  done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
  assert done.returncode == 0, done.stderr
  two = np.load(folder / "two_devices.npz")
  for name, value in single.items():
    np.testing.assert_allclose(two[name], value, rtol=2e-3, err_msg=name)
