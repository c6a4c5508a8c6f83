from tests.cli.verbs import jppf


def test_a_key_that_does_not_exist_stops_before_anything_is_done(tmp_path):
  done = jppf(
    "train",
    "--config=configs/smoke.py",
    f"--workdir={tmp_path / 'run'}",
    "--config.optimizer.learning_rat=1",
  )
  assert done.returncode != 0 and "learning_rat" in done.stderr
  assert not (tmp_path / "run").exists()


def test_config_and_workdir_are_asked_for():
  done = jppf("train")
  assert done.returncode != 0 and "--config=FILE" in done.stdout + done.stderr
