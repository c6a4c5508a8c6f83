"""What is measured of a step; the step itself is a small one."""

import json

import jax
import jax.numpy as jnp
import pytest
from PIL import Image

from jppf_jax.benchmarks import train as benchmark
from jppf_jax.benchmarks.train import BACKWARD, FORWARD, REDUCE, STEP, UPDATE
from jppf_jax.training import starting
from jppf_jax.training.parallel import AXIS
from jppf_jax.training.state import TrainState
from jppf_jax.training.step import make_update

SIDE = 64
FLOPS = 2 * SIDE**3  # of a product of two squares


@pytest.fixture
def small_step(monkeypatch):
  """A state of one square matrix; the step multiplies it, and its optimizer is the config's."""

  def step_of(run, *, freeze_norm):
    update = make_update(run.optimizer, freeze_norm=freeze_norm, ema_decay=0.0)

    def step(state, batch):
      def loss(params):
        return ((params["w"] @ jnp.sin(params["w"])) ** 2).sum() + batch.image.sum()

      value, gradient = jax.value_and_grad(loss)(state.params)
      gradient = jax.lax.pmean(gradient, AXIS)
      norm = jnp.linalg.norm(gradient["w"])
      metrics = {"loss": value, "loss/part": value, "grad_norm": norm}
      return update(state, state.batch_stats, gradient), metrics

    return step

  def initial_state(config, run):
    params = {"w": jnp.full((SIDE, SIDE), 1e-3)}
    zero = jnp.zeros((), jnp.int32)
    return TrainState(zero, params, {}, run.optimizer.init(params), zero)

  monkeypatch.setattr(starting, "step_of", step_of)
  monkeypatch.setattr(starting, "initial_state", initial_state)


@pytest.fixture
def config(tiny_run):
  changed = tiny_run.config.copy_and_resolve_references()
  with changed.unlocked():
    changed.data.batch_size = 2
  return changed


def test_the_parts_of_a_step_are_measured_printed_written_and_drawn(
  small_step, config, tmp_path, capsys, monkeypatch
):
  real_loop = benchmark._loop
  looped = []

  def loop(*arguments):
    looped.append(real_loop(*arguments))
    return 0.5, 1.5

  monkeypatch.setattr(benchmark, "_loop", loop)
  out, picture = tmp_path / "train.json", tmp_path / "train.png"
  seen = []

  def rivals(batch):
    assert batch.image.shape[0] == 2
    return {STEP: lambda: seen.append(batch.image.shape)}

  settings = {"config": config, "repeats": 2, "picture": picture}
  report = benchmark.run(out, **settings, rival="other", rivals=rivals)
  assert json.loads(out.read_text()) == report
  assert [row["part"] for row in report["parts"]] == [FORWARD, BACKWARD, UPDATE, STEP]
  assert all(row["seconds"] >= 0 for row in report["parts"])
  assert report["parts"][-1]["rival_seconds"] > 0 and len(seen) == 3  # one to warm up
  assert report["gradient_mb"] == pytest.approx(4 * SIDE**2 / 1e6)
  assert 3 * FLOPS < 1e9 * report["gflop"] < 4 * FLOPS
  assert report["share_of_peak"] is None and report["input"]["read"] > 0
  ((waiting, stepping),) = looped
  assert waiting >= 0 and stepping > 0
  assert report["input"]["wait"] == 0.5 and report["images_per_second"] == 2 / (0.5 + 1.5)
  with Image.open(picture) as image:
    assert image.size[0] > 500
  shown = capsys.readouterr().out
  assert "A step of B0, 64 x 128, 2 images, float32" in shown and "waiting for it" in shown
  assert max(map(len, shown.splitlines())) <= 80


def test_each_program_does_its_part_only(small_step, config):
  training, _ = starting.checked(config)
  batch, _ = next(benchmark.build.train_iterator(config, training.spec))
  programs = benchmark._compile(training, starting.initial_state(config, training), batch)
  products = {
    name: round(program.compiled.cost_analysis()["flops"] / FLOPS)
    for name, program in programs.items()
  }
  assert products == {FORWARD: 1, UPDATE: 0, STEP: 3}


def test_the_backward_pass_is_what_the_other_parts_leave():
  seconds = {FORWARD: 3.0, REDUCE: 1.0, UPDATE: 0.5, STEP: 11.0}
  theirs = {("rival", FORWARD): 4.0, ("rival", UPDATE): 1.0, ("rival", STEP): 9.5}
  rows = benchmark._rows(seconds | theirs)
  assert [tuple(row.values()) for row in rows] == [
    (FORWARD, 3.0, 4.0),
    (BACKWARD, 6.5, 4.5),
    (REDUCE, 1.0, None),
    (UPDATE, 0.5, 1.0),
    (STEP, 11.0, 9.5),
  ]


def test_the_share_of_the_peak_is_that_of_the_dtype_on_such_a_device_only():
  assert benchmark.share_of_peak(33.5e12, "NVIDIA H100 80GB HBM3", "float32") == pytest.approx(0.5)
  assert benchmark.share_of_peak(98.9e12, "NVIDIA H200", jnp.bfloat16) == pytest.approx(0.1)
  assert benchmark.share_of_peak(1e12, "cpu", "float32") is None
