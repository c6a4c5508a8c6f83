"""Loads the program of this folder: images to parts. Needs only JAX, flatbuffers and NumPy."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax import export


def load(folder: str | Path = Path(__file__).parent) -> tuple[Callable[..., Any], dict[str, Any]]:
  """Returns the program, called as `program(images)`, and what its ids mean.

  Images are uint8 [B H W 3], of the size in the metadata. If they are padded at the bottom or on
  the right, `program(images, covered)` gets the rows and columns of each that are no padding.
  """
  folder = Path(folder)
  about = json.loads((folder / "metadata.json").read_text())
  try:
    exported = export.deserialize(bytearray((folder / "program.jax").read_bytes()))
    exported.mlir_module()
  except ImportError:
    raise  # JAX says what to install
  except Exception as error:
    raise RuntimeError(
      f"Expired: the program was exported on {about['exported']} with JAX {about['jax']}, and JAX "
      f"{jax.__version__} reads such files until about {about['expires']}. Export it again with "
      "`jppf export`, or install that JAX."
    ) from error
  weights = jax.device_put(dict(np.load(folder / "weights.npz")))
  run = jax.jit(exported.call)
  size = about["image"]["height"], about["image"]["width"]
  whole = np.array([size] * about["image"]["batch_size"], np.int32)
  return lambda images, covered=whole: run(weights, images, covered), about
