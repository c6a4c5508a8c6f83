import json

from tests.cli.verbs import jppf, smoke


def test_a_finished_run_is_resumed_and_has_nothing_left_to_do(tiny_run, tmp_path):
  workdir = tiny_run.copy(tmp_path / "run")
  weights = workdir / "weights.safetensors"
  before = weights.read_bytes()
  done = jppf("train", *smoke(tiny_run), f"--workdir={workdir}")
  assert done.returncode == 0, done.stderr
  assert weights.read_bytes() == before
  saved = json.loads((workdir / "config.json").read_text())
  assert saved["model"]["encoder"] == tiny_run.config.model.encoder


def test_weights_that_do_not_fit_end_with_their_message_and_no_traceback(tiny_run, tmp_path):
  done = jppf("train", *smoke(tiny_run), f"--workdir={tmp_path}", "--config.model.pretrained=lite0")
  assert done.returncode == 1
  assert done.stderr.startswith("jppf train: The weights lite0: made for other settings")
  assert "Traceback" not in done.stderr


def test_an_argument_that_is_no_flag_is_refused(tiny_run, tmp_path):
  done = jppf("train", "steps=3", *smoke(tiny_run), f"--workdir={tmp_path}")
  assert done.returncode != 0
  assert "--config.name=value" in done.stdout + done.stderr
