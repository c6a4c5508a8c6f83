"""Predictions as files: label maps in three forms, segments, a picture, and their indexes."""

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image
from tqdm import tqdm

from jppf_jax.evaluation import outputs
from jppf_jax.evaluation.batches import Photo, answers, in_batches
from jppf_jax.evaluation.predict import Predictor
from jppf_jax.evaluation.segments import SegmentTable, segment_table
from jppf_jax.evaluation.video import VideoError, frames
from jppf_jax.labels.formats import coco, files
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.photos import ImageError, read_image
from jppf_jax.saving import write_text
from jppf_jax.structs import PanopticParts
from jppf_jax.visualization import render


class Saved(NamedTuple):
  """What the indexes of a folder say about a prediction.

  Attributes:
    panoptic: its entry of COCO's `annotations`.
    segments: its segments.
  """

  panoptic: coco.Record
  segments: SegmentTable


class Choices(NamedTuple):
  """How predictions are made and drawn.

  Attributes:
    batch_size: images that are computed together.
    numbers: write the instance numbers into the pictures.
    scores: write the scores of the instances into the pictures.
  """

  batch_size: int = 1
  numbers: bool = False
  scores: bool = False


PLAIN = Choices()


def predict_files(
  predictor: Predictor, paths: Sequence[Path], folder: Path, choices: Choices = PLAIN
) -> list[str]:
  """Predicts image files and saves the results of joint fusion in `folder`.

  Writes the files of `save_prediction` for each image, and the indexes of them all:
  `panoptic.json`, COCO's, and `segments.csv`. A file that cannot be read is passed over. If the run
  is stopped, by Ctrl-C or a full disk, the indexes have the images that are complete. Entries of
  earlier runs stay in them.

  Args:
    predictor: the network with its weights.
    paths: of the images.
    folder: where the results go; they are called after the images, see `outputs.distinct_names`.
    choices: of batches and pictures.

  Returns:
    One message for each file that could not be read.

  Raises:
    OutputError: the results would overwrite each other, an image or another index; nothing is done.
  """
  names = outputs.distinct_names(paths)
  outputs.check_folder(folder, paths, names)
  problems: list[str] = []

  def photos() -> Iterator[Photo]:
    for path, name in zip(tqdm(paths, desc="predict", unit="image"), names):
      try:
        yield Photo(name, read_image(path), str(path))
      except ImageError as error:
        problems.append(str(error))
      except MemoryError:
        problems.append(_too_large(str(path)))

  problems += _predict_photos(predictor, photos(), folder, choices)
  return problems


def predict_video(
  predictor: Predictor, path: Path, folder: Path, choices: Choices = PLAIN, *, every: int = 1
) -> list[str]:
  """Predicts the frames of a video; as `predict_files`, but results are named by frame number.

  Args:
    predictor: the network with its weights.
    path: of the video.
    folder: where the results go.
    choices: of batches and pictures.
    every: 1 for all frames, N for each N-th.

  Returns:
    One message if the video could not be read, or not to its end.

  Raises:
    OutputError: the folder is a file, or has an index of something else; nothing is done.
  """
  outputs.check_folder(folder, [path], [])
  problems: list[str] = []

  def photos() -> Iterator[Photo]:
    try:
      yield from tqdm(frames(path, every=every), desc=path.name, unit="frame")
    except VideoError as error:
      problems.append(str(error))

  problems += _predict_photos(predictor, photos(), folder, choices)
  return problems


def _predict_photos(
  predictor: Predictor, photos: Iterable[Photo], folder: Path, choices: Choices
) -> list[str]:
  """Predicts and saves photos as they come; returns a message for each that needs too much memory.

  Raises:
    OutputError: the folder has an index of something else.
  """
  index = outputs.Index(folder, predictor.spec)
  problems = []
  try:
    for group in in_batches(photos, choices.batch_size, predictor.size):
      try:
        found = answers(predictor, [photo.image for photo in group], choices.batch_size)
      except MemoryError:
        problems += [_too_large(photo.source) for photo in group]
        continue
      for photo, answer in zip(group, found, strict=True):
        try:
          saved = save_prediction(
            folder,
            photo.name,
            photo.image,
            answer,
            predictor.spec,
            numbers=choices.numbers,
            scores=choices.scores,
          )
        except MemoryError:
          problems.append(_too_large(photo.source))
        else:
          index.add(saved.panoptic, saved.segments)
  finally:
    index.save()
  return problems


def _too_large(source: str) -> str:
  return f"{source} needs more memory than there is; scale it down, or use smaller batches."


def save_prediction(
  folder: Path,
  image_id: str,
  image: UInt8[np.ndarray, "H W 3"],
  answer: PanopticParts,
  spec: LabelSpec,
  *,
  numbers: bool = False,
  scores: bool = False,
) -> Saved:
  """Writes the prediction of one image, and returns its entries for `outputs.Index`.

  Writes five files:

  - `uids/ID.tif`: int32, as the official labels;
  - `channels/ID.png`: scene id, instance id and part id, which `jppf score` reads;
  - `panoptic/ID.png`: COCO panoptic;
  - `segments/ID.json`: the records of `segments.segment_table`;
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
  segments = segment_table(answer, spec)
  picture = render.explained(image, answer, spec, numbers=numbers, scores=scores)
  places = outputs.files_of(folder, image_id)
  files.write_uids(places["uids"], uids)
  files.write_channels(places["channels"], channels)
  height, width = image.shape[:2]
  about = {"image": image_id, "height": height, "width": width, "segments": segments}
  write_text(places["segments"], json.dumps(about, indent=1))
  save_picture(places["picture"], picture)
  return Saved(coco.write_panoptic(places["panoptic"], uids, spec), segments)


def save_picture(path: Path, picture: UInt8[np.ndarray, "H W 3"]) -> None:
  """Writes a picture as PNG, compressed in a sixth of the usual time to about the usual size."""
  settings = {"compress_level": 1, "compress_type": zlib.Z_RLE}
  files.write_image(path, Image.fromarray(picture), format="PNG", **settings)
