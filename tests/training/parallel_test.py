"""Both runners with one small step.

Several devices need a process of their own, because their number is fixed when JAX starts.
"""

import json
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental.compilation_cache import compilation_cache

from jppf_jax.training.parallel import (
  AXIS,
  RUNNERS,
  avoid_unsafe_cache,
  check_divisible,
  make_runner,
)

ROOT = Path(__file__).parents[2]


def step(state, batch):
  """Least squares: the gradient is the mean over all replicas."""

  def objective(w):
    errors = batch["x"] @ w - batch["y"]
    return (errors**2).mean()

  gradient = jax.lax.pmean(jax.grad(objective)(state["w"]), AXIS)
  return {"w": state["w"] - 0.1 * gradient}, {"norm": jnp.abs(gradient).sum()}


def random_batch(rng, count):
  x, y = rng.normal(size=(count, 3)), rng.normal(size=count)
  return {"x": x.astype(np.float32), "y": y.astype(np.float32)}


def run(name: str, steps: int = 3) -> tuple[list[float], float]:
  batch = random_batch(np.random.default_rng(0), 8)
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
def test_a_step_moves_no_data_between_host_and_device(name):
  runner = make_runner(name, step)
  state = runner.put_state({"w": np.zeros(3, np.float32)})
  batch = runner.put_batch({"x": np.ones((8, 3), np.float32), "y": np.ones(8, np.float32)})
  state, _ = runner(state, batch)  # compiles
  with jax.transfer_guard("disallow"):
    state, metrics = runner(state, batch)
    with pytest.raises(Exception, match="Disallowed host-to-device transfer"):
      runner(state, jax.tree.map(np.asarray, batch))
  assert np.isfinite(metrics["norm"])


@pytest.mark.parametrize("name", RUNNERS)
def test_a_batch_that_does_not_divide_is_refused_before_it_is_copied(name, monkeypatch):
  runner = make_runner(name, step)
  monkeypatch.setattr(jax, "local_device_count", lambda: 4)
  with pytest.raises(ValueError, match="batch of 6 images does not divide by 4 devices"):
    runner.put_batch({"x": np.zeros((6, 3), np.float32)})


def test_the_error_for_a_batch_that_does_not_divide_says_which_sizes_do():
  with pytest.raises(ValueError, match="batch of 6 images .* by 4 devices.*multiple of"):
    check_divisible(6, 4)


def test_an_unknown_runner_is_an_error():
  with pytest.raises(ValueError, match="config.parallel must be one of .*pmap.*'xmap'"):
    make_runner("xmap", step)


@pytest.mark.parametrize("name", RUNNERS)
def test_the_step_is_compiled_once(name, caplog):
  def new_step(state, batch):  # one that no other test has compiled
    return step(state, batch)

  runner = make_runner(name, new_step)
  batch = {"x": np.ones((8, 3), np.float32), "y": np.ones(8, np.float32)}
  state = runner.put_state({"w": np.zeros(3, np.float32)})
  with jax.log_compiles(), caplog.at_level("WARNING"):
    for _ in range(3):
      state, _ = runner(state, runner.put_batch(batch))
  of_batch = "8,3]"  # the shape of what only the step takes
  compiled = [r.message for r in caplog.records if r.message.startswith("Compiling")]
  assert sum(of_batch in message for message in compiled) == 1, compiled


@pytest.fixture
def cached(tmp_path):
  """An empty compilation cache that takes every program; returns its folder."""
  names = {
    "jax_compilation_cache_dir": str(tmp_path),
    "jax_enable_compilation_cache": True,
    "jax_persistent_cache_min_compile_time_secs": 0,
    "jax_persistent_cache_min_entry_size_bytes": -1,
  }
  before = {name: getattr(jax.config, name) for name in names}
  for values in (names, before):
    for name, value in values.items():
      jax.config.update(name, value)
    compilation_cache.reset_cache()
    if values is names:
      yield tmp_path


@pytest.mark.parametrize(
  "platform, devices, used", [("cpu", 4, False), ("cpu", 1, True), ("gpu", 4, True)]
)
def test_several_cpu_devices_do_not_use_the_cache(
  cached, monkeypatch, caplog, platform, devices, used
):
  jax.jit(lambda x: x + devices)(1)  # now JAX has decided to use the cache
  before = set(cached.iterdir())
  with monkeypatch.context() as patch:
    patch.setattr(jax, "default_backend", lambda: platform)
    patch.setattr(jax, "device_count", lambda: devices)
    avoid_unsafe_cache()
    avoid_unsafe_cache()
  jax.jit(lambda x: x * devices)(1)
  assert before and (set(cached.iterdir()) > before) == used
  lines = [record.message for record in caplog.records if "cache" in record.message]
  assert len(lines) == (not used), lines
