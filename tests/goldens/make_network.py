"""Writes what the PyTorch restatement of EfficientPS computes, for the tests of our modules and of
the import.

network.npz: a network of tiny width with random weights, and input and output of each of its
modules. efficientps_names.json: the names and shapes of a checkpoint at full size, with a part
head; compared to the numbers that are known of the released code.

python -m tests.goldens.make_network          # seconds; needs torch
"""

import json
from collections import Counter
from pathlib import Path

import numpy as np

from tests.torch_reference import examples
from tests.torch_reference.network import EfficientPS, Sizes

HERE = Path(__file__).parent
# The widths of EfficientNet("b0", width=0.05, depth=1.1).
TINY = Sizes(
  stem=8,
  stages=((8, 2), (8, 3), (8, 3), (8, 4), (8, 4), (16, 5), (16, 2)),
  head=64,
  fpn=16,
  semantic=8,
  hidden=32,
  classes=5,
  things=2,
  parts=3,
  finest_scale=14.0,
)
SIZE = (96, 160)


def main():
  net = examples.random_network(TINY, seed=1)
  image, boxes = examples.random_input(SIZE, batch=1, boxes=8, seed=2)
  arrays = examples.run(net, image, boxes, context=(20, 24))
  state = examples.state_of(net)
  layout = json.dumps([[name, list(value.shape)] for name, value in state.items()])
  values = np.concatenate([value.ravel().astype(np.float32) for value in state.values()])
  np.savez_compressed(HERE / "network.npz", layout=layout, values=values, **arrays)

  shapes = {
    name: list(value.shape) for name, value in EfficientPS(Sizes(parts=10)).state_dict().items()
  }
  for parts, parameters in ((0, 42_988_744), (10, 44_190_674)):
    assert (
      sum(value.numel() for value in EfficientPS(Sizes(parts=parts)).parameters()) == parameters
    )
  entries = {
    "backbone": 696,
    "neck": 72,
    "rpn_head": 6,
    "bbox_head": 8,
    "mask_head": 52,
    "semantic_head": 230,
  }
  assert Counter(name.split(".")[0] for name in shapes) == entries | {"part_head": 230}
  rows = ",\n".join(f"{json.dumps(name)}: {json.dumps(shape)}" for name, shape in shapes.items())
  (HERE / "efficientps_names.json").write_text("{\n" + rows + "\n}\n")


if __name__ == "__main__":
  main()
