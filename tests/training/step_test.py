"""The step on one device and on two; two need a process of their own, because devices are fixed when JAX starts."""

import subprocess
import sys
from pathlib import Path

import jax
import numpy as np

from jppf_jax import build
from jppf_jax.training.parallel import make_runner
from jppf_jax.training.state import create_state
from jppf_jax.training.step import make_step
from tests import tiny

ROOT = Path(__file__).parents[2]


def one_step(folder: Path, runner_name: str) -> dict[str, np.ndarray]:
  """Takes one step of the smoke config on all devices, from weights that are the same in every process."""
  config = tiny.config(folder)
  model = build.model(config, build.label_spec(config), axis_name="batch")
  _, optimizer, rate = build.optimization(config)
  rng = np.random.default_rng(0)
  shapes = build.variable_shapes(model)
  params = jax.tree.map(lambda x: rng.normal(0, 0.1, x.shape).astype(np.float32), shapes["params"])
  stats = jax.tree.map(lambda x: np.ones(x.shape, np.float32), shapes["batch_stats"])
  state = create_state({"params": params, "batch_stats": stats}, optimizer)
  step = make_step(model, optimizer, seed=0, rate=rate, anchors_per_image=32, regions_per_image=16, freeze_norm=False)
  batch, _ = next(build.train_iterator(config, build.label_spec(config)))
  runner = make_runner(runner_name, step)
  _, metrics = runner(runner.put_state(state), batch)
  return {name: np.asarray(value) for name, value in metrics.items()}


def test_two_devices_take_the_step_of_one(tmp_path):
  single = one_step(tmp_path, "pmap")
  assert np.isfinite(list(single.values())).all()
  code = (
    "import jax, sys, numpy as np; jax.config.update('jax_num_cpu_devices', 2)\n"
    "from pathlib import Path; from tests.training.step_test import one_step\n"
    "for name in ('pmap', 'shard_map'):\n"
    "  np.savez(Path(sys.argv[1], name), **one_step(Path(sys.argv[1]), name))\n"
  )
  done = subprocess.run(
    [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=900
  )
  assert done.returncode == 0, done.stderr
  with_pmap, with_shard_map = (np.load(tmp_path / f"{name}.npz") for name in ("pmap", "shard_map"))
  for name, value in single.items():
    np.testing.assert_allclose(with_pmap[name], value, rtol=2e-3, err_msg=name)
    np.testing.assert_allclose(with_shard_map[name], with_pmap[name], rtol=1e-6, err_msg=name)
