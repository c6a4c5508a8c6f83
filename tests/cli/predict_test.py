import numpy as np
from PIL import Image

from tests.cli.verbs import jppf


def test_writes_every_form_and_reports_what_it_could_not_read(tiny_run, tmp_path):
  Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 70, 3), np.uint8)).save(
    tmp_path / "a.jpg"
  )
  Image.new("L", (1, 1)).save(tmp_path / "b.png")
  (tmp_path / "c.png").write_bytes((tmp_path / "b.png").read_bytes()[:40])
  images = [tmp_path / name for name in ("a.jpg", "b.png", "c.png")]
  done = jppf("predict", f"--workdir={tiny_run.workdir}", f"--out={tmp_path / 'out'}", *images)
  assert (
    done.returncode != 0
    and "1 of 3 images could not be read" in done.stderr
    and "c.png" in done.stderr
  )
  for name in (
    "a.png",
    "uids/a.tif",
    "channels/a.png",
    "panoptic/a.png",
    "panoptic.json",
    "b.png",
    "uids/b.tif",
  ):
    assert (tmp_path / "out" / name).is_file(), name
  assert not (tmp_path / "out" / "c.png").exists()


def test_a_folder_that_holds_no_run_is_an_error(tmp_path):
  done = jppf("predict", f"--workdir={tmp_path}", f"--out={tmp_path}", "a.jpg")
  assert done.returncode != 0 and "holds no run" in done.stdout + done.stderr


def test_images_and_out_are_asked_for():
  done = jppf("predict")
  assert done.returncode != 0 and "Needs images and --out=DIR" in done.stdout + done.stderr
