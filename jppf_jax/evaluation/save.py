"""Predictions as files: uid TIFF, 3-channel PNG, a picture with its legend, and COCO panoptic."""

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image
from tqdm import tqdm

from jppf_jax.evaluation import outputs
from jppf_jax.evaluation.predict import Predictor
from jppf_jax.labels.formats import coco, files
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.photos import ImageError, read_image
from jppf_jax.structs import PanopticParts
from jppf_jax.visualization import render


def predict_files(
  predictor: Predictor,
  paths: Sequence[Path],
  folder: Path,
  *,
  numbers: bool = False,
  scores: bool = False,
) -> list[str]:
  """Predicts image files and saves the results of joint fusion in `folder`.

  Writes the files of `save_prediction` for each image, and `panoptic.json`, the COCO index of them
  all. A file that cannot be read is passed over. If the run is stopped, by Ctrl-C or a full disk,
  the index has the images that are complete. Entries of earlier runs stay in it.

  Args:
    predictor: the network with its weights.
    paths: of the images.
    folder: where the results go; they are called after the images, see `outputs.distinct_names`.
    numbers: write the instance numbers into the pictures.
    scores: write the scores of the instances into the pictures.

  Returns:
    One message for each file that could not be read.

  Raises:
    OutputError: the results would overwrite each other, an image or another index; nothing is done.
  """
  names = outputs.distinct_names(paths)
  outputs.check_folder(folder, paths, names)
  index = outputs.Index(folder, predictor.spec)
  problems = []
  try:
    for path, name in zip(tqdm(paths, desc="predict", unit="image"), names):
      try:
        image = read_image(path)
        answer = predictor(image)
        record = save_prediction(
          folder, name, image, answer, predictor.spec, numbers=numbers, scores=scores
        )
      except ImageError as error:
        problems.append(str(error))
      except MemoryError:
        problems.append(f"{path} needs more memory than there is; scale it down.")
      else:
        index.add(record)
  finally:
    index.save()
  return problems


def save_prediction(
  folder: Path,
  image_id: str,
  image: UInt8[np.ndarray, "H W 3"],
  answer: PanopticParts,
  spec: LabelSpec,
  *,
  numbers: bool = False,
  scores: bool = False,
) -> coco.Record:
  """Writes the prediction of one image, and returns its COCO panoptic entry for `coco.write_index`.

  Writes four files:

  - `uids/ID.tif`: int32, as the official labels;
  - `channels/ID.png`: scene id, instance id and part id, which `jppf score` reads;
  - `panoptic/ID.png`: COCO panoptic;
  - `ID.png`: a picture of classes, instances and parts, with a legend.

  Args:
    folder: where the files go.
    image_id: their name.
    image: the photo.
    answer: its prediction.
    spec: the taxonomy.
    numbers: write the instance numbers into the picture.
    scores: write the scores of the instances into the picture.
  """
  maps = render.label_maps(answer)
  uids = spec.to_uids(*maps)
  channels = spec.to_channels(*maps)
  picture = render.explained(image, answer, spec, numbers=numbers, scores=scores)
  places = outputs.files_of(folder, image_id)
  files.write_uids(places["uids"], uids)
  files.write_channels(places["channels"], channels)
  save_picture(places["picture"], picture)
  return coco.write_panoptic(places["panoptic"], uids, spec)


def save_picture(path: Path, picture: UInt8[np.ndarray, "H W 3"]) -> None:
  """Writes a picture as PNG, compressed in a sixth of the usual time to about the usual size."""
  settings = {"compress_level": 1, "compress_type": zlib.Z_RLE}
  files.write_image(path, Image.fromarray(picture), format="PNG", **settings)
