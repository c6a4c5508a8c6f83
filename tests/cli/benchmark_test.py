import pytest
from absl import app, flags
from absl.testing import flagsaver

from jppf_jax.benchmarks import fusion as fusion_benchmark
from jppf_jax.benchmarks import growth as growth_benchmark
from jppf_jax.benchmarks import inference as inference_benchmark
from jppf_jax.benchmarks import input as input_benchmark
from jppf_jax.benchmarks import metrics as metrics_benchmark
from jppf_jax.benchmarks import ops as ops_benchmark
from jppf_jax.benchmarks import train as train_benchmark
from jppf_jax.cli import benchmark
from tests.cli import verbs

MODULES = {
  "metrics": metrics_benchmark,
  "input": input_benchmark,
  "inference": inference_benchmark,
  "fusion": fusion_benchmark,
  "ops": ops_benchmark,
}


@pytest.fixture(autouse=True)
def parsed_flags():
  flags.FLAGS.mark_as_parsed()


@pytest.mark.parametrize("subject, module", MODULES.items())
def test_a_subject_runs_its_own_benchmark(subject, module, monkeypatch):
  calls = []
  monkeypatch.setattr(module, "run", calls.append)
  with flagsaver.as_parsed((benchmark.OUT, "a.json")):
    benchmark.main(["jppf benchmark", subject])
  assert calls == ["a.json"]


def test_a_training_is_measured_by_its_config(monkeypatch):
  calls = []
  monkeypatch.setattr(train_benchmark, "run", lambda out, **given: calls.append(given))
  benchmark.main(["jppf benchmark", "train"])
  changes = ["data.batch_size=4", "model.encoder=b0"]
  with (
    flagsaver.as_parsed((benchmark.run_flags.CHANGES, changes)),
    with_flags(config="cpp", repeats="3"),
  ):
    benchmark.main(["jppf benchmark", "train"])
  default, changed = calls
  assert default["config"].data.name == "synthetic_panoptic_parts"
  assert default["config"].data.train_size == (1024, 2048)
  assert default["config"].model.encoder == "b5"
  assert changed["repeats"] == 3 and changed["config"].data.name == "cityscapes_panoptic_parts"
  assert changed["config"].data.batch_size == 4 and changed["config"].model.encoder == "b0"


def test_only_a_training_has_a_config(monkeypatch):
  with (
    flagsaver.as_parsed((benchmark.run_flags.CHANGES, ["data.batch_size=4"])),
    pytest.raises(app.UsageError, match="^--config.PATH=VALUE: only `jppf benchmark train`"),
  ):
    benchmark.main(["jppf benchmark", "inference"])
  with with_flags(config="cpp"), pytest.raises(app.UsageError, match="^--config: only"):
    benchmark.main(["jppf benchmark", "fusion"])


def with_flags(**values):
  holders = {holder.name: holder for holder in benchmark._OPTIONS}
  return flagsaver.as_parsed(*((holders[name], value) for name, value in values.items()))


def test_the_flags_of_the_network_reach_its_benchmark(monkeypatch):
  calls = []
  monkeypatch.setattr(inference_benchmark, "run", lambda out, **given: calls.append((out, given)))
  given = {"encoder": "lite0", "dtype": "bfloat16", "picture": "a.png"}
  with with_flags(**given, size="64x96", repeats="3", detections="9"):
    benchmark.main(["jppf benchmark", "inference"])
  assert calls == [(None, {**given, "size": (64, 96), "repeats": 3, "detections": 9})]


def test_growth_is_measured_in_place_of_the_stages(monkeypatch):
  calls = []
  monkeypatch.setattr(growth_benchmark, "run", lambda out, **given: calls.append((out, given)))
  with (
    flagsaver.as_parsed((benchmark._GROWTH, "true"), (benchmark.OUT, "a.json")),
    with_flags(size="64x96"),
  ):
    benchmark.main(["jppf benchmark", "inference"])
  assert calls == [("a.json", {"size": (64, 96)})]


def test_only_inference_has_a_growth():
  with (
    flagsaver.as_parsed((benchmark._GROWTH, "true")),
    pytest.raises(app.UsageError, match="^--growth: only `jppf benchmark inference`"),
  ):
    benchmark.main(["jppf benchmark", "metrics"])


