import numpy as np
import pytest
from absl import flags
from absl.testing import flagsaver
from PIL import Image

from jppf_jax import build, photos
from jppf_jax.cli import compile_cache, predict
from jppf_jax.cli.predict import about_weights
from tests.cli.verbs import jppf
from tests.evaluation.save_test import Failing, Stub

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
  done = jppf("predict", f"--workdir={tiny_run.workdir}", f"--out={out}", "--scores", *images)
  assert done.returncode == 1 and "Traceback" not in done.stderr
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


@pytest.fixture
def here(tmp_path, monkeypatch):
  """Runs the verb in this process, with a stub for the network; returns how."""
  if not flags.FLAGS.is_parsed():
    flags.FLAGS(["jppf"])

  def run(*images, predictor=None, **values):
    monkeypatch.setattr(predict, "config_and_weights", lambda: (None, tmp_path))
    monkeypatch.setattr(predict, "about_weights", lambda _: "")
    monkeypatch.setattr(compile_cache, "use", lambda: None)
    load = "jppf_jax.evaluation.predict.load_predictor"
    monkeypatch.setattr(load, lambda *_: predictor or Stub())
    with flagsaver.flagsaver(out=str(tmp_path / "out"), **values):
      predict.main(["predict", *map(str, images)])

  return run


def write_scene(path, size=(20, 30)):
  Image.fromarray(np.zeros((*size, 3), np.uint8)).save(path)
  return path


def test_what_would_be_overwritten_ends_in_one_sentence(here, tmp_path):
  image = write_scene(tmp_path / "a.png")
  with pytest.raises(SystemExit, match=r"^jppf predict: .*a\.png is given twice; name each .*\.$"):
    here(image, image)
  assert not (tmp_path / "out").exists()


def test_images_of_one_name_are_counted_as_they_are_written(here, tmp_path, capsys):
  paths = [tmp_path / folder / "a.png" for folder in ("x", "y")]
  for path in paths:
    path.parent.mkdir()
    write_scene(path)
  here(*paths)
  assert "2 images" in capsys.readouterr().out
  assert len(list((tmp_path / "out" / "uids").iterdir())) == 2


def test_ctrl_c_ends_with_a_sentence_and_the_index(here, tmp_path, capsys):
  paths = [write_scene(tmp_path / f"{name}.png") for name in "ab"]
  with pytest.raises(SystemExit) as stopped:
    here(*paths, predictor=Failing(KeyboardInterrupt(), 2))
  assert stopped.value.code == 130
  assert "panoptic.json lists what is done" in capsys.readouterr().err
  assert (tmp_path / "out" / "panoptic.json").is_file()


def test_the_largest_image_is_a_flag(here, tmp_path):
  image = write_scene(tmp_path / "a.png", (1001, 1000))
  with pytest.raises(SystemExit, match=r"has 2 megapixels, the limit is 1\..*--max_megapixels=2 "):
    here(image, max_megapixels=1)
  here(image, max_megapixels=2)
  assert (tmp_path / "out" / "a.png").is_file()
  with photos.at_most(1_000_000), pytest.raises(photos.ImageError):
    photos.read_image(image)
