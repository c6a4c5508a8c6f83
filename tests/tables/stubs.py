"""Training and evaluation that do nothing but leave their files: tests of what calls them."""

import numpy as np

from jppf_jax import build
from jppf_jax.checkpoints.weights import save_weights
from jppf_jax.evaluation.compare import Comparison
from jppf_jax.labels.cpp import cpp
from jppf_jax.tables import runs
from tests.tables.reports import report


class Nothing(Comparison):
  """A system without a network."""

  parameters = 1_500_000
  spec = cpp()

  def __init__(self, weights):
    self.variables = {"params": weights}


class Stubs:
  """What was called, in its order; in place of training and evaluation while a test runs."""

  def __init__(self, monkeypatch):
    self.called, self.fail_at, self.error = [], None, KeyboardInterrupt()
    monkeypatch.setattr(runs.loop, "train", self.train)
    monkeypatch.setattr(runs, "load_comparison", self.load)
    monkeypatch.setattr(runs, "score_dataset", self.score)
    monkeypatch.setattr(build, "examples", lambda config, split: [])

  def train(self, config, workdir, *, runners):
    """Leaves weights of the last step; the name of the folder is their value."""
    self.called.append(f"train {workdir.name}")
    if self.fail_at == workdir.name:
      raise self.error
    steps = sum(phase.steps for phase in build.optimization(config)[0])
    value = np.full(3, len(self.called), np.float32)
    workdir.mkdir(parents=True, exist_ok=True)
    save_weights(
      workdir / build.RUN_WEIGHTS, {"params": {"a": value}, "batch_stats": {}}, {"steps": steps}
    )

  def load(self, config, weights, others):
    """Remembers with which settings a system is evaluated."""
    self.settings = config.testing, config.fusion, others
    return Nothing(np.float32(config.seed))

  def score(self, comparison, examples, folder, *, title, recorder):
    """Returns a report."""
    self.called.append(f"evaluate {title}")
    return report()
