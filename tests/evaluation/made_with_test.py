import subprocess

import jax

import jppf_jax
from jppf_jax.evaluation.made_with import commit, made_with


def test_versions_and_time_are_those_of_now():
  found = made_with()
  assert found["jppf_jax"] == jppf_jax.__version__ and found["jax"] == jax.__version__
  assert found["date"].endswith("UTC")


def test_a_clone_has_a_commit_that_says_whether_files_were_changed(tmp_path):
  assert commit(tmp_path) is None

  def git(*words):
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True)

  git("init")
  assert commit(tmp_path) is None  # nothing is committed
  (tmp_path / "file").write_text("a")
  git("add", "file")
  git("commit", "-m", "first")
  clean = commit(tmp_path)
  assert len(clean) == 12
  (tmp_path / "file").write_text("b")
  assert commit(tmp_path) == f"{clean}-dirty"
