"""Saved predictions of any system to exact scores. No model is needed."""

import sys
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import numpy as np
from tqdm import tqdm

from jppf_jax.labels.formats import files
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.metrics.scores import ImageScore, Scores, score_image
from jppf_jax.structs import IGNORE


def score_folders(
  spec: LabelSpec,
  gt: Path,
  pred: Path,
  *,
  missing: str = "error",
  workers: int = 1,
  progress: bool = True,
) -> Scores:
  """Returns the scores of a folder of predictions.

  A prediction belongs to the ground truth with the same image id, see `files.image_id_of`.
  Predictions without ground truth are left out, with a note on stderr.

  Args:
    spec: the taxonomy of both.
    gt: folder of uid TIFFs; each is an image to score.
    pred: folder of three-channel PNGs or uid TIFFs.
    missing: "error", or "empty": an image without a prediction is scored as one that is all void.
    workers: threads; decoding and counting release Python's lock. The result is the same for any
      number.
    progress: shows a bar.

  Raises:
    FileNotFoundError: a folder does not exist, or has no such file.
    ValueError: predictions are missing, and `missing` is "error".
    ValueError: files cannot be read, or do not fit together; all of them are listed.
  """
  labels = files.find(gt, files.TIFF)
  predictions = files.find(pred, (".png", *files.TIFF))
  without = _not_in(predictions, labels)
  if without and missing == "error":
    raise ValueError(
      f"{len(without)} of {len(labels)} images have no prediction in {pred}: {_some(without)}. "
      "Score them as empty with --missing=empty, or point --gt at the folder that was predicted."
    )
  surplus = _not_in(labels, predictions)
  if surplus:
    note = f"Left out: {len(surplus)} predictions without ground truth, {_some(surplus)}."
    print(note, file=sys.stderr)
  return _score_pairs(spec, labels, predictions, workers=workers, progress=progress)


def _score_pairs(
  spec: LabelSpec,
  labels: Mapping[str, Path],
  predictions: Mapping[str, Path],
  *,
  workers: int,
  progress: bool,
) -> Scores:
  """Returns the scores of all `labels`, files by image id."""
  scores, problems = Scores(spec), []
  with (
    ThreadPoolExecutor(workers) as pool,
    tqdm(total=len(labels), unit="image", disable=not progress) as bar,
  ):
    jobs = {}
    for image_id, label in labels.items():
      job = pool.submit(score_files, spec, label, predictions.get(image_id))
      jobs[job] = image_id
    for job in as_completed(jobs):
      image_id = jobs[job]
      try:
        scores.add_score(image_id, job.result())
      except (ValueError, OSError) as error:
        problems.append(f"{image_id}: {error}")
      bar.update()
  if problems:
    count = f"{len(problems)} of {len(labels)}"
    raise ValueError("\n  ".join([f"{count} images cannot be scored:", *sorted(problems)]))
  return scores


def score_files(spec: LabelSpec, label: Path, prediction: Path | None) -> ImageScore:
  """Returns the counts of one image.

  Args:
    spec: the taxonomy of both.
    label: a uid TIFF.
    prediction: a three-channel PNG or a uid TIFF; None is scored as a prediction that is all void.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: a file cannot be read, or the two do not fit together.
  """
  uids = files.read_uids(label)
  if prediction is None:
    void = np.full((*uids.shape, 3), IGNORE, np.uint8)
    return score_image(spec, uids, void)
  return score_image(spec, uids, files.read_prediction(prediction, spec))


def _not_in(others: Collection[str], image_ids: Collection[str]) -> list[str]:
  return [image_id for image_id in image_ids if image_id not in others]


def _some(image_ids: Sequence[str], shown: int = 5) -> str:
  """Returns the first few ids as text."""
  more = " ..." if len(image_ids) > shown else ""
  return ", ".join(image_ids[:shown]) + more
