import json

import pytest
from PIL import Image

from jppf_jax import build
from jppf_jax.checkpoints import model_folder
from jppf_jax.cli import run_flags
from jppf_jax_configs import clothing, demo
from tests.cli import verbs

OF_RUNS = ("train", "evaluate", "predict")


@pytest.mark.parametrize(
  "argv, written",
  [
    (["--config.a.b=1"], ["--config.PATH=a.b=1"]),
    (["-config.a.b=1", "x.png"], ["--config.PATH=a.b=1", "x.png"]),
    (["--config.a", "1", "x.png"], ["--config.PATH=a=1", "x.png"]),
    (["--config.a", "--config.b"], ["--config.PATH=a", "--config.PATH=b"]),
    (["--noconfig.a", "x.png"], ["--config.PATH=a=false", "x.png"]),
    (["--config.a=b=c\nd"], ["--config.PATH=a=b=c\nd"]),
    (["--config", "cpp", "--out=config.a=1"], ["--config", "cpp", "--out=config.a=1"]),
    (["x.png", "--", "--config.a=1"], ["x.png", "--", "--config.a=1"]),
  ],
)
def test_changed_values_are_found_wherever_they_stand(argv, written):
  assert run_flags.as_flags(argv) == written


@pytest.fixture
def run(tmp_path):
  """The folder of a run that stores a config with another seed."""
  folder = tmp_path / "run"
  config = clothing.get_config().unlock()
  config.seed = 77
  folder.mkdir()
  build.store_run(config, folder)
  return folder


def used(monkeypatch, verb, *argv):
  """The config and the folder that a verb works with."""
  given = {"train": run_flags.config_and_workdir, "evaluate": run_flags.run_of_workdir}
  found = []

  def main(_):
    found.append(given.get(verb, verbs.module("predict").config_and_weights)())

  monkeypatch.setattr(verbs.module(verb), "main", main)
  done = verbs.here(verb, *argv)
  assert done.status == 0, done
  return found[0]


@pytest.mark.parametrize("verb", OF_RUNS)
def test_a_config_by_name_with_changes_before_and_after_it_works_in_any_folder(
  verb, run, tmp_path, monkeypatch
):
  monkeypatch.chdir(tmp_path)
  changes = ("--config.seed=5", "--config=clothing", "--config.data.train_size=64,32")
  config, path = used(monkeypatch, verb, *changes, "--workdir=run")
  assert path in (run, run / build.RUN_WEIGHTS)
  expected = clothing.get_config().unlock()
  expected.seed, expected.data.train_size = 5, (64, 32)
  assert config == build.completed(expected)


@pytest.mark.parametrize("verb", ["evaluate", "predict"])
def test_without_config_the_run_s_own_is_used_and_can_be_changed(verb, run, monkeypatch):
  config, _ = used(monkeypatch, verb, f"--workdir={run}", "--config.data.eval_size=(96,64)")
  stored = json.loads((run / "config.json").read_text())
  assert (stored["seed"], config.seed) == (77, 77)
  assert config.data.eval_size == (96, 64)
  assert config.model == clothing.get_config().model


def test_without_a_run_predict_changes_the_config_of_the_best_shipped_model(monkeypatch):
  config, weights = used(monkeypatch, "predict", "--config.detection.max_detections=3")
  assert config.detection.max_detections == 3
  best, *_ = model_folder.shipped()
  of_config = {"demo": demo, "clothing": clothing}[best].get_config()
  assert config.model.encoder == of_config.model.encoder
  assert config.data.eval_size == of_config.data.eval_size
  assert weights == build.weights_path(best)


def test_weights_are_a_folder_with_its_config_which_can_be_changed(run, monkeypatch):
  (run / build.RUN_WEIGHTS).write_bytes(b"")
  change = "--config.detection.max_detections=3"
  config, weights = used(monkeypatch, "predict", f"--weights={run}", change)
  assert (config.seed, config.detection.max_detections) == (77, 3)
  assert weights == run / build.RUN_WEIGHTS


@pytest.mark.parametrize("which, value", [("ema", "ema_decay"), ("best", "evaluate_every")])
def test_other_weights_of_a_run_are_named_and_must_exist(run, which, value, monkeypatch):
  argv = ("predict", f"--workdir={run}", f"--which={which}", "photo.jpg")
  done = verbs.here(*argv)
  assert done.status.startswith(f"jppf predict: {run} has no weights_{which}.safetensors: a run ")
  assert f"--config.train.{value}=" in done.status
  (run / f"weights_{which}.safetensors").write_bytes(b"")
  _, weights = used(monkeypatch, *argv[:3])
  assert weights == run / f"weights_{which}.safetensors"


