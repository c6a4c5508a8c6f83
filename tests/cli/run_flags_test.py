from tests.cli.verbs import jppf


def test_a_key_that_does_not_exist_stops_before_anything_is_done(tmp_path):
  workdir = tmp_path / "run"
  unknown = "--config.optimizer.learning_rat=1"
  done = jppf("train", "--config=configs/smoke.py", f"--workdir={workdir}", unknown)
  assert done.returncode != 0
  assert "learning_rat" in done.stderr
  assert not workdir.exists()


def test_config_and_workdir_are_asked_for():
  done = jppf("train")
  assert done.returncode != 0
  assert "--config=FILE" in done.stdout + done.stderr
