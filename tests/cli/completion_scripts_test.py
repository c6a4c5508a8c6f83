"""The scripts in real shells: what they suggest, what a Tab writes, how long it takes."""

import shutil
import subprocess
import sys
import time

import pytest

from jppf_jax.cli import completion_scripts, completion_words, configs, main
from tests.cli import terminal

VERBS = completion_words.verbs()
TYPED = {  # what is typed before Tab, what the line is then
  "jppf trai": "jppf train",
  "jppf train --dry": "jppf train --dry_run",
  "jppf train --config=smo": "jppf train --config=smoke",
  "jppf train --config smo": "jppf train --config smoke",
  "jppf predict --weights=clo": "jppf predict --weights=clothing",
  "jppf prepare cityscapes_p": "jppf prepare cityscapes_panoptic_parts",
  "jppf import-weights --from=efficientp": "jppf import-weights --from=efficientps",
  "jppf predict --out=my": "jppf predict --out=my_photos",
  "jppf predict my_photos/st": "jppf predict my_photos/street.png",
  "jppf help bench": "jppf help benchmark",
}


@pytest.fixture
def folder(tmp_path):
  """A folder with a photo in a folder, a file, and the scripts of all shells."""
  (tmp_path / "my_photos").mkdir()
  (tmp_path / "my_photos" / "street.png").touch()
  (tmp_path / "own config.py").touch()
  for shell, script in completion_scripts.SCRIPTS.items():
    (tmp_path / shell).mkdir()
    (tmp_path / shell / "script").write_text(script(VERBS))
  return tmp_path


@pytest.fixture
def suggested(folder):
  """Returns what bash suggests for the last of some words, as a list."""

  def run(*words):
    code = 'source bash/script; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
    code += "complete -p jppf; _jppf; printf '%s\\n' \"${COMPREPLY[@]}\""
    command = ["bash", "--norc", "--noprofile", "-c", code, "bash", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    first, *found = done.stdout.splitlines()
    assert first == "complete -F _jppf jppf"
    return [word for word in found if word]

  return run


def test_bash_suggests_verbs_and_then_their_flags(suggested):
  assert suggested("jppf", "") == [*main.VERBS, *completion_scripts.GENERAL]
  assert suggested("jppf", "pre") == ["predict", "prepare"]
  assert suggested("jppf", "train", "--co") == ["--config=", "--coordinator=", "--compile_cache"]
  assert "--workdir=" in suggested("jppf", "train", "")
  assert suggested("jppf", "train", "--dry_run", "--wo") == ["--workdir="]
  assert suggested("jppf", "train", "--nod") == ["--nodistributed", "--nodry_run"]
  assert suggested("jppf", "score", "--co") == []


def test_bash_suggests_values_whichever_way_it_takes_a_word_apart(suggested):
  assert suggested("jppf", "train", "--config", "=", "cl") == ["clothing", "clothing_start"]
  assert suggested("jppf", "train", "--config", "cl") == ["clothing", "clothing_start"]
  assert suggested("jppf", "train", "--config=clothing_") == ["--config=clothing_start"]
  found = suggested("jppf", "train", "--config", "=")
  assert set(found) == {*configs.names(), *completion_words.SHELLS, "my_photos", "own config.py"}
  assert suggested("jppf", "convert", "--from", "=", "c") == ["coco", "cvat", "cityscapes"]
  assert suggested("jppf", "predict", "--batch_size", "=", "") == []


def test_bash_suggests_paths_where_paths_belong(suggested):
  assert suggested("jppf", "train", "--workdir", "=", "my") == ["my_photos"]
  assert suggested("jppf", "train", "--workdir", "=", "own") == []
  assert suggested("jppf", "train", "--config", "=", "own") == ["own config.py"]
  assert suggested("jppf", "predict", "my_photos/") == ["my_photos/street.png"]


def test_completing_takes_less_than_a_third_of_a_second(suggested):
  start = time.monotonic()
  for _ in range(10):
    suggested("jppf", "train", "--config", "=", "smo")
  assert (time.monotonic() - start) / 10 < 0.3


@pytest.mark.parametrize("shell", completion_words.SHELLS)
def test_a_tab_writes_the_rest_of_the_word(shell, folder):
  if shutil.which(shell) is None:
    pytest.skip(f"{shell} is not installed")
  command = [sys.executable, terminal.__file__, shell, f"{shell}/script", *TYPED]
  done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
  assert done.returncode == 0, done.stderr
  assert dict(zip(TYPED, done.stdout.splitlines(), strict=True)) == TYPED


def test_texts_with_signs_of_the_shells_are_quoted():
  text = 'it\'s [one]: $HOME `date` "x"'
  flag = completion_words.Option("size", text, "N", completion_words.Values())
  verb = completion_words.Verb("draw", text, (flag,), completion_words.Values())
  for shell, script in completion_scripts.SCRIPTS.items():
    if shutil.which(shell) is None:
      continue
    check = ["--no-execute"] if shell == "fish" else ["-n"]
    done = subprocess.run([shell, *check], input=script([verb]), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), shell
