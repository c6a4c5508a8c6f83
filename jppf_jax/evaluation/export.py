"""The whole program, image to parts, as a folder that runs without this library.

`jax.export` turns it into StableHLO for several platforms at once. The folder has the program and
the weights, what the ids mean, and `load.py`, which needs only JAX, flatbuffers, NumPy.
"""

import datetime
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import traverse_util
from jax import export as jax_export
from jaxtyping import Int, UInt8

import jppf_jax
from jppf_jax.evaluation.predict import Predictor
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.saving import whole_file, write_text
from jppf_jax.structs import IGNORE, Array

PLATFORMS = ("cpu", "cuda", "tpu")
_LIFETIME = datetime.timedelta(days=180)  # JAX reads exported programs for six months
_LOADER = Path(__file__).with_name("exported_loader.py")


class ExportError(ValueError):
  """The program cannot be exported as it was asked for."""


def export(
  predictor: Predictor,
  folder: Path,
  *,
  size: tuple[int, int] | None = None,
  batch_size: int = 1,
  platforms: Sequence[str] = PLATFORMS,
) -> None:
  """Writes the program of a predictor, for images of one size.

  Writes `program.jax` (StableHLO), `weights.npz`, `metadata.json` and `load.py`. The program takes
  images [B H W 3] and the rows and columns of each that are no padding [B 2], and returns a dict:
  `semantic`, `instance` and `part` [B H W], and the table of instances, `labels`, `scores`,
  `areas`, `valid` [B D]. Ids are those of `metadata.json`.

  Args:
    predictor: the network with its weights.
    folder: where the files go.
    size: height and width of the images; the working size of the predictor if None.
    batch_size: images at once.
    platforms: of `PLATFORMS`. Choices that depend on the platform follow the one that runs.

  Raises:
    ExportError: a platform is unknown, or a side is below 1.
    ExportError: the predictor sees each image several times.
    ExportError: the folder has another `load.py`.
  """
  loader, text = folder / "load.py", _LOADER.read_text(encoding="utf-8")
  if loader.exists() and not loader.read_text(errors="replace").startswith(text.splitlines()[0]):
    raise ExportError(f"{loader} is not a loader of `jppf export`; choose another folder.")
  unknown = [name for name in platforms if name not in PLATFORMS]
  if unknown or not platforms:
    raise ExportError(f"Platforms are some of {', '.join(PLATFORMS)}; got {unknown or 'none'}.")
  if not predictor.testing.is_single:
    raise ExportError(
      f"An exported program sees each image once, but the config says {predictor.testing}; export "
      "with --config.testing.scales=1 --noconfig.testing.flip."
    )
  height, width = size or predictor.size
  if min(height, width, batch_size) < 1:
    raise ExportError(f"Expected sizes of 1 or more; got {height} x {width}, batch {batch_size}.")
  image = jax.ShapeDtypeStruct((batch_size, height, width, 3), jnp.uint8)
  covered = jax.ShapeDtypeStruct((batch_size, 2), jnp.int32)
  flat = traverse_util.flatten_dict(jax.device_get(predictor.variables), sep="/")
  shapes = {name: jax.ShapeDtypeStruct(value.shape, value.dtype) for name, value in flat.items()}

  def segment(
    weights: dict[str, Array], image: UInt8[Array, "B H W 3"], covered: Int[Array, "B 2"]
  ) -> dict[str, Array]:
    variables = traverse_util.unflatten_dict(weights, sep="/")
    found = predictor.compute(variables, image, covered)
    maps = {"semantic": found.semantic, "instance": found.instance, "part": found.part}
    return maps | vars(found.segments)

  program = jax_export.export(jax.jit(segment), platforms=tuple(platforms))(shapes, image, covered)
  with whole_file(folder / "program.jax") as partial:
    partial.write_bytes(program.serialize())
  with whole_file(folder / "weights.npz") as partial, partial.open("wb") as file:
    np.savez(file, **flat)
  about = _metadata(predictor.spec, (height, width), batch_size, platforms)
  write_text(folder / "metadata.json", json.dumps(about, indent=1))
  write_text(loader, text)


def _metadata(
  spec: LabelSpec, size: tuple[int, int], batch_size: int, platforms: Sequence[str]
) -> dict[str, Any]:
  """Returns what a reader of the folder has to know, as JSON values."""
  today = datetime.datetime.now(datetime.UTC).date()
  classes = [
    {
      "id": train_id,
      "name": name,
      "label_id": int(spec.class_ids[train_id]),
      "is_thing": train_id >= spec.num_stuff,
      "color": np.asarray(spec.colors[train_id]).tolist(),
      "parts": list(spec.class_parts[train_id]),
    }
    for train_id, name in enumerate(spec.class_names)
  ]
  return {
    "image": {"height": size[0], "width": size[1], "batch_size": batch_size, "format": "RGB uint8"},
    "taxonomy": spec.name,
    "void": IGNORE,
    "classes": classes,
    "parts": [
      {"id": part, "name": name, "color": np.asarray(spec.part_colors[part]).tolist()}
      for part, name in enumerate(spec.part_names)
    ],
    "platforms": list(platforms),
    "jax": jax.__version__,
    "jppf_jax": jppf_jax.__version__,
    "exported": today.isoformat(),
    "expires": (today + _LIFETIME).isoformat(),
  }
