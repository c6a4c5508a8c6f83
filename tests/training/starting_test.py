import numpy as np
import pytest

from jppf_jax import build
from jppf_jax.config_rules import ConfigError
from jppf_jax.training import starting
from jppf_jax.training.parallel import AXIS, PmapRunner
from tests import tiny


def test_runs_that_differ_in_their_seed_share_their_steps(monkeypatch, tmp_path):
  made = []
  monkeypatch.setattr(starting, "step_of", lambda run, *, freeze_norm: freeze_norm)
  monkeypatch.setattr(
    starting, "make_runner", lambda name, frozen: made.append(frozen) or PmapRunner(max)
  )
  runners = starting.Runners()

  def steps(**changes):
    run = build.training(tiny.config(tmp_path, **changes), axis_name=AXIS)
    return [runners.get(run, freeze_norm=frozen) for frozen in (False, True)]

  assert steps(seed=0) == steps(seed=1)
  assert made == [False, True]
  steps(**{"seed": 1, "losses.part": 2.0})
  assert made == [False, True] * 2
  steps(seed=0)
  assert made == [False, True] * 3
  steps(**{"train.accumulate": 2})
  assert made == [False, True] * 4


def test_a_step_has_the_values_of_the_config(monkeypatch, tmp_path):
  made = []
  monkeypatch.setattr(starting, "make_step", lambda *args, **values: made.append(values) or max)
  monkeypatch.setattr(starting, "make_runner", lambda *args: PmapRunner(max))
  wanted = {"accumulate": 2, "ema_decay": 0.5, "anchors_per_image": 7, "regions_per_image": 5}
  names = ("train.accumulate", "train.ema_decay", "sampling.anchors", "sampling.regions")
  config = tiny.config(tmp_path, **dict(zip(names, wanted.values(), strict=True)))
  starting.Runners().get(build.training(config, axis_name=AXIS), freeze_norm=True)
  assert made[0].items() >= {**wanted, "freeze_norm": True}.items()


@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_a_run_starts_with_its_seed_and_an_average_if_it_keeps_one(decay, monkeypatch, tmp_path):
  config = tiny.config(tmp_path, **{"seed": 7, "train.ema_decay": decay})
  variables = {"params": {"w": np.ones(1, np.float32)}, "batch_stats": {}}
  monkeypatch.setattr(build, "start", lambda config, net: (variables, None))
  state = starting.initial_state(config, build.training(config, axis_name=AXIS))
  assert state.seed == 7 and (state.ema is not None) == (decay > 0)


def test_parts_that_do_not_divide_the_batch_are_refused(tmp_path):
  with pytest.raises(ConfigError, match=r"2 images does not divide .* 3 parts"):
    starting.checked(tiny.config(tmp_path, **{"train.accumulate": 3}))


def test_a_start_from_random_weights_is_said_where_the_paper_has_others(
  tmp_path, monkeypatch, capsys
):
  config = tiny.config(tmp_path, **{"model.imagenet": "tf_efficientnet_b0"})
  nothing = {"params": {"w": np.zeros(1, np.float32)}, "batch_stats": {}}
  monkeypatch.setattr(build, "start", lambda config, net: (nothing, None))
  starting.initial_state(config, build.training(config, axis_name="batch"))
  printed = capsys.readouterr().out
  assert printed.startswith("The encoder starts from random weights") and printed.count("\n") == 1
