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
from jppf_jax.evaluation import score as score_files
from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.evaluation_spec import package_folder
from jppf_jax.labels.registry import load_spec
from jppf_jax.metrics.scores import PART_PQ, PQ, Scores
from tests.evaluation.saved_files import write_pairs

EVAL_SPECS = package_folder() / "specs" / "eval_specs"
FILE = str(EVAL_SPECS / "ppq_cpp_19_23_cvpr21_default_evalspec.yaml")
SECOND = "aachen_000001_000019"


def run(root, spec="cpp", *, pred="pred", missing="error", out="out/scores.json"):
  """Runs the verb in this process and returns the JSON it wrote."""
  out = root / out
  flags.FLAGS.mark_as_parsed()
  with flagsaver.flagsaver(
    (file_flags.SPEC, spec),
    (file_flags.OUT, str(out)),
    (score.GT, str(root / "gt")),
    (score.PRED, pred and str(root / pred)),
    (score._MISSING, missing),
    (score._WORKERS, 2),
  ):
    score.main(["score"])
  return json.loads(out.read_text())


@pytest.mark.parametrize(
  "name", ["cpp", "cpp_default", "ppp", FILE], ids=["cpp", "cpp_default", "ppp", "a file"]
)
def test_the_scores_of_a_folder_are_written_and_printed(tmp_path, name, capsys):
  expected = write_pairs(tmp_path, load_spec(name), 4)
  assert run(tmp_path, name) == expected
  shown = capsys.readouterr().out
  assert all(word in shown for word in ("PartPQ", "TP", "FP", "FN", "4 images", "scores.json"))


def test_missing_predictions_are_an_error_or_count_as_empty(tmp_path):
  write_pairs(tmp_path, cpp(), 3)
  (tmp_path / "pred" / f"{SECOND}.png").unlink()
  with pytest.raises(SystemExit, match=rf"jppf score: 1 of 3 images .*pred: {SECOND}\. .*=empty"):
    run(tmp_path)
  assert run(tmp_path, missing="empty")["images"] == 3


def test_nothing_is_written_if_a_file_cannot_be_scored(tmp_path):
  write_pairs(tmp_path, cpp(), 2)
  (tmp_path / "pred" / f"{SECOND}.png").write_bytes(b"not a picture")
  with pytest.raises(SystemExit, match="jppf score: 1 of 2 images cannot be scored:"):
    run(tmp_path)
  assert not (tmp_path / "out").exists()


def test_a_folder_or_a_spec_that_does_not_exist_is_named(tmp_path):
  write_pairs(tmp_path, cpp(), 1)
  with pytest.raises(SystemExit, match="There is no folder .*nowhere"):
    run(tmp_path, pred="nowhere")
  with pytest.raises(SystemExit, match="No label spec 'kitti'"):
    run(tmp_path, "kitti")


def test_an_output_that_cannot_be_written_is_refused_before_the_work(tmp_path, monkeypatch):
  monkeypatch.setattr(score_files, "score_folders", None)
  (tmp_path / "out" / "scores.json").mkdir(parents=True)
  with pytest.raises(SystemExit, match=r"Cannot write .*scores\.json: it is a folder"):
    run(tmp_path)


def test_only_an_earlier_report_is_replaced(tmp_path):
  write_pairs(tmp_path, cpp(), 1)
  config = tmp_path / "config.json"
  config.write_text('{"images": 1}')
  with pytest.raises(SystemExit, match=r"jppf score: Cannot write .*config\.json: .* name another"):
    run(tmp_path, out="config.json")
  assert config.read_text() == '{"images": 1}'
  first = run(tmp_path)
  assert run(tmp_path) == first


def test_a_flag_that_is_missing_is_a_usage_error(tmp_path):
  with pytest.raises(app.UsageError, match=r"Needs --spec, --gt=DIR, --pred=DIR and --out=FILE"):
    run(tmp_path, pred=None)


