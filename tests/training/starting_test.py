import numpy as np

from jppf_jax import build
from jppf_jax.training import starting
from jppf_jax.training.parallel import AXIS, PmapRunner
from tests import tiny


def test_runs_that_differ_in_their_seed_share_their_steps(monkeypatch, tmp_path):
  made = []
  monkeypatch.setattr(starting, "make_step", lambda *args, freeze_norm, **kwargs: freeze_norm)
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


def test_a_start_from_random_weights_is_said_where_the_paper_has_others(
  tmp_path, monkeypatch, capsys
):
  config = tiny.config(tmp_path, **{"model.imagenet": "tf_efficientnet_b0"})
  nothing = {"params": {"w": np.zeros(1, np.float32)}, "batch_stats": {}}
  monkeypatch.setattr(build, "start", lambda config, net: (nothing, None))
  starting.initial_state(config, build.training(config, axis_name="batch"))
  printed = capsys.readouterr().out
  assert printed.startswith("The encoder starts from random weights") and printed.count("\n") == 1