def test_other_weights_need_a_run():
  done = verbs.here("predict", "--which=best", "photo.jpg")
  assert "--which=best is for the weights of a run" in done.err + str(done.status)


@pytest.mark.parametrize("verb", OF_RUNS)
@pytest.mark.parametrize(
  "flag, words",
  [
    ("--config=clothin", "did you mean --config=clothing?"),
    ("--config=configs/nothing.py", "no config file 'configs/nothing.py'"),
    ("--config.data.batchsize=2", "did you mean --config.data.batch_size?"),
    ("--config.data.batch_size=two", "must be of type int"),
    ("--workdir={file}", "is a file"),
    ("--workdir={file}/run", "is a file"),
  ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_written(verb, flag, words, tmp_path):
  file, workdir = tmp_path / "file.txt", tmp_path / "runs/a"
  file.write_text("x")
  ends = {"train": [], "evaluate": [], "predict": ["a.png", f"--out={tmp_path / 'out'}"]}
  flags = ["--config=smoke", f"--workdir={workdir}", flag.format(file=file)]
  done = verbs.here(verb, *ends[verb], *flags)
  assert done.status == 2
  assert words in done.err
  assert done.err.startswith(f"jppf {verb}: ")
  assert len(done.err.splitlines()) == 2
  assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]


@pytest.mark.parametrize("verb", ["evaluate", "predict"])
def test_a_folder_that_holds_no_run_is_one_sentence(verb, tmp_path):
  ends = {"evaluate": [], "predict": ["a.png", f"--out={tmp_path / 'out'}"]}
  done = verbs.here(verb, *ends[verb], f"--workdir={tmp_path}")
  assert done.status.startswith(f"jppf {verb}: {tmp_path} holds no run")
  assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("verb", ["train", "demo", "evaluate"])
def test_a_folder_that_cannot_be_written_is_refused_before_work(verb):
  done = verbs.here(verb, *["--config=smoke"] * (verb != "demo"), "--workdir=/proc/nowhere/run")
  assert done.status.startswith(f"jppf {verb}: Cannot write /proc/nowhere/run: ")


def test_config_and_workdir_are_asked_for():
  done = verbs.here("train", "--config=smoke")
  assert "Needs --config=CONFIG (cityscapes, clothing, clothing_start, cpp" in done.err
  assert "Needs --workdir=DIR" in verbs.here("evaluate", "--config=smoke").err


@pytest.mark.parametrize("verb", ["evaluate", "predict"])
def test_scales_and_flip_change_the_config_that_the_network_is_loaded_with(
  verb, run, tmp_path, monkeypatch
):
  loaded = []

  def load(config, *_, **__):
    loaded.append(build.inference(config).testing)
    raise OSError("loaded")

  monkeypatch.setattr("jppf_jax.evaluation.predict.load_predictor", load)
  monkeypatch.setattr("jppf_jax.evaluation.evaluate.load_comparison", load)
  photo = tmp_path / "a.png"
  Image.new("RGB", (9, 9)).save(photo)
  given = [str(photo), f"--out={tmp_path}"] if verb == "predict" else []
  where = (f"--workdir={run}", "--nocompile_cache", *given)
  (run / "weights.safetensors").write_bytes(b"")
  monkeypatch.setattr(verbs.module("predict"), "about_weights", lambda _: "")
  for flags in ([], ["--scales=0.5,1"], ["--flip"], ["--config.testing.flip=true", "--scales=2"]):
    assert verbs.here(verb, *where, *flags).status == f"jppf {verb}: loaded"
  once, two, mirrored, both = loaded
  assert once == build.MultiScale()
  assert two == build.MultiScale((0.5, 1.0), False)
  assert mirrored == build.MultiScale((1.0,), True)
  assert both == build.MultiScale((2.0,), True)
  for text in ("0.5,0", "abc", "100", "0.75,,1", ""):
    wrong = verbs.here(verb, *where, f"--scales={text}")
    assert wrong.status == 2
    assert wrong.err.startswith(
      f"jppf {verb}: --scales must be one number or more, each from 0.1 to 4, like 0.75,1,1.25; "
      f"got {text!r}.\n"
    )
