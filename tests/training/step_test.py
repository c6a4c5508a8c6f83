"""The step on one device and on two; two need a process of their own, because devices are fixed
when JAX starts.
"""

import os
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


def setting(folder: Path, *, freeze_norm: bool = False):
  """Returns the step of the smoke config, a state that is the same in every process, and a batch."""
  config = tiny.config(folder)
  spec = build.label_spec(config)
  model = build.model(config, spec, axis_name=AXIS)
  _, optimizer, rate = build.optimization(config)
  rng = np.random.default_rng(0)
  shapes = build.variable_shapes(model)
  params = jax.tree.map(lambda x: rng.normal(0, 0.1, x.shape).astype(np.float32), shapes["params"])
  stats = jax.tree.map(lambda x: np.ones(x.shape, np.float32), shapes["batch_stats"])
  state = create_state({"params": params, "batch_stats": stats}, optimizer)
  samples = {"anchors_per_image": 32, "regions_per_image": 16}
  step = make_step(model, optimizer, seed=0, rate=rate, freeze_norm=freeze_norm, **samples)
  return step, state, next(build.train_iterator(config, spec))[0]


@pytest.fixture(scope="module")
def two_steps(tmp_path_factory):
  """Returns the folder of the data, the metrics of two steps on one device, and the state after
  them.

  The second step may move nothing between host and device.
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
  assert np.isfinite(list(first.values())).all() and second["loss"] != first["loss"]
  assert all(
    (leaf != 1).any() for leaf in jax.tree.leaves(state.batch_stats)
  )  # unlike in the next test


def test_frozen_norms_keep_parameters_and_statistics_to_the_bit(tmp_path):
  step, state, batch = setting(tmp_path, freeze_norm=True)

  def norms(state):
    flat = traverse_util.flatten_dict(state.params)
    owners = {path[:-1] for path in flat if path[-1] == "scale"}
    return {path: leaf for path, leaf in flat.items() if path[:-1] in owners}, state.batch_stats

  mesh = jax.sharding.Mesh(np.array(jax.devices()[:1]), (AXIS,))
  stepped = jax.shard_map(
    lambda state, batch: norms(step(state, batch)[0]),
    mesh=mesh,
    in_specs=P(),
    out_specs=P(),
    check_vma=False,
  )
  after = jax.jit(stepped)(state, batch)  # nothing else is asked for, so nothing else is compiled
  assert len(after[0]) > 100
  jax.tree.map(np.testing.assert_array_equal, after, norms(state))


def test_two_devices_take_the_step_of_one_and_pmap_that_of_shard_map(two_steps):
  folder, single, *_ = two_steps
  code = (
    "import jax, sys, numpy as np; jax.config.update('jax_num_cpu_devices', 2)\n"
    "from pathlib import Path; from tests.training.step_test import make_runner, setting\n"
    "step, state, batch = setting(Path(sys.argv[1]))\n"
    "runner = make_runner('pmap', step)\n"
    "_, metrics = runner(runner.put_state(state), runner.put_batch(batch))\n"
    "np.savez(Path(sys.argv[1], 'two_devices'), **jax.device_get(metrics))\n"
  )
  # jaxlib 0.10 loads CPU programs from its cache with all reductions under one number: they mix,
  # and memory is lost
  environment = os.environ | {"JAX_ENABLE_COMPILATION_CACHE": "false"}
  command = [sys.executable, "-c", code, str(folder)]
  done = subprocess.run(
    command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900
  )
  assert done.returncode == 0, done.stderr
  two = np.load(folder / "two_devices.npz")
  for name, value in single.items():
    np.testing.assert_allclose(two[name], value, rtol=2e-3, err_msg=name)
