import json

import numpy as np
import pytest
from PIL import Image

from jppf_jax.labels.formats import files
from jppf_jax.labels.registry import load_spec
from tests.cli import verbs
from tests.report import small
from tests.report.costs_test import MEASURED


def test_the_page_of_a_run_is_written_and_named(tmp_path):
  run = small.write(tmp_path / "run")
  done = verbs.here("report", f"--workdir={run}", "--images=2")
  assert done.status == 0, done.status
  written = run / "evaluation" / "validation" / "report.html"
  assert f"Report: {written} (" in done.out
  assert "3 images · 2 shown" in written.read_text()
  out = tmp_path / "own.html"
  measured = tmp_path / "measured.json"
  measured.write_text(json.dumps(MEASURED))
  argv = ["--evaluation=validation", f"--out={out}", f"--benchmark={measured}"]
  other = small.write(tmp_path / "other")
  done = verbs.here("report", f"--workdir={run}", f"--compare={other}", *argv)
  assert done.status == 0, done.status
  assert "Compared with other" in out.read_text() and "Time and memory" in out.read_text()
  assert "itself" not in done.err
  done = verbs.here("report", f"--workdir={run}", f"--compare={run}", f"--out={out}")
  assert done.status == 0 and "run is compared with itself: nothing can differ." in done.err
  assert '"key":"other"' not in out.read_text()


def test_saved_predictions_have_a_page(tmp_path):
  uids, photo = np.full((8, 8), 7), np.zeros((8, 8, 3), np.uint8)
  files.write_uids(tmp_path / "gt" / "a.tif", uids)
  files.write_channels(tmp_path / "pred" / "a.png", load_spec("cpp").uids_to_channels(uids))
  files.write_image(tmp_path / "photos" / "a.png", Image.fromarray(photo), format="PNG")
  folders = (f"--gt={tmp_path / 'gt'}", f"--pred={tmp_path / 'pred'}")
  out = tmp_path / "out.html"
  photos = f"--photos={tmp_path / 'photos'}"
  done = verbs.here("report", "--spec=cpp", *folders, f"--out={out}", photos)
  assert done.status == 0, done.status
  assert '"photo":"/9j' in out.read_text()  # as JPEGs begin


@pytest.mark.parametrize(
  "argv", [(), ("--spec=cpp",), ("--workdir=a", "--spec=cpp"), ("--workdir=a", "b")]
)
def test_too_few_or_too_many_folders_are_refused(argv):
  done = verbs.here("report", *argv)
  assert done.status == 2
  assert "Needs --workdir=DIR, or --spec, --gt=DIR, --pred=DIR and --out=FILE.html" in done.err


def test_a_folder_without_evaluation_is_one_sentence(tmp_path):
  done = verbs.here("report", f"--workdir={tmp_path}")
  assert done.status.startswith(f"jppf report: {tmp_path} has no evaluation")
  assert len(done.status.splitlines()) == 1
