"""Several processes train as one: the command line, the loader, the step and the checkpoints."""

import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from tests import tiny

BATCH, STEPS = 4, 3
EVALUATED = (f"--config.train.evaluate_every={STEPS}", "--config.train.evaluate_images=3")


def free_port() -> int:
  with socket.socket() as opened:
    opened.bind(("127.0.0.1", 0))
    return opened.getsockname()[1]


def start(folder, name, *, devices: int, more: tuple = (), steps: int = STEPS):
  """Starts `jppf train` with the part head alone, on so many CPU devices."""
  flags = f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count={devices}"
  changes = {
    "data.data_dir": folder / "data_sets",
    "data.batch_size": BATCH,
    "model.heads": "part",
    "phases.main.steps": steps,
    "phases.main.drops": "()",
    "train.checkpoint_every": STEPS,
  }
  argv = [f"--config.{key}={value}" for key, value in changes.items()]
  command = [sys.executable, "-m", "jppf_jax.cli.train", "--config=smoke", "--nocompile_cache"]
  return subprocess.Popen(
    [*command, f"--workdir={folder / name}", *argv, *more],
    env=os.environ | {"XLA_FLAGS": flags},
    stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT,
    text=True,
  )


def start_two(folder, name, *, more: tuple = (), **options):
  common = (f"--coordinator=127.0.0.1:{free_port()}", "--num_processes=2", *more)
  return [
    start(folder, name, devices=2, more=(*common, f"--process_id={number}"), **options)
    for number in range(2)
  ]


def finished(*processes):
  printed = [process.communicate(timeout=900)[0] for process in processes]
  assert [process.returncode for process in processes] == [0] * len(processes), printed
  return printed


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
  """The folder of a run of one process with one device."""
  folder = tmp_path_factory.mktemp("processes")
  finished(start(folder, "alone", devices=1, more=EVALUATED))
  return folder


def assert_same_training(first, second):
  """The first gradient too; later ones have had time to differ by what sums in another order do."""
  one, other = (tiny.metric_lines(run)[:STEPS] for run in (first, second))
  assert [line["step"] for line in one] == [line["step"] for line in other] == [1, 2, 3]
  for name in ("loss", "loss/part", "learning_rate"):
    np.testing.assert_allclose([x[name] for x in one], [x[name] for x in other], rtol=1e-4)
  np.testing.assert_allclose(one[0]["grad_norm"], other[0]["grad_norm"], rtol=1e-4)


def test_two_processes_of_two_devices_train_as_one_with_one(alone):
  first, second = finished(*start_two(alone, "two", more=EVALUATED))
  assert_same_training(alone / "two", alone / "alone")
  one, other = (tiny.metric_lines(alone / name)[-1] for name in ("alone", "two"))
  assert one.keys() == other.keys() == {"step", "evaluation/part_miou", "evaluation_images"}
  assert one["evaluation/part_miou"] == pytest.approx(other["evaluation/part_miou"], abs=1e-3)
  assert "devices: 4 x cpu of 2 processes, pmap" in first
  assert "step 3/3" in first and "step 3/3" not in second  # only the first process speaks


def test_a_dry_run_of_two_processes_steps_and_the_first_one_shows_it(alone):
  first, second = finished(*start_two(alone, "dry", more=("--dry_run",)))
  assert "A step of 4 images on 4 devices" in first and "step, ms" in first
  assert "A step of" not in second
  files = {path.name for path in (alone / "dry").rglob("*") if path.is_file()}
  assert files == {"first_batch.png", "learning_rate.png"}


def test_one_process_of_four_devices_trains_as_one_with_one(alone):
  finished(start(alone, "four", devices=4))
  assert_same_training(alone / "four", alone / "alone")


def test_if_a_process_is_killed_the_other_leaves_within_a_minute(alone):
  other, killed = start_two(alone, "killed", steps=10**6)
  for line in other.stdout:
    if "steps/s" in line:
      break
  killed.send_signal(signal.SIGKILL)
  since = time.monotonic()
  printed, _ = other.communicate(timeout=120)
  killed.communicate()
  assert time.monotonic() - since < 60
  assert other.returncode not in (0, None)
  assert "cannot go on" in printed or "another task died" in printed
