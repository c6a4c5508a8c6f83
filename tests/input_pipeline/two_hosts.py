"""One of two hosts: takes three batches, resumes from the shared checkpoint, prints the next three.

python -m tests.input_pipeline.two_hosts DATASET FOLDER INDEX
"""

import hashlib
import socket
import sys
import time
from pathlib import Path

import jax
import numpy as np

from jppf_jax.checkpoints.store import Checkpoints
from jppf_jax.input_pipeline import loader, read
from jppf_jax.labels.registry import load_spec

SPEC = load_spec("cpp_grouped")
VIEW = loader.View(SPEC, size=(16, 32), scale=(0.5, 2.0), flip=True, max_objects=5, min_area=2)


def digest(batch, ids: list[str]) -> str:
  """Returns a hash of the bytes of a batch and of its image ids."""
  content = b"".join(np.ascontiguousarray(leaf).tobytes() for leaf in jax.tree.leaves(batch))
  return hashlib.sha256(content + ",".join(ids).encode()).hexdigest()


def meet(folder: Path, index: int) -> None:
  """Connects the two processes; host 0 finds a free port and tells the other through a file."""
  address = folder / "address"
  if index == 0:
    with socket.socket() as probe:
      probe.bind(("localhost", 0))
      (folder / "written").write_text(f"localhost:{probe.getsockname()[1]}")
    (folder / "written").rename(address)
  while not address.exists():
    time.sleep(0.05)
  jax.distributed.initialize(address.read_text(), 2, index)


def main(dataset: str, folder: str, index: str) -> None:
  meet(Path(folder), int(index))
  examples = read.open_split(dataset, "train")

  def iterator():
    process = (jax.process_index(), 2)
    return loader.train_iterator(examples, VIEW, batch_size=2, seed=0, process=process)

  stopped, state = iterator(), {"weights": np.zeros(2, np.float32)}
  for _ in range(3):
    next(stopped)
  checkpoints = Checkpoints(Path(folder, "checkpoints"))
  checkpoints.save(3, state, {}, stopped)
  checkpoints.wait()
  resumed = iterator()
  assert checkpoints.restore(state, resumed)[0] == 3
  print("next:", *[digest(*next(resumed)) for _ in range(3)])
  checkpoints.close()


if __name__ == "__main__":
  main(*sys.argv[1:])
