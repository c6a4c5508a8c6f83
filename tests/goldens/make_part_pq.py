"""Writes part_pq.npz: random images, and what the evaluator of panoptic-parts 2.0rc6 counts in each
of them.

python -m tests.goldens.make_part_pq          # a minute; needs scikit-learn
"""

from pathlib import Path

import numpy as np

from jppf_jax.benchmarks import reference
from jppf_jax.labels.registry import load_spec
from tests.oracles import random_labels

IMAGES = 300  # per taxonomy


def main():
  arrays = {}
  for name in ("cpp_grouped", "ppp"):
    spec = load_spec(name)
    pairs = [random_labels.random_pair(spec, np.random.default_rng(seed)) for seed in range(IMAGES)]
    for metric, parts in (("part_pq", True), ("pq", False)):
      counts = [reference.part_pq(name, *pair, parts=parts) for pair in pairs]
      arrays[f"{name}/{metric}"] = np.array(
        [[image[sid] for sid in spec.class_ids.tolist()] for image in counts]
      )
    arrays[f"{name}/uids"] = np.stack([uids for uids, _ in pairs])
    arrays[f"{name}/predictions"] = np.stack([prediction for _, prediction in pairs])
  np.savez_compressed(Path(__file__).with_name("part_pq.npz"), **arrays)


if __name__ == "__main__":
  main()
