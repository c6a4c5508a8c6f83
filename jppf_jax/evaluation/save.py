"""Predictions as files: uid TIFF, 3-channel PNG, a picture with its legend, and COCO panoptic."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image
from tqdm import tqdm

from jppf_jax.evaluation.predict import Predictor
from jppf_jax.labels.formats import coco, files
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.photos import ImageError, read_image
from jppf_jax.structs import PanopticParts
from jppf_jax.visualization import render


def predict_files(predictor: Predictor, paths: Sequence[Path], folder: Path) -> list[str]:
  """Predicts image files and saves the results of joint fusion in `folder`.

  Writes the files of `save_prediction` for each image, and `panoptic.json`, the COCO index of them
  all. A file that cannot be read is passed over.

  Args:
    predictor: the network with its weights.
    paths: of the images.
    folder: where the results go; they are called after the images, see `distinct_names`.

  Returns:
    One message for each file that could not be read.
  """
  records, problems = [], []
  names = distinct_names(paths)
  for path, name in zip(tqdm(paths, desc="predict", unit="image"), names):
    try:
      image = read_image(path)
    except ImageError as error:
      problems.append(str(error))
      continue
    answer = predictor(image).joint
    records.append(save_prediction(folder, name, image, answer, predictor.spec))
  if records:
    coco.write_index(folder / "panoptic.json", records, predictor.spec)
  return problems


def save_prediction(
  folder: Path,
  image_id: str,
  image: UInt8[np.ndarray, "H W 3"],
  answer: PanopticParts,
  spec: LabelSpec,
) -> coco.Record:
  """Writes the prediction of one image, and returns its COCO panoptic entry for `coco.write_index`.

  Writes four files:

  - `uids/ID.tif`: int32, as the official labels;
  - `channels/ID.png`: scene id, instance id and part id, which `jppf score` reads;
  - `panoptic/ID.png`: COCO panoptic;
  - `ID.png`: a picture of classes, instances and parts, with a legend.
  """
  maps = render.label_maps(answer)
  uids = spec.to_uids(*maps)
  channels = spec.to_channels(*maps)
  picture = render.explained(image, answer, spec)
  files.write_uids(folder / "uids" / f"{image_id}.tif", uids)
  files.write_channels(folder / "channels" / f"{image_id}.png", channels)
  save_picture(folder / f"{image_id}.png", picture)
  return coco.write_panoptic(folder / "panoptic" / f"{image_id}.png", uids, spec)


def save_picture(path: Path, picture: UInt8[np.ndarray, "H W 3"]) -> None:
  """Writes a picture as PNG, compressed quickly: it is 15 % larger than at the usual level."""
  files.write_image(path, Image.fromarray(picture), format="PNG", compress_level=1)


def distinct_names(paths: Sequence[Path]) -> list[str]:
  """Returns a name for each file, without its suffix if possible.

  The name is the stem if no other file has that stem, else the path with `_` between its folders.
  """
  stems = [path.stem for path in paths]
  unique = {stem for stem in stems if stems.count(stem) == 1}
  return [path.stem if path.stem in unique else _joined(path) for path in paths]


def _joined(path: Path) -> str:
  return str(path).replace(os.sep, "_").strip("._")
