"""Saved predictions of any system to exact scores; no model is needed."""

import sys
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

  Args:
    spec: the taxonomy of both.
    gt: folder of uid TIFFs; each is an image to score.
    pred: folder of three-channel PNGs or uid TIFFs; images without ground truth are left out, with
      a note.
    missing: "error", or "empty": an image without a prediction counts as one where nothing was
      predicted.
    workers: threads; decoding and counting run outside Python's lock. The result is the same for
      any number.
    progress: shows a bar.

  Raises:
    FileNotFoundError: a folder does not exist or holds no such file.
    ValueError: predictions are missing, or files cannot be read or do not fit together; all of them
      are listed.
  """
  labels, predictions = files.find(gt, files.TIFF), files.find(pred, (".png", *files.TIFF))
  without = [image_id for image_id in labels if image_id not in predictions]
  if without and missing == "error":
    raise ValueError(
      f"{len(without)} of {len(labels)} images have no prediction in {pred}: {_some(without)}. "
      "Score them as empty with --missing=empty, or point --gt at the folder that was predicted."
    )
  surplus = [image_id for image_id in predictions if image_id not in labels]
  if surplus:
    print(
      f"Left out: {len(surplus)} predictions without ground truth, {_some(surplus)}.",
      file=sys.stderr,
    )

  scores, problems = Scores(spec), []
  with (
    ThreadPoolExecutor(workers) as pool,
    tqdm(total=len(labels), unit="image", disable=not progress) as bar,
  ):
    jobs = {pool.submit(score_files, spec, labels[i], predictions.get(i)): i for i in labels}
    for job in as_completed(jobs):
      try:
        scores.add_score(jobs[job], job.result())
      except (ValueError, OSError) as error:
        problems.append(f"{jobs[job]}: {error}")
      bar.update()
  if problems:
    raise ValueError(
      f"{len(problems)} of {len(labels)} images cannot be scored:\n  "
      + "\n  ".join(sorted(problems))
    )
  return scores


def score_files(spec: LabelSpec, label: Path, prediction: Path | None) -> ImageScore:
  """Returns the counts of one image; without a prediction, as if nothing was predicted."""
  uids = files.read_uids(label)
  if prediction is None:
    return score_image(spec, uids, np.full((*uids.shape, 3), IGNORE, np.uint8))
  return score_image(spec, uids, files.read_prediction(prediction, spec))


def _some(image_ids: list[str], shown: int = 5) -> str:
  return ", ".join(image_ids[:shown]) + (" ..." if len(image_ids) > shown else "")
