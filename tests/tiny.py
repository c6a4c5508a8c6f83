"""The smoke config in a temporary folder, and runs of it: tools of several tests."""

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
    """Copies the run to `workdir`, without checkpoints after `steps`; returns the folder."""
    shutil.copytree(self.workdir, workdir)
    if steps is not None:
      for folder in (workdir / "checkpoints").iterdir():
        if folder.name.isdigit() and int(folder.name) > steps:
          shutil.rmtree(folder)
    return workdir


def config(root: Path, **changes: object) -> ml_collections.ConfigDict:
  """Returns the smoke config with its dataset under `root`.

  Args:
    root: a temporary folder.
    **changes: values by their dotted key, like `{"model.width": 0.5}`.
  """
  from jppf_jax_configs import smoke

  made = smoke.get_config()
  values = {"data.data_dir": str(root / "data_sets"), **changes}
  with made.unlocked():
    made.update_from_flattened_dict(values)
  return made


def trained(root: Path) -> Run:
  """Returns the finished run under `root`; the first process that calls this trains it."""
  from jppf_jax.training import loop

  run = Run(config(root), root / "run")
  with (root / "run.lock").open("w") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    if not (root / "run.done").exists():
      loop.train(run.config, run.workdir)
      (root / "run.done").touch()
  return run


def metric_lines(workdir: Path) -> list[dict]:
  """Returns the metrics of a run, without the speed of the machine."""
  text = (workdir / "metrics.jsonl").read_text()
  lines = [json.loads(line) for line in text.splitlines()]
  for line in lines:
    line.pop("steps_per_second", None)  # of the first step there is none
  return lines


def assert_same_bytes(first: Path, second: Path) -> None:
  """Checks that two runs have the same final weights and the same metrics."""
  assert metric_lines(first) == metric_lines(second)
  weights = [np.fromfile(run / "weights.safetensors", np.uint8) for run in (first, second)]
  np.testing.assert_array_equal(*weights)


def largest_file(folder: Path) -> Path:
  """Returns the largest file below a folder."""
  files = [path for path in folder.rglob("*") if path.is_file()]
  return max(files, key=lambda path: path.stat().st_size)
