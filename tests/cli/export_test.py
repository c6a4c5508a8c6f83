import pytest
from absl import flags
from absl.testing import flagsaver

from jppf_jax.cli import export, predict
from jppf_jax.evaluation import export as exporting


@pytest.fixture
def asked(monkeypatch, tmp_path):
  """Runs the verb with a stub for the export; returns how, which returns what it was asked for."""
  if not flags.FLAGS.is_parsed():
    flags.FLAGS(["jppf"])
  calls = []

  class Stub:
    size = (64, 128)

  def run(*arguments, **values):
    monkeypatch.setattr(export, "config_and_weights", lambda: (None, tmp_path))
    monkeypatch.setattr(export, "about_weights", lambda _: "")
    monkeypatch.setattr("jppf_jax.evaluation.predict.load_predictor", lambda *_: Stub())
    monkeypatch.setattr(exporting, "export", lambda *args, **kwargs: calls.append((args, kwargs)))
    with flagsaver.flagsaver(**values):
      export.main(["export", *arguments])
    return calls[-1]

  return run


def test_sizes_and_platforms_are_passed_on_and_the_way_to_use_them_is_printed(
  asked, tmp_path, capsys
):
  (_, folder), options = asked(out=str(tmp_path / "x"), size="48x96", platforms=["cpu"])
  assert folder == tmp_path / "x"
  assert options == {"size": (48, 96), "batch_size": 1, "platforms": ["cpu"]}
  assert "images of 48 x 96 to parts, on cpu" in capsys.readouterr().out
  assert asked(out=str(tmp_path / "x"))[1]["size"] is None
  assert "images of 64 x 128" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["48", "48x", "axb", "48x96x3", "-4x9"])
def test_a_size_that_is_none_is_refused(asked, tmp_path, text):
  with pytest.raises(export.app.UsageError, match="--size is height x width, like 512x1024; got"):
    asked(out=str(tmp_path / "x"), size=text)


def test_a_folder_is_needed_and_nothing_else(asked, tmp_path):
  for arguments, values in (((), {}), (("photo.jpg",), {"out": str(tmp_path)})):
    with pytest.raises(export.app.UsageError, match="Needs --out=DIR"):
      asked(*arguments, **values)


def test_the_weights_are_chosen_as_for_predicting():
  assert export.config_and_weights is predict.config_and_weights
