"""Both runners over one small step; on several devices in a subprocess, because devices are fixed
when JAX starts.
"""

import json
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from jppf_jax.training.parallel import AXIS, RUNNERS, check_divisible, make_runner

ROOT = Path(__file__).parents[2]


def step(state, batch):
  """Least squares: the gradient is the mean over all replicas."""
  grad = jax.grad(lambda w: ((batch["x"] @ w - batch["y"]) ** 2).mean())(state["w"])
  grad = jax.lax.pmean(grad, AXIS)
  return {"w": state["w"] - 0.1 * grad}, {"norm": jax.numpy.abs(grad).sum()}


def run(name: str, steps: int = 3) -> tuple[list[float], float]:
  rng = np.random.default_rng(0)
  batch = {
    "x": rng.normal(size=(8, 3)).astype(np.float32),
    "y": rng.normal(size=8).astype(np.float32),
  }
  runner = make_runner(name, step)
  state = runner.put_state({"w": np.zeros(3, np.float32)})
  for _ in range(steps):
    state, metrics = runner(state, runner.put_batch(batch))
  return runner.get_state(state)["w"].tolist(), float(metrics["norm"])


@pytest.mark.parametrize("name", RUNNERS)
def test_states_go_in_and_come_out_as_host_arrays(name):
  runner = make_runner(name, step)
  state = {"w": np.arange(3, dtype=np.float32)}
  back = runner.get_state(runner.put_state(state))
  assert isinstance(back["w"], np.ndarray)
  np.testing.assert_array_equal(back["w"], state["w"])


def test_pmap_shard_map_and_a_single_device_give_the_same_numbers():
  code = (
    "import jax, json; jax.config.update('jax_num_cpu_devices', 4)\n"
    "jax.config.update('jax_enable_compilation_cache', False)\n"  # see step_test.py
    "from tests.training.parallel_test import run\n"
    "print(json.dumps([jax.device_count(), run('pmap'), run('shard_map')]))"
  )
  output = subprocess.run(
    [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
  )
  assert output.returncode == 0, output.stderr
  devices, with_pmap, with_shard_map = json.loads(output.stdout.splitlines()[-1])
  assert devices == 4
  assert with_pmap == with_shard_map
  np.testing.assert_allclose(with_pmap[0], run("pmap")[0], rtol=1e-5)


@pytest.mark.parametrize("name", RUNNERS)
def test_a_step_on_what_was_put_moves_no_data(name):
  runner = make_runner(name, step)
  batch = {"x": np.ones((8, 3), np.float32), "y": np.ones(8, np.float32)}
  state, _ = runner(runner.put_state({"w": np.zeros(3, np.float32)}), runner.put_batch(batch))
  on_device = runner.put_batch(batch)
  with jax.transfer_guard("disallow"):
    state, metrics = runner(state, on_device)
    with pytest.raises(Exception, match="Disallowed host-to-device transfer"):
      runner(state, jax.tree.map(np.asarray, on_device))
  assert np.isfinite(metrics["norm"])


@pytest.mark.parametrize("name", RUNNERS)
def test_a_batch_that_does_not_divide_is_refused_before_it_travels(name, monkeypatch):
  runner = make_runner(name, step)
  monkeypatch.setattr(jax, "local_device_count", lambda: 4)
  with pytest.raises(
    ValueError, match="batch of 6 images per process does not divide by its 4 devices"
  ):
    runner.put_batch({"x": np.zeros((6, 3), np.float32)})


def test_a_batch_that_does_not_divide_says_what_would():
  with pytest.raises(
    ValueError,
    match="batch of 6 images per process does not divide by its 4 devices.*multiple of 4",
  ):
    check_divisible(6, 4)


def test_an_unknown_runner_is_an_error():
  with pytest.raises(ValueError, match="config.parallel must be one of .*pmap.*'xmap'"):
    make_runner("xmap", step)
