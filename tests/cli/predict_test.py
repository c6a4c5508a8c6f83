import jax
import numpy as np
import pytest
from absl import flags
from absl.testing import flagsaver
from PIL import Image

from jppf_jax import build, photos
from jppf_jax.cli import compile_cache, predict
from jppf_jax.cli.predict import about_weights
from jppf_jax.evaluation import save
from jppf_jax.evaluation.batches import Photo
from jppf_jax.evaluation.video import VideoError
from tests.cli import verbs
from tests.cli.verbs import jppf
from tests.evaluation.save_test import PHOTO, Failing, Stub

FORMS = ("a.png", "uids/a.tif", "channels/a.png", "panoptic/a.png", "panoptic.json")
FILES = (*FORMS, "b.png", "uids/b.tif", "segments/a.json", "segments.csv")


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
  assert f"segments in {out}/segments.csv" in done.stdout
  origin = "trained 4 steps on synthetic_panoptic_parts"
  about, *others = verbs.remarks(done.stderr)
  assert about == f"Weights {tiny_run.workdir}/weights.safetensors, {origin}"
  failed, which = [line for line in others if not line.startswith("Compiling for photos")]
  assert failed == "1 input failed:"
  assert "c.png" in which
  for name in FILES:
    assert (out / name).is_file(), name
  assert not (out / "c.png").exists()


def test_a_folder_that_holds_no_run_is_an_error(tmp_path):
  done = jppf("predict", f"--workdir={tmp_path}", f"--out={tmp_path}", "a.jpg")
  assert done.returncode != 0
  assert "holds no run" in done.stdout + done.stderr


def test_the_weights_of_the_package_say_what_they_were_trained_on():
  lines = about_weights(build.weights_path("demo")).splitlines()
  assert lines[0] == (
    "Weights of the package, demo: trained 2400 steps on synthetic_panoptic_parts"
  )
  assert lines[1] == "(generated street scenes, no photos). Others: --weights=MODEL"
  assert all(len(line) <= 80 for line in lines)


def test_images_are_asked_for_and_two_models_are_one_too_many():
  done = verbs.here("predict")
  assert done.status == 2 and "Needs images, e.g. `jppf predict photo.jpg`." in done.err
  done = verbs.here("predict", "a.png", "--weights=demo", "--workdir=x")
  assert done.status == 2 and "Give --weights or --workdir, not both." in done.err


@pytest.mark.parametrize("name, words", [("dmeo", "There is no model 'dmeo'"), (".", "holds no")])
def test_a_model_that_is_not_there_is_one_sentence(name, words, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  done = verbs.here("predict", "a.png", f"--weights={name}", "--nocompile_cache")
  assert done.status.startswith("jppf predict: ") and words in done.status
  assert not list(tmp_path.iterdir())


@pytest.fixture
def here(tmp_path, monkeypatch):
  """Runs the verb in this process, with a stub for the network; returns how.

  What it returns is the arguments with which the network was loaded.
  """
  if not flags.FLAGS.is_parsed():
    flags.FLAGS(["jppf"])

  def run(*images, predictor=None, programs=None, **values):
    loads = []

    def load(*arguments, **_):
      loads.append(arguments)
      return predictor or Stub()

    monkeypatch.setattr(predict, "config_and_weights", lambda: (None, tmp_path))
    monkeypatch.setattr(predict, "about_weights", lambda _: "")
    monkeypatch.setattr(compile_cache, "use", lambda: programs)
    monkeypatch.setattr("jppf_jax.evaluation.predict.load_predictor", load)
    with flagsaver.flagsaver(**{"out": str(tmp_path / "out"), **values}):
      predict.main(["predict", *map(str, images)])
    return loads

  return run


def write_scene(path, size=(20, 30)):
  Image.fromarray(np.zeros((*size, 3), np.uint8)).save(path)
  return path


def test_a_new_program_is_announced_and_kept_in_the_cache_folder(here, tmp_path, capsys):
  image, programs = write_scene(tmp_path / "a.png"), tmp_path / "programs"
  [(_, _, kept)] = here(image, programs=programs)
  assert "Compiling" not in capsys.readouterr().err
  kept.program(jax.numpy.square, (np.arange(3),), "a square")
  assert [path.suffix for path in programs.iterdir()] == [".program"]
  assert "Compiling for photos of this shape, once:" in capsys.readouterr().err
  [(_, _, kept)] = here(image)
  assert kept is None


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


def test_without_out_results_go_to_a_folder_that_is_named(here, tmp_path, monkeypatch, capsys):
  monkeypatch.chdir(tmp_path)
  here(write_scene(tmp_path / "a.png"), out=None)
  assert (tmp_path / "predictions" / "a.png").is_file()
  assert "1 image: pictures in predictions, labels in" in capsys.readouterr().out


def test_folders_and_patterns_are_predicted_and_what_was_passed_over_is_said(
  here, tmp_path, capsys
):
  (tmp_path / "x").mkdir()
  write_scene(tmp_path / "x" / "a.png")
  write_scene(tmp_path / "b.png")
  (tmp_path / "x" / "notes.txt").write_text("")
  with pytest.raises(SystemExit) as failed:
    here(tmp_path / "x", f"{tmp_path}/?.png", f"{tmp_path}/*.webp", batch_size=2)
  assert failed.value.code.splitlines() == [
    "1 input failed:",
    f"  {tmp_path}/*.webp matches no image.",
  ]
  said = capsys.readouterr()
  assert "2 images: " in said.out
  assert f"{tmp_path}/x: 1 other file passed over\n" in said.err
  assert sorted(path.stem for path in (tmp_path / "out" / "uids").iterdir()) == ["a", "b"]


def test_frames_of_a_video_have_a_folder_of_their_own(here, tmp_path, monkeypatch, capsys):
  def frames(path, *, every):
    if path.name == "bad.mp4":
      raise VideoError("bad.mp4 is broken.")
    assert every == 10
    yield Photo("000000", PHOTO, "")
    yield Photo("000010", PHOTO, "")

  monkeypatch.setattr(save, "frames", frames)
  clips = [tmp_path / name for name in ("clip.mp4", "bad.mp4")]
  with pytest.raises(SystemExit, match=r"1 input failed:\n  bad.mp4 is broken\."):
    here(*clips, write_scene(tmp_path / "a.png"), every=10)
  out = tmp_path / "out"
  assert sorted(path.name for path in out.iterdir() if path.is_dir()) == [
    *("channels", "clip", "panoptic", "segments", "uids")
  ]
  assert (out / "clip" / "000010.png").is_file()
  assert f"frames of {clips[0]}: pictures in {out}/clip" in capsys.readouterr().out
