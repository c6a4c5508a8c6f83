import json

import numpy as np
import pytest

from jppf_jax.config_rules import ConfigError
from jppf_jax.metrics.cells import count_cells
from jppf_jax.metrics.scores import Scores, score_cells
from jppf_jax.report.record import Answer
from jppf_jax.tables import runs as module
from jppf_jax.tables.jobs import Clock, Job, jobs_for
from jppf_jax.tables.runs import Runs
from jppf_jax.tables.setting import SETTINGS
from tests import tiny
from tests.tables.stubs import Stubs


@pytest.fixture
def stubs(monkeypatch):
  return Stubs(monkeypatch)


def runs(folder, **changes):
  return Runs(folder, SETTINGS["cpp"], tiny.config(folder, **changes))


def test_what_is_done_stays_and_what_was_interrupted_goes_on(stubs, tmp_path, capsys):
  jobs = jobs_for(["jppf", "baseline"], seeds=range(1))
  stubs.fail_at = "parts_seed0"
  with pytest.raises(KeyboardInterrupt):
    runs(tmp_path).do(jobs)
  done = ["train jppf_seed0", "evaluate jppf", "train panoptic_seed0", "train parts_seed0"]
  assert stubs.called == done
  stubs.called, stubs.fail_at = [], None
  runs(tmp_path).do(jobs)
  assert stubs.called == ["train parts_seed0", "evaluate baseline"]
  assert "5 jobs, 3 done before" in capsys.readouterr().out
  stubs.called = []
  runs(tmp_path).do(jobs)
  assert stubs.called == []


def test_the_first_seed_of_a_system_has_a_page_with_its_own_config(stubs, tmp_path, monkeypatch):
  def score(comparison, examples, folder, *, title, recorder):
    uids = np.full((4, 4), 7, np.int32)
    channels = comparison.spec.uids_to_channels(uids)
    cells = count_cells(comparison.spec, uids, channels)
    scores = Scores(comparison.spec)
    scores.add_score("scene", score_cells(comparison.spec, cells))
    if recorder is not None:
      recorder.add("scene", None, uids, {"joint": Answer(channels, cells)})
      recorder.save({"joint": scores})
    return {"images": 1, "joint": scores.to_json(), "heads": {}}

  monkeypatch.setattr(module, "score_dataset", score)
  runs(tmp_path).do(jobs_for(["jppf"], seeds=range(2)))
  (written,) = tmp_path.glob("scores/*/report.html")
  assert written.parent.name == "jppf_seed0"
  assert "<h1>jppf_seed0</h1>" in written.read_text()


def test_scores_of_other_weights_are_made_again(stubs, tmp_path):
  jobs = jobs_for(["jppf"], seeds=range(1))
  here = runs(tmp_path)
  here.do(jobs)
  stubs.called.append("something, so that the weights differ")
  here._train(Job("train", "jppf", 0))
  assert not here.is_done(jobs[1])
  here.do(jobs)
  assert stubs.called[-1] == "evaluate jppf"


def test_networks_differ_in_heads_labels_and_seed_only(tmp_path):
  here = runs(tmp_path)
  config = here.config("parts_sembg", 2)
  assert (config.seed, config.model.heads, config.data.labels) == (
    2,
    ("part",),
    "cpp_grouped_sembg",
  )
  base = json.loads(here.base.to_json_best_effort())
  changed = json.loads(config.to_json_best_effort())
  base["seed"], base["model"]["heads"], base["data"]["labels"] = 2, ["part"], "cpp_grouped_sembg"
  assert changed == base
  assert here.workdir("parts", 0) != here.workdir("parts", 1)
  one = runs(tmp_path / "started", **{"model.pretrained": "demo", "model.imagenet": "b0"})
  assert one.config("jppf", 0).model.pretrained == "demo"
  random = one.config("jppf_random", 0).model
  assert (random.pretrained, random.imagenet, random.heads) == ("", "", one.base.model.heads)


def test_a_system_is_tested_as_its_row_says(stubs, tmp_path):
  here = runs(tmp_path)
  here.comparison("baseline", 0)
  testing, fusion, others = stubs.settings
  assert (testing.scales, testing.flip, fusion.fill_void) == ((1.0,), False, False)
  assert others["part"].weights.parent == here.workdir("parts", 0)
  assert others["part"].config.model.heads == ("part",)
  here.comparison("baseline_multi", 1)
  assert stubs.settings[0].scales == (0.75, 1.0, 1.25, 1.5, 1.75, 2.0) and stubs.settings[0].flip
  assert stubs.settings[2]["part"].weights.parent == here.workdir("parts", 1)
  here.comparison("jppf_multi", 0)
  assert stubs.settings[0].scales == (0.75, 1.0, 1.25, 1.5, 1.75, 2.0) and stubs.settings[0].flip
  here.comparison("jppf", 0)
  assert stubs.settings[1].fill_void and stubs.settings[0].scales == (1.0,)


def test_seeds_of_a_system_share_its_programs_and_not_their_weights(stubs, tmp_path):
  here = runs(tmp_path)
  first = here.comparison("jppf", 0)
  first.compiled = object()
  second, other = here.comparison("jppf", 1), here.comparison("baseline", 1)
  assert second.compiled is first.compiled and not hasattr(other, "compiled")
  assert [system.variables["params"] for system in (first, second, other)] == [0, 1, 1]


def test_a_folder_with_runs_of_another_config_is_refused(stubs, tmp_path):
  other = {"data.batch_size": 4}
  runs(tmp_path)
  runs(tmp_path, **other)  # nothing was trained
  runs(tmp_path).do(jobs_for(["parts"], seeds=range(1)))
  runs(tmp_path, **{"data.manual_dir": "elsewhere"})
  with pytest.raises(ConfigError, match="another --workdir"):
    runs(tmp_path, **other)


@pytest.mark.parametrize("name", ["seconds.json", "scores/jppf_seed0.json"])
def test_a_damaged_file_is_made_again(stubs, tmp_path, name):
  jobs = jobs_for(["jppf"], seeds=range(1))
  runs(tmp_path).do(jobs)
  (tmp_path / name).write_text("{")
  runs(tmp_path).do(jobs)
  assert runs(tmp_path).is_done(jobs[1])


def test_a_job_that_failed_has_no_time(stubs, tmp_path):
  stubs.error, stubs.fail_at = ValueError("no dataset"), "jppf_seed0"
  with pytest.raises(ValueError, match="no dataset"):
    runs(tmp_path).do(jobs_for(["jppf"], seeds=range(1)))
  assert not (tmp_path / "seconds.json").exists()


def test_the_time_left_falls_from_job_to_job(stubs, tmp_path, capsys, monkeypatch):
  left = []
  monkeypatch.setattr(Clock, "left", lambda self, jobs: left.append(len(jobs)))
  runs(tmp_path).do(jobs_for(["jppf", "parts"], seeds=range(1)))
  assert left == [4, 3, 2, 1]


def test_scores_count_only_when_the_run_is_trained_to_its_end(stubs, tmp_path):
  jobs = jobs_for(["jppf"], seeds=range(1))
  runs(tmp_path).do(jobs)
  longer = runs(tmp_path)
  with longer.base.unlocked():
    longer.base.phases.main.steps = 9
  assert not longer.is_done(jobs[0]) and not longer.is_done(jobs[1])