def test_a_picture_that_cannot_be_written_is_refused_before_the_work(tmp_path, monkeypatch):
  monkeypatch.setattr(inference_benchmark, "run", None)
  (tmp_path / "a.png").mkdir()
  with (
    with_flags(picture=str(tmp_path / "a.png")),
    pytest.raises(SystemExit, match="it is a folder"),
  ):
    benchmark.main(["jppf benchmark", "inference"])


@pytest.mark.parametrize("name", ["a.jpg", "a.nonsense", "png", "a.png/b"])
def test_a_picture_whose_name_is_not_that_of_a_png_is_refused(name, monkeypatch):
  monkeypatch.setattr(inference_benchmark, "run", None)
  message = f"^--picture: .* ends in .png, got '{name}'"
  with with_flags(picture=name), pytest.raises(app.UsageError, match=message):
    benchmark.main(["jppf benchmark", "inference"])


def test_the_fusion_has_a_size_and_a_number_of_detections(monkeypatch):
  calls = []
  monkeypatch.setattr(fusion_benchmark, "run", lambda out, **given: calls.append(given))
  with with_flags(size="64x100", detections="7"):
    benchmark.main(["jppf benchmark", "fusion"])
  assert calls == [{"size": (64, 100), "detections": 7}]


@pytest.mark.parametrize(
  "subject, name, value",
  [("metrics", "size", "64x96"), ("input", "repeats", "3"), ("fusion", "dtype", "bfloat16")],
)
def test_flags_of_other_benchmarks_are_refused(subject, name, value):
  message = f"^--{name}: only `jppf benchmark inference`"
  with with_flags(**{name: value}), pytest.raises(app.UsageError, match=message):
    benchmark.main(["jppf benchmark", subject])


@pytest.mark.parametrize("size", ["64", "66x64"])
def test_the_fusion_needs_a_size_of_whole_cells(size):
  with with_flags(size=size), pytest.raises(app.UsageError, match="multiples of 4"):
    benchmark.main(["jppf benchmark", "fusion"])


@pytest.mark.parametrize(
  "name, value, message",
  [
    ("size", "64", "multiples of 32, like 512x1024; got '64'"),
    ("size", "64x100", "multiples of 32"),
    ("size", "0x32", "got '0x32'"),
    ("encoder", "b9", "there are b0, b1"),
  ],
)
def test_values_that_no_network_has_are_refused(name, value, message):
  with with_flags(**{name: value}), pytest.raises(app.UsageError, match=message):
    benchmark.main(["jppf benchmark", "inference"])


def test_an_output_that_cannot_be_written_is_refused_before_the_work(tmp_path, monkeypatch):
  monkeypatch.setattr(metrics_benchmark, "run", None)
  with (
    flagsaver.as_parsed((benchmark.OUT, str(tmp_path))),
    pytest.raises(SystemExit, match="it is a folder"),
  ):
    benchmark.main(["jppf benchmark", "metrics"])


def test_a_file_that_is_no_json_is_not_replaced(tmp_path, monkeypatch):
  monkeypatch.setattr(metrics_benchmark, "run", None)
  (tmp_path / "notes.txt").write_text("by hand")
  with (
    flagsaver.as_parsed((benchmark.OUT, str(tmp_path / "notes.txt"))),
    pytest.raises(SystemExit, match="no JSON"),
  ):
    benchmark.main(["jppf benchmark", "metrics"])
  assert (tmp_path / "notes.txt").read_text() == "by hand"


@pytest.mark.parametrize("argv", [["jppf benchmark"], ["jppf benchmark", "speed"]])
def test_anything_else_lists_the_subjects(argv):
  with pytest.raises(app.UsageError, match="metrics,input,inference,train,fusion"):
    benchmark.main(argv)


def test_a_misspelt_subject_is_refused_with_the_nearest():
  with pytest.raises(app.UsageError, match="did you mean metrics?"):
    benchmark.main(["jppf benchmark", "metric"])


def test_the_help_of_a_subject_is_that_of_the_verb_and_lists_all():
  page = verbs.here("benchmark", "metrics", "--help").out
  assert page == verbs.here("help", "benchmark", "metrics").out
  assert all(f"\n- {subject}: " in page for subject in benchmark.SUBJECTS)
