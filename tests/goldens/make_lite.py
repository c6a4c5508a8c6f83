"""Makes lite.npz: what the published PyTorch networks answer with the weights of their packages.

python -m tests.goldens.make_lite      # needs the extras test and torch
"""

from pathlib import Path

import numpy as np

from jppf_jax.checkpoints.import_efficientnet import PACKAGED, packaged_file

PATH = Path(__file__).with_name("lite.npz")
SIDES = {
  "lite0": 224,
  "lite1": 240,
  "lite2": 260,
}  # of the images they were trained on; they pad for no other size


def image_of(variant: str) -> np.ndarray:
  """Normalised noise, [1 S S 3]."""
  return (
    np.random.default_rng(0).normal(size=(1, SIDES[variant], SIDES[variant], 3)).astype(np.float32)
  )


def published_logits(variant: str, images: np.ndarray) -> np.ndarray:
  """The logits of the package `efficientnet_lite_pytorch`, an implementation of others, for NHWC
  images.
  """
  import torch
  from efficientnet_lite_pytorch import EfficientNet

  net = EfficientNet.from_pretrained(
    f"efficientnet-{variant}", weights_path=str(packaged_file(variant))
  )
  with torch.no_grad():
    return net.eval()(torch.from_numpy(images.transpose(0, 3, 1, 2).copy())).numpy()


if __name__ == "__main__":
  np.savez_compressed(
    PATH, **{variant: published_logits(variant, image_of(variant)) for variant in PACKAGED}
  )
