import io
import json
import subprocess
import sys

import numpy as np
import pytest
from absl import app, flags
from absl.testing import flagsaver
from rich.console import Console

from jppf_jax.cli import file_flags, score
from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.evaluation_spec import package_folder
from jppf_jax.labels.formats import files
from jppf_jax.labels.registry import load_spec
from jppf_jax.metrics.scores import Scores
from tests.oracles import random_labels


def write_images(root, spec, count, *, official=False, uid_predictions=False):
  """Writes ground truth and predictions to root/gt and root/pred and returns the scores they should
  get.
  """
  rng, scores = np.random.default_rng(0), Scores(spec)
  for i in range(count):
    uids, prediction = random_labels.random_pair(spec, rng)
    image_id = f"aachen_{i:06d}_000019"
    files.write_uids(
      root
      / "gt"
      / (f"aachen/{image_id}_gtFinePanopticParts.tif" if official else f"{image_id}.tif"),
      uids,
    )
    if uid_predictions:
      files.write_uids(root / "pred" / f"{image_id}.tif", uids)
      prediction = spec.uids_to_channels(uids)
    else:
      files.write_channels(root / "pred" / f"{image_id}.png", prediction)
    scores.add(image_id, uids, prediction)
  return scores.to_json()


def run(root, spec="cpp", **changes):
  """Runs the verb in this process and returns the JSON it wrote."""
  values = {
    "gt": str(root / "gt"),
    "pred": str(root / "pred"),
    "workers": 2,
    "missing": "error",
  } | changes
  holders = [(getattr(score, f"_{name.upper()}"), value) for name, value in values.items()]
  flags.FLAGS.mark_as_parsed()
  with flagsaver.flagsaver(
    *holders, (file_flags.SPEC, spec), (file_flags.OUT, str(root / "out" / "scores.json"))
  ):
    score.main(["score"])
  return json.loads((root / "out" / "scores.json").read_text())


FILE = str(package_folder() / "specs" / "eval_specs" / "ppq_cpp_19_23_cvpr21_default_evalspec.yaml")


@pytest.mark.parametrize(
  "name", ["cpp", "cpp_default", "ppp", FILE], ids=["cpp", "cpp_default", "ppp", "a file"]
)
def test_a_flat_folder_is_scored_as_its_arrays(tmp_path, name, capsys):
  expected = write_images(tmp_path, load_spec(name), 4)
  assert run(tmp_path, name) == expected
  shown = capsys.readouterr().out
  assert "PartPQ" in shown and "4 images" in shown and "scores.json" in shown


def test_official_folders_and_uid_predictions_are_understood(tmp_path):
  expected = write_images(tmp_path, cpp(), 3, official=True, uid_predictions=True)
  assert run(tmp_path) == expected


@pytest.mark.parametrize("images, workers", [(1, 1), (1, 8), (3, 8), (5, 1)])
def test_any_number_of_workers_gives_the_same_bytes(tmp_path, images, workers):
  expected = write_images(tmp_path, cpp(), images)
  run(tmp_path, workers=workers)
  assert (tmp_path / "out" / "scores.json").read_text() == json.dumps(expected)


def test_missing_predictions_are_listed_or_count_as_empty(tmp_path):
  write_images(tmp_path, cpp(), 3)
  (tmp_path / "pred" / "aachen_000001_000019.png").unlink()
  with pytest.raises(
    SystemExit, match=r"1 of 3 images have no prediction in .*pred: aachen_000001_000019\. .*=empty"
  ):
    run(tmp_path)
  report = run(tmp_path, missing="empty")
  rows = report["per_image"]["aachen_000001_000019"]["per_class"]
  assert report["images"] == 3 and sum(row["pq"]["fn"] for row in rows) > 0
  assert sum(row["pq"]["tp"] + row["pq"]["fp"] for row in rows) == 0


def test_ids_that_contain_each_other_are_told_apart(tmp_path):
  write_images(tmp_path, cpp(), 1)
  (tmp_path / "pred" / "aachen_000000_000019.png").rename(
    tmp_path / "pred" / "aachen_000000_0000191.png"
  )
  with pytest.raises(SystemExit, match="1 of 1 images have no prediction"):
    run(tmp_path)


def test_predictions_without_ground_truth_are_left_out_and_named(tmp_path, capsys):
  expected = write_images(tmp_path, cpp(), 2)
  files.write_channels(tmp_path / "pred" / "berlin.png", np.zeros((3, 3, 3), np.uint8))
  assert run(tmp_path) == expected
  assert "Left out: 1 predictions without ground truth, berlin." in capsys.readouterr().err


def test_every_file_that_cannot_be_scored_is_listed(tmp_path):
  write_images(tmp_path, cpp(), 4)
  (tmp_path / "pred" / "aachen_000000_000019.png").write_bytes(b"not a picture")
  files.write_channels(
    tmp_path / "pred" / "aachen_000002_000019.png", np.zeros((3, 3, 3), np.uint8)
  )
  files.write_uids(tmp_path / "gt" / "aachen_000003_000019.tif", np.full((12, 16), 80, np.int32))
  with pytest.raises(SystemExit) as stopped:
    run(tmp_path)
  message = str(stopped.value)
  assert message.startswith("jppf score: 3 of 4 images cannot be scored:")
  assert "aachen_000000_000019.png cannot be read as an image" in message
  assert (
    "aachen_000002_000019: The ground truth has shape (12, 16), the prediction (3, 3, 3)" in message
  )
  assert "aachen_000003_000019: 192 pixels carry ids that cpp_grouped does not have" in message
  assert not (tmp_path / "out").exists()


def test_folders_without_images_are_named(tmp_path):
  (tmp_path / "gt").mkdir()
  with pytest.raises(
    SystemExit, match=r"jppf score: .*gt and its folders hold no \*\.tif or \*\.tiff file"
  ):
    run(tmp_path)
  write_images(tmp_path, cpp(), 1)
  with pytest.raises(SystemExit, match="There is no folder nowhere"):
    run(tmp_path, pred="nowhere")
  with pytest.raises(SystemExit, match="No label spec 'kitti'"):
    run(tmp_path, "kitti")


def test_a_flag_that_is_missing_is_a_usage_error(tmp_path):
  write_images(tmp_path, cpp(), 1)
  with pytest.raises(
    app.UsageError, match=r"Needs --spec, --gt=DIR, --pred=DIR and --out=FILE\.json"
  ):
    run(tmp_path, pred=None)


def test_the_module_is_a_command(tmp_path):
  write_images(tmp_path, cpp(), 1)
  command = [
    sys.executable,
    "-m",
    "jppf_jax.cli.score",
    "--spec=cpp",
    f"--gt={tmp_path}/gt",
    f"--pred={tmp_path}/pred",
  ]
  subprocess.run([*command, f"--out={tmp_path}/scores.json"], check=True, capture_output=True)
  assert json.loads((tmp_path / "scores.json").read_text())["images"] == 1


def test_tables_show_a_dash_where_a_class_never_occurs():
  console = Console(width=120, file=io.StringIO())
  score.print_tables(Scores(cpp()).to_json(), console)
  text = console.file.getvalue()
  assert "bicycle" in text and "0 images, cpp_grouped: semantic mIoU –" in text
