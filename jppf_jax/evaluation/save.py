"""A prediction as files: uid TIFF, 3-channel PNG, a picture with its legend, and COCO panoptic."""

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from jppf_jax.labels.formats import coco, files
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import PanopticParts
from jppf_jax.visualization import render


def save_prediction(
  folder: Path,
  image_id: str,
  image: UInt8[np.ndarray, "H W 3"],
  answer: PanopticParts,
  spec: LabelSpec,
) -> coco.Record:
  """Writes what one image was found to be and returns its COCO panoptic entry, for
  `coco.write_index`.

  Files: `uids/ID.tif` (int32, as the official labels), `channels/ID.png` (scene id, instance id,
  part id: what `jppf score` reads), `panoptic/ID.png` (COCO) and `ID.png`, the picture.
  """
  maps = (np.asarray(answer.semantic), np.asarray(answer.instance), np.asarray(answer.part))
  uids = spec.to_uids(*maps)
  files.write_uids(folder / "uids" / f"{image_id}.tif", uids)
  files.write_channels(folder / "channels" / f"{image_id}.png", spec.to_channels(*maps))
  files.write_image(
    folder / f"{image_id}.png", Image.fromarray(render.explained(image, answer, spec)), format="PNG"
  )
  return coco.write_panoptic(folder / "panoptic" / f"{image_id}.png", uids, spec)


def distinct_names(paths: Iterable[Path]) -> list[str]:
  """Returns a name per file: the stem where it is unique, else the path with its folders joined by
  `_`.
  """
  paths = list(paths)
  stems = [path.stem for path in paths]
  return [
    stem if stems.count(stem) == 1 else str(path).replace(os.sep, "_").strip("._")
    for stem, path in zip(stems, paths)
  ]
