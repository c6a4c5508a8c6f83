import json

import pytest

import jppf_jax
from jppf_jax import build
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
  assert done.stdout.splitlines()[-1] == f"next: jppf predict PHOTO --workdir={workdir}"
  assert "The scores come from " in done.stdout  # fewer than ten images
  assert (folder / "report.html").is_file()
  assert list(folder.glob("*.png"))


def test_the_best_weights_are_scored_into_a_folder_of_their_own(tiny_run, tmp_path):
  workdir = tiny_run.copy(tmp_path / "run")
  (workdir / "weights.safetensors").rename(workdir / "weights_best.safetensors")
  done = verbs.here("evaluate", f"--workdir={workdir}", "--which=best", "--pictures=0")
  assert done.status == 0, done.status
  folder = workdir / "evaluation" / "validation_best"
  assert (folder / "scores.json").is_file() and f"{folder}/" in done.out
  assert f"next: jppf predict PHOTO --workdir={workdir} --which=best\n" in done.out
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


def test_a_model_is_scored_as_the_run_that_it_comes_from(tiny_run, tmp_path):
  model, out = tmp_path / "model", tmp_path / "scores"
  jppf_jax.from_pretrained(tiny_run.workdir).save_pretrained(model)
  of_run = tiny_run.copy(tmp_path / "run")
  data = f"--config.data.data_dir={build.run_config(of_run).data.data_dir}"
  found = []
  for flags, folder in (
    ([f"--workdir={of_run}"], of_run),
    ([f"--workdir={out}", f"--weights={model}"], out),
    ([f"--workdir={model}"], model),
  ):
    done = verbs.here("evaluate", *flags, "--pictures=0", data)
    assert done.status == 0, done
    written = folder / "evaluation" / "validation"
    assert f"{written}/" in done.out
    assert f"next: jppf predict PHOTO {flags[-1]}\n" in done.out
    assert "<h2" in (written / "report.html").read_text()
    found.append(json.loads((written / "scores.json").read_text())["joint"])
  assert found[0] == found[1] == found[2]
  assert sorted(entry.name for entry in out.iterdir()) == ["evaluation"]


def test_the_scores_of_a_model_do_not_replace_those_of_a_run(tiny_run, tmp_path):
  workdir = tiny_run.copy(tmp_path / "run")
  done = verbs.here("evaluate", f"--workdir={workdir}", "--weights=demo")
  assert (
    done.status == f"jppf evaluate: {workdir} is the folder of a run; name another for the model."
  )


@pytest.mark.parametrize(
  "flags, words",
  [
    (["--weights=demo"], "Needs --workdir=DIR, where the scores are written."),
    (["--weights=nothing", "--workdir=out"], "There is no model 'nothing'"),
    (["--weights=demo", "--workdir=out", "--which=ema"], "--workdir, and no --weights."),
    (["--weights=", "--workdir=out"], "--weights= names no model"),
  ],
)
def test_a_model_that_cannot_be_scored_is_one_sentence(flags, words, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  done = verbs.here("evaluate", *flags)
  assert words in done.err + str(done.status)


def test_each_flag_is_passed_on_as_what_it_is(tiny_run, monkeypatch):
  given, others = {}, {"part": "another network"}

  def evaluate(config, workdir, **how):
    given.update(how)
    raise OSError("enough")

  monkeypatch.setattr("jppf_jax.evaluation.evaluate.evaluate", evaluate)
  monkeypatch.setattr("jppf_jax.cli.run_flags.other_networks", lambda: others)
  for flag, name in (("--oracle", "oracle"), ("--readings", "readings")):
    done = verbs.here("evaluate", f"--workdir={tiny_run.workdir}", "--pictures=8", flag)
    assert done.status == "jppf evaluate: enough"
    assert {key for key in ("oracle", "readings") if given[key]} == {name}
    assert given["pictures"] == 8 and given["others"] is others
