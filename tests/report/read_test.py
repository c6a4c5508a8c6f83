import pytest

from jppf_jax.report.read import ReportError, image, read
from tests.report import small


@pytest.fixture(scope="module")
def run(tmp_path_factory):
  return small.write(tmp_path_factory.mktemp("runs") / "run")


def test_a_run_gives_its_evaluation_its_config_and_its_metrics(run):
  found = read(run)
  assert (found.name, found.title) == ("run", "validation")
  assert found.methods == ["joint", "top_down"]
  assert found.config["seed"] == 3
  assert [line["step"] for line in found.metrics] == [100, 200, 300]
  assert read(run / "evaluation" / "validation").config == found.config


def test_the_evaluation_of_the_config_comes_before_newer_ones_and_others_have_names(run, tmp_path):
  other = run / "evaluation" / "train"
  other.mkdir()
  for name in ("scores.json", "analysis.json"):
    (other / name).write_bytes((run / "evaluation" / "validation" / name).read_bytes())
  assert read(run).title == "validation"
  assert read(run, "train").title == "train"
  with pytest.raises(ReportError, match=r"no evaluation 'test'; there is: train, validation\."):
    read(run, "test")
  (run / "config.json").rename(tmp_path / "config.json")
  newest = read(run).title
  (tmp_path / "config.json").rename(run / "config.json")
  assert newest == "train"


def test_what_is_missing_or_damaged_says_what_to_do(run, tmp_path):
  with pytest.raises(ReportError, match="`jppf evaluate --workdir="):
    read(tmp_path)
  with pytest.raises(ReportError, match=r"nowhere does not exist: give the folder of a run"):
    read(tmp_path / "nowhere")
  (tmp_path / "file").write_text("")
  with pytest.raises(ReportError, match=r"file is a file: give the folder of a run"):
    read(tmp_path / "file")
  folder = small.write(tmp_path / "old", {"a": {}}) / "evaluation" / "validation"
  (folder / "scores.json").write_text("{")
  with pytest.raises(ReportError, match=r"scores\.json is damaged"):
    read(tmp_path / "old")
  (folder / "analysis.json").unlink()
  with pytest.raises(ReportError, match="`jppf evaluate` writes it"):
    read(tmp_path / "old")


def test_half_a_line_of_metrics_is_passed_over(tmp_path):
  run = small.write(tmp_path / "run", {"a": {}})
  with (run / "metrics.jsonl").open("a") as file:
    file.write('{"step": 4')
  assert len(read(run).metrics) == 3
  (run / "metrics.jsonl").unlink()
  assert read(run).metrics == []


def test_an_image_without_a_record_is_none(run):
  assert image(run / "evaluation" / "validation", "nowhere") is None
