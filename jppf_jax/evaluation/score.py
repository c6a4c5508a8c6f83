"""Saved predictions of any system to exact scores. No model is needed."""

import sys
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import numpy as np
from tqdm import tqdm

from jppf_jax.labels.formats import files, pixels
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.metrics.cells import count_cells, count_uid_cells
from jppf_jax.metrics.scores import ImageScore, Scores, score_cells, score_image
from jppf_jax.panoptic import IGNORE


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
  Predictions without ground truth are left out, and so are files of other kinds; a note on stderr
  lists them. Another note lists predicted parts that their class does not have.

  Args:
    spec: the taxonomy of both.
    gt: folder of uids, TIFF or PNG; each is an image to score.
    pred: folder of three-channel PNGs or uid TIFFs.
    missing: "error", or "empty": an image without a prediction is scored as one that is all void.
    workers: images at a time, a thread each; decoding and counting release Python's lock. The
      result is the same for any number.
    progress: shows a bar.

  Raises:
    FileNotFoundError: a folder does not exist, or has no such file.
    ValueError: predictions are missing, and `missing` is "error".
    ValueError: a file that belongs to an image is of another kind, e.g. `.npy`.
    ValueError: files cannot be read, or do not fit together; all of them are listed.
  """
  labels, predictions = files.find(gt, files.IMAGES), files.find(pred, files.IMAGES)
  _require_kind(gt, labels, predictions)
  _require_kind(pred, predictions, labels)
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
  for folder in dict.fromkeys((gt, pred)):
    if note := files.left_out(folder, files.IMAGES):
      print(note, file=sys.stderr)
  return _score_pairs(spec, labels, predictions, workers=workers, progress=progress)


def _require_kind(folder: Path, found: Collection[str], counterparts: Collection[str]) -> None:
  """Raises ValueError if a file of another kind would be left out although it has a counterpart."""
  strange = []
  for path in files.others(folder, files.IMAGES):
    image_id = files.image_id_of(path)
    if image_id in counterparts and image_id not in found:
      strange.append(str(path))
  if strange:
    raise ValueError(
      f"{len(strange)} files are no TIFF or PNG: {_some(strange)}. Convert them "
      "(jppf_jax.labels.formats.files writes both forms), or move them away."
    )


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
  foreign: dict[str, set[tuple[int, int]]] = {}  # image id -> (scene id, part id)
  with (
    pixels.memory_kept(2 * workers),
    ThreadPoolExecutor(workers) as pool,
    tqdm(total=len(labels), unit="image", disable=not progress) as bar,
  ):
    jobs = {}
    for image_id, label in labels.items():
      job = pool.submit(score_files, spec, label, predictions.get(image_id))
      jobs[job] = image_id
    try:
      for job in as_completed(jobs):
        image_id = jobs.pop(job)  # with the job goes its result, once it is added
        try:
          score = job.result()
          scores.add_score(image_id, score)
          if score.foreign_parts:
            foreign[image_id] = score.foreign_parts
        except (ValueError, OSError) as error:
          problems.append(f"{image_id}: {error}")
        bar.update()
    except BaseException:  # Ctrl-C, too: the images that wait are not scored any more
      pool.shutdown(wait=False, cancel_futures=True)
      raise
  if problems:
    count = f"{len(problems)} of {len(labels)}"
    raise ValueError("\n  ".join([f"{count} images cannot be scored:", *sorted(problems)]))
  if foreign:
    first = min(foreign)
    pairs = ", ".join(map(str, sorted(foreign[first])[:5]))
    print(
      f"Note: {len(foreign)} images have parts that their class does not have in {spec.name}; they "
      f"count as wrong parts, e.g. {first}: (scene id, part id) = {pairs}.",
      file=sys.stderr,
    )
  return scores


def score_files(spec: LabelSpec, label: Path, prediction: Path | None) -> ImageScore:
  """Returns the counts of one image.

  Args:
    spec: the taxonomy of both.
    label: uids, TIFF or PNG.
    prediction: a three-channel PNG or a uid TIFF; None is scored as a prediction that is all void.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: a file cannot be read, or the two do not fit together.
  """
  if prediction is None:
    uids = files.stored_uids(label)
    void = np.full((*uids.shape, 3), IGNORE, np.uint8)
    return score_image(spec, uids, void)
  with ThreadPoolExecutor(1) as reader:  # both at once: decoding releases Python's lock
    reading = reader.submit(files.stored_prediction, prediction)
    uids = files.stored_uids(label)
    stored = reading.result()
  count = count_uid_cells if stored.ndim == 2 else count_cells
  try:
    return score_cells(spec, count(spec, uids, stored))
  except ValueError:
    channels = files.read_prediction(prediction, spec)  # says what is wrong in this file
    return score_image(spec, uids, channels)  # or in the other, or that they do not fit together


def _not_in(others: Collection[str], image_ids: Collection[str]) -> list[str]:
  return [image_id for image_id in image_ids if image_id not in others]


def _some(image_ids: Sequence[str], shown: int = 5) -> str:
  """Returns the first few ids as text."""
  more = " ..." if len(image_ids) > shown else ""
  return ", ".join(image_ids[:shown]) + more
