"""The smoke config in a temporary folder, and runs of it."""

import dataclasses
import fcntl
import json
import shutil
from pathlib import Path

import ml_collections
import numpy as np


@dataclasses.dataclass(frozen=True)
class Run:
  """A finished run.

  Attributes:
    config: of the run.
    workdir: its folder.
  """

  config: ml_collections.ConfigDict
  workdir: Path

  def copy(self, workdir: Path, *, steps: int | None = None) -> Path:
    """Copies the run to `workdir`, as it was when it had done `steps`; returns the folder."""
    shutil.copytree(self.workdir, workdir)
    for folder in (workdir / "checkpoints").iterdir():
      if steps is not None and folder.name.isdigit() and int(folder.name) > steps:
        shutil.rmtree(folder)
    return workdir


def config(root: Path, **changes: object) -> ml_collections.ConfigDict:
  """Returns the smoke config with its data set under `root`, changed as in `{"model.width": 0.5}`."""
  from jppf_jax_configs import smoke

  made = smoke.get_config()
  with made.unlocked():
    made.update_from_flattened_dict({"data.data_dir": str(root / "data_sets"), **changes})
  return made


def trained(root: Path) -> Run:
  """Returns the run under `root`; the first process that asks trains it, the others wait."""
  from jppf_jax.training import loop

  run = Run(config(root), root / "run")
  with (root / "run.lock").open("w") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    if not (root / "run.done").exists():
      loop.train(run.config, run.workdir)
      (root / "run.done").touch()
  return run


def metric_lines(workdir: Path) -> list[dict]:
  """Returns what a run has logged, without what depends on the speed of the machine."""
  lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
  for line in lines:
    del line["steps_per_second"]
  return lines


def assert_same_bytes(first: Path, second: Path) -> None:
  """Holds two runs to the same final weights and the same metrics."""
  assert metric_lines(first) == metric_lines(second)
  ours, theirs = ((folder / "weights.safetensors").read_bytes() for folder in (first, second))
  np.testing.assert_array_equal(*(np.frombuffer(content, np.uint8) for content in (ours, theirs)))
