"""Makes timm_names.json: a digest of the tensors of timm's networks that our encoder has, and the
number of the others.

python -m tests.goldens.make_timm_names      # needs timm, with torch and torchvision
"""

import hashlib
import json
from pathlib import Path

from jppf_jax.encoder import variants

PATH = Path(__file__).with_name("timm_names.json")


def digest(tensors: dict[str, tuple[int, ...]]) -> str:
  """Of names and shapes, in any order."""
  rows = sorted(f"{name} {tuple(shape)}" for name, shape in tensors.items())
  return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16]


def tensors_of(variant: str) -> dict[str, tuple[int, ...]]:
  import timm.models.efficientnet

  network = getattr(timm.models.efficientnet, f"tf_efficientnet_{variant}")(pretrained=False)
  return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def is_ours(variant: str, name: str) -> bool:
  if name.endswith("num_batches_tracked") or ".se." in name:
    return False
  return variant.startswith("lite") or not name.startswith("classifier.")


if __name__ == "__main__":
  entries = {}
  for variant in variants.NAMES:
    tensors = tensors_of(variant)
    ours = {name: shape for name, shape in tensors.items() if is_ours(variant, name)}
    entries[variant] = {
      "ours": len(ours),
      "others": len(tensors) - len(ours),
      "digest": digest(ours),
    }
  PATH.write_text(json.dumps(entries, indent=1) + "\n")
