import numpy as np
from PIL import Image

from jppf_jax import build
from jppf_jax.cli.predict import about_weights
from tests.cli.verbs import jppf

FORMS = ("a.png", "uids/a.tif", "channels/a.png", "panoptic/a.png", "panoptic.json")
FILES = (*FORMS, "b.png", "uids/b.tif")


def write_images(folder):
  """Writes a photo, an image of one grey pixel, and one that is cut off; returns their paths."""
  photo, grey, cut = (folder / name for name in ("a.jpg", "b.png", "c.png"))
  noise = np.random.default_rng(0).integers(0, 256, (40, 70, 3), np.uint8)
  Image.fromarray(noise).save(photo)
  Image.new("L", (1, 1)).save(grey)
  cut.write_bytes(grey.read_bytes()[:40])
  return photo, grey, cut


def test_writes_every_form_and_reports_what_it_could_not_read(tiny_run, tmp_path):
  images = write_images(tmp_path)
  out = tmp_path / "out"
  done = jppf("predict", f"--workdir={tiny_run.workdir}", f"--out={out}", *images)
  assert done.returncode != 0
  assert f"2 images: pictures in {out}, labels in {out}/uids, {out}/channels" in done.stdout
  origin = "trained 4 steps on synthetic_panoptic_parts"
  assert f"Weights {tiny_run.workdir}/weights.safetensors, {origin}\n" in done.stderr
  assert "1 of 3 images could not be read" in done.stderr
  assert "c.png" in done.stderr
  for name in FILES:
    assert (out / name).is_file(), name
  assert not (out / "c.png").exists()


def test_a_folder_that_holds_no_run_is_an_error(tmp_path):
  done = jppf("predict", f"--workdir={tmp_path}", f"--out={tmp_path}", "a.jpg")
  assert done.returncode != 0
  assert "holds no run" in done.stdout + done.stderr


def test_the_weights_of_the_package_say_what_they_were_trained_on():
  lines = about_weights(build.weights_path("demo")).splitlines()
  assert lines[0].endswith("trained 2400 steps on synthetic_panoptic_parts:")
  assert "no photos" in lines[1]
  assert all(len(line) <= 80 for line in lines)


def test_images_and_out_are_asked_for():
  done = jppf("predict")
  assert done.returncode != 0
  assert "Needs images and --out=DIR" in done.stdout + done.stderr
