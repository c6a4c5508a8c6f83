import pytest

from tests.cli import verbs


def test_a_run_is_scored_from_any_folder_and_prints_one_table_and_where_the_pictures_are(
  tiny_run, tmp_path
):
  workdir = tiny_run.copy(tmp_path / "run")
  done = verbs.jppf("evaluate", "--workdir=run", "--pictures=1", cwd=tmp_path)
  assert done.returncode == 0, done.stderr
  assert verbs.remarks(done.stderr) == []
  folder = workdir / "evaluation" / "validation"
  for words in ("PartPQ All", "top-down merge", "Density", f"{folder}/", f"{folder}/report.html"):
    assert words in done.stdout
  assert (folder / "report.html").is_file()
  assert list(folder.glob("*.png"))


def test_the_best_weights_are_scored_into_a_folder_of_their_own(tiny_run, tmp_path):
  workdir = tiny_run.copy(tmp_path / "run")
  (workdir / "weights.safetensors").rename(workdir / "weights_best.safetensors")
  done = verbs.here("evaluate", f"--workdir={workdir}", "--which=best", "--pictures=0")
  assert done.status == 0, done.status
  folder = workdir / "evaluation" / "validation_best"
  assert (folder / "scores.json").is_file() and f"{folder}/" in done.out
  done = verbs.here("evaluate", f"--workdir={workdir}", "--which=ema")
  assert done.status.startswith(f"jppf evaluate: {workdir} has no weights_ema.safetensors")


@pytest.mark.parametrize("split", ["foo", "train[:99999]", "train[:0]"])
def test_a_split_that_does_not_exist_is_one_sentence(tiny_run, split):
  argv = (f"--workdir={tiny_run.workdir}", f"--split={split}")
  for flags in ([], verbs.smoke(tiny_run)):
    done = verbs.here("evaluate", *argv, *flags)
    assert done.status.startswith("jppf evaluate: ")
    assert split in done.status
    assert len(done.status.splitlines()) == 1
