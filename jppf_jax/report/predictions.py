"""The page of predictions that any system saved, compared with ground truth."""

import tempfile
from pathlib import Path

from tqdm import tqdm

from jppf_jax.labels.formats import files
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.metrics.cells import count_cells
from jppf_jax.metrics.scores import Scores, score_cells
from jppf_jax.photos import FORMATS, read_image
from jppf_jax.report import page, read
from jppf_jax.report.read import Evaluation, ReportError
from jppf_jax.report.record import ANALYSIS, Answer, Recorder
from jppf_jax.report.rows import SAVED
from jppf_jax.saving import write_text


def write(
  spec: LabelSpec,
  gt: Path,
  pred: Path,
  out: Path,
  *,
  photos: Path | None = None,
  count: int = page.IMAGES,
  progress: bool = True,
) -> Path:
  """Writes the page of a folder of predictions.

  Args:
    spec: the taxonomy of both.
    gt: folder of uids, TIFF or PNG.
    pred: folder of three-channel PNGs or uid TIFFs, one for each image of `gt`.
    out: the file.
    photos: folder of photos with the same names; None: the page shows none.
    count: how many images the page shows.
    progress: shows a bar.

  Returns:
    The file.

  Raises:
    FileNotFoundError: a folder does not exist, or has no such file.
    ReportError: predictions are missing.
    ValueError: files cannot be read, or do not fit together.
    OSError: the file cannot be written.
  """
  labels, predictions = files.find(gt, files.IMAGES), files.find(pred, files.IMAGES)
  suffixes = tuple(suffix for of_format in FORMATS.values() for suffix in of_format)
  pictures = {} if photos is None else files.find(photos, suffixes)
  missing = sorted(labels.keys() - predictions.keys())
  if missing:
    raise ReportError(
      f"{len(missing)} of {len(labels)} images have no prediction in {pred}, such as {missing[0]}; "
      "a report needs all of them."
    )
  scores = Scores(spec)
  with tempfile.TemporaryDirectory() as made:
    folder = Path(made)
    recorder = Recorder(folder, spec)
    for image_id, label in tqdm(labels.items(), unit="image", disable=not progress):
      uids = files.read_uids(label)
      channels = files.read_prediction(predictions[image_id], spec)
      cells = count_cells(spec, uids, channels)
      scores.add_score(image_id, score_cells(spec, cells))
      photo = read_image(pictures[image_id]) if image_id in pictures else None
      recorder.add(image_id, photo, uids, {SAVED: Answer(channels, cells)})
    recorder.save({SAVED: scores})
    evaluation = Evaluation(
      name=pred.resolve().name,
      title=f"against {gt.resolve().name}",
      folder=folder,
      scores={"images": len(labels), SAVED: scores.to_json()},
      analysis=read.read_json(folder / ANALYSIS),
      config={},
      metrics=[],
    )
    write_text(out, page.page(evaluation, count=count))
  return out
