"""The step on one device and on two.

Two devices need a process of their own, because their number is fixed when JAX starts.
"""

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
from jppf_jax.training.state import create_state
from jppf_jax.training.step import make_step
from tests import tiny

ROOT = Path(__file__).parents[2]


def setting(folder: Path, *, heads: tuple = ("part", "instance"), freeze_norm: bool = False):
  """Returns the step of the smoke config, a state and a batch, the same in each process.

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
    freeze_norm=freeze_norm,
  )
  rng = np.random.default_rng(0)

  def random(leaf):
    return rng.normal(0, 0.1, leaf.shape).astype(np.float32)

  shapes = build.variable_shapes(model)
  params = jax.tree.map(random, shapes["params"])
  stats = jax.tree.map(lambda leaf: np.ones(leaf.shape, np.float32), shapes["batch_stats"])
  state = create_state({"params": params, "batch_stats": stats}, optimizer)
  batch, _ = next(build.train_iterator(config, spec))
  return step, state, batch


@pytest.fixture(scope="module")
def two_steps(tmp_path_factory):
  """Returns the folder of the data, the metrics of two steps on one device, and the last state.

  The second step must not move data between host and device.
  """
  folder = tmp_path_factory.mktemp("step")
  step, state, batch = setting(folder)
  runner = make_runner("shard_map", step)
  batch = runner.put_batch(batch)
  state, first = runner(runner.put_state(state), batch)
  with jax.transfer_guard("disallow"):
    state, second = runner(state, batch)
  return folder, jax.device_get(first), jax.device_get(second), runner.get_state(state)


def test_a_step_learns_without_moving_data_between_host_and_device(two_steps):
  _, first, second, state = two_steps
  assert np.isfinite(list(first.values())).all()
  assert second["loss"] != first["loss"]
  statistics = jax.tree.leaves(state.batch_stats)
  assert all((leaf != 1).any() for leaf in statistics)  # unlike in the next test


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
