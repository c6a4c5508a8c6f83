import pytest

from jppf_jax.checkpoints.store import CheckpointError
from jppf_jax.checkpoints.weights import WeightsError
from jppf_jax.cli.errors import plainly
from jppf_jax.cli.train import expected
from jppf_jax.config_rules import ConfigError
from jppf_jax.input_pipeline.read import ReadError
from jppf_jax.training.lock import RunInUse
from jppf_jax.training.window import NonFiniteLoss
from jppf_jax_data.pairs import DataError

KINDS = [
  CheckpointError,
  WeightsError,
  NonFiniteLoss,
  PermissionError,
  ReadError,
  ConfigError,
  RunInUse,
]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_in_files_or_in_the_run_ends_with_its_message(kind):
  with pytest.raises(SystemExit, match="jppf train: this is why"), plainly("train", *expected()):
    raise kind("this is why")


def test_an_error_of_the_system_names_the_file(tmp_path):
  (tmp_path / "run").write_text("no folder")
  message = rf"jppf train: {tmp_path}/run: File exists$"
  with pytest.raises(SystemExit, match=message), plainly("train", *expected()):
    (tmp_path / "run").mkdir()
  with pytest.raises(SystemExit, match="train: No space left"), plainly("train", *expected()):
    raise OSError(28, "No space left on device")


def test_the_error_of_a_builder_ends_with_its_message():
  message = r"(?s)jppf train: cpp.*no\.png"
  with pytest.raises(SystemExit, match=message), plainly("train", *expected()):
    raise DataError("cpp", ["no.png is missing"])


@pytest.mark.parametrize("kind", [ValueError, KeyError, RuntimeError])
def test_any_other_error_keeps_its_traceback(kind):
  with pytest.raises(kind), plainly("train", *expected()):
    raise kind("unexpected")