def test_the_module_is_a_command_that_starts_without_jax(tmp_path):
  write_pairs(tmp_path, cpp(), 1)
  out = tmp_path / "scores.json"
  folders = [f"--gt={tmp_path}/gt", f"--pred={tmp_path}/pred"]
  python = [sys.executable, "-X", "importtime", "-m", "jppf_jax.cli.score"]
  command = [*python, "--spec=cpp", *folders, f"--out={out}"]
  done = subprocess.run(command, check=True, capture_output=True, text=True)
  assert json.loads(out.read_text())["images"] == 1
  imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
  assert "jppf_jax.evaluation.score" in imported
  assert not imported & {"jax", "flax", "tensorflow_datasets"}


def printed(report, width=80):
  written = io.StringIO()
  score.print_tables(report, Console(width=width, file=written))
  return written.getvalue()


def cells_of(text, name):
  """Returns the cells of the rows that start with `name`, one list per table."""
  rows = [line.strip() for line in text.splitlines() if line.strip().startswith(f"{name} ")]
  return [row.removeprefix(name).split() for row in rows]


def report_of_a_car_and_a_lost_person():
  """Returns the report of two thing instances without part labels: half a car, and a person."""
  uids, prediction = np.full((10, 10), 7, np.int32), np.zeros((10, 10, 3), np.uint8)
  prediction[...] = (7, 0, 1)
  uids[:4], uids[8:] = 26_001, 24_001
  prediction[:3] = (26, 1, 1)  # IoU 3 / 4
  prediction[8:] = 255
  scores = Scores(cpp())
  scores.add("a", uids, prediction)
  return scores.to_json()


def test_tables_show_a_dash_for_a_class_that_never_occurs():
  text = printed(Scores(cpp()).to_json())
  assert cells_of(text, "bicycle") == [["–"] * 3 + ["0"] * 3, ["–"] * 3 + ["0"] * 3 + ["–"]]
  assert "0 images, cpp_grouped: semantic mIoU –" in text


def test_each_mean_names_the_number_of_its_own_classes():
  text = printed(report_of_a_car_and_a_lost_person())
  # road: IoU 4 / 5. PartPQ has neither the car nor the person, whose parts are not labelled.
  assert cells_of(text, "mean, all (1)") == [["80.0", "80.0", "100.0"]]
  assert cells_of(text, "mean, with parts (0)") == [["–", "–", "–"]]
  assert cells_of(text, "mean, all (3)") == [["51.7", "51.7", "66.7"]]
  assert cells_of(text, "mean, with parts (2)") == [["37.5", "37.5", "50.0"]]
  assert cells_of(text, "car")[1] == ["75.0", "75.0", "100.0", "1", "0", "0", "75.0"]
  assert cells_of(text, "person")[1] == ["0.0", "0.0", "0.0", "0", "0", "1", "0.0"]
  assert "semantic mIoU 51.7 (3 classes)" in text and "part mIoU 100.0 (1 part channels)" in text
  assert "Mean SQ x mean RQ is not mean PQ" in " ".join(text.split())


@pytest.mark.parametrize("name", ["cpp", "ppp"])
def test_nothing_is_cut_at_80_columns(name):
  report = Scores(load_spec(name)).to_json()
  for row in report["per_class"]:
    for metric, keys in (("part_pq", PART_PQ), ("pq", PQ)):
      counts = dict.fromkeys(("tp", "fp", "fn"), 123_456)
      row[metric] = dict.fromkeys(keys, 1.0) | counts
    row["semantic_iou"] = 1.0
  text = printed(report)
  assert "…" not in text and max(map(len, text.splitlines())) <= 80
  for row in report["per_class"]:
    part_pq, pq = cells_of(text, row["name"])
    assert part_pq == ["100.0"] * 3 + ["123456"] * 3 and pq == [*part_pq, "100.0"]


def test_no_input_is_replaced(tmp_path, monkeypatch):
  write_pairs(tmp_path, cpp(), 2)
  (tmp_path / "own.yaml").write_text("{}")  # JSON too
  monkeypatch.setattr(score_files, "score_folders", None)
  names = [f"gt/{SECOND}.tif", f"pred/{SECOND}.png", "own.yaml"]
  before = [(tmp_path / name).read_bytes() for name in names]
  for name in names:
    with pytest.raises(SystemExit, match=rf"jppf score: Cannot write .*{name}: .* another file"):
      run(tmp_path, str(tmp_path / "own.yaml"), out=name)
  assert [(tmp_path / name).read_bytes() for name in names] == before
