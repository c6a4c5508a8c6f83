"""Kills a run at random moments, resumes it, and compares its bytes with those of one that ran
through: `python -m tests.stress.kills FOLDER [KILLS [PROCESSES]]`. 60 kills take 11 minutes on two
cores, 30 with two processes 33.

Half of the kills come at any time after the start, half within the time of a save after a step is
said to be done. It is no test of the suite because it takes so long.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from tqdm import tqdm

from tests import tiny

STEPS = 30
WEIGHTS = ("weights.safetensors", "weights_ema.safetensors", "weights_best.safetensors")


def start(folder: Path, name: str, processes: int) -> list[subprocess.Popen[str]]:
  """Starts `jppf train` of the smoke config with the part head alone."""
  changes = {
    "data.data_dir": folder / "data_sets",
    "data.batch_size": 2,
    "model.heads": "part",
    "phases.main.steps": STEPS - 10,
    "phases.main.drops": "()",
    "phases.frozen.steps": 10,
    "train.checkpoint_every": 3,
    "train.ema_decay": 0.9,
    "train.evaluate_every": 10,
    "train.evaluate_images": 1,
  }
  command = [sys.executable, "-m", "jppf_jax.cli.train", "--config=smoke"]
  command += [f"--workdir={folder / name}", *(f"--config.{k}={v}" for k, v in changes.items())]
  several = []
  if processes > 1:
    with socket.socket() as opened:
      opened.bind(("127.0.0.1", 0))
      port = opened.getsockname()[1]
    several = [f"--coordinator=127.0.0.1:{port}", f"--num_processes={processes}"]
  return [
    subprocess.Popen(
      command + several + ([f"--process_id={number}"] if several else []),
      stdout=subprocess.PIPE,
      stderr=subprocess.STDOUT,
      text=True,
      env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    for number in range(processes)
  ]


def run_until(processes: list[subprocess.Popen[str]], chance: random.Random | None) -> bool:
  """Waits until a run ends, or kills one of its processes at a random moment.

  Args:
    processes: of the run; the first one speaks.
    chance: decides the moment and the process; None: no kill.

  Returns:
    Whether the run came to its end.
  """
  first = processes[0]
  said: list[str] = []
  wait_for = None if chance is None else chance.choice(["compiling", "step", "step", "step"])
  assert first.stdout is not None
  for line in first.stdout:
    said.append(line)
    if chance is not None and wait_for is not None and line.startswith(wait_for):
      if wait_for == "step" and chance.random() < 0.7:
        continue  # a later one
      time.sleep(chance.uniform(0, 1.5))
      chance.choice(processes).send_signal(signal.SIGKILL)
      break
  for process in processes:
    process.communicate(timeout=120)
  ended = all(process.returncode == 0 for process in processes)
  if not ended and chance is None:
    sys.exit("".join(said))
  return ended


def main(folder: Path, kills: int, processes: int) -> None:
  """Kills runs until `kills` is reached; exits with a message at the first difference."""
  whole = folder / "whole"
  run_until(start(folder, "whole", processes), None)
  chance, done, ends = random.Random(0), 0, 0
  with tqdm(total=kills, unit="kill") as bar:
    while done < kills:
      if run_until(start(folder, "killed", processes), chance):
        compare(whole, folder / "killed")
        shutil.rmtree(folder / "killed")
        ends += 1
      else:
        done += 1
        bar.update()
  run_until(start(folder, "killed", processes), None)
  compare(whole, folder / "killed")
  print(f"{done} kills, {ends + 1} runs that came to their end: all with the same bytes")


def compare(whole: Path, killed: Path) -> None:
  """Compares metrics, weights and the newest checkpoint's sums."""
  tiny.assert_same_bytes(whole, killed)
  for name in WEIGHTS:
    if (whole / name).read_bytes() != (killed / name).read_bytes():
      sys.exit(f"{name} of {killed} differs")


if __name__ == "__main__":
  given = [*sys.argv[2:], "60", "1"] if len(sys.argv) == 2 else [*sys.argv[2:], "1"]
  main(Path(sys.argv[1]).resolve(), int(given[0]), int(given[1]))
