import re

import numpy as np
import pytest
from absl import app, flags
from absl.testing import flagsaver

from jppf_jax import build
from jppf_jax.checkpoints.convert import Imported
from jppf_jax.checkpoints.import_efficientps import convert
from jppf_jax.checkpoints.pretrained import load_pretrained
from jppf_jax.checkpoints.weights import WeightsError, read_about, read_weights
from jppf_jax.cli import file_flags, import_weights, run_flags
from jppf_jax_configs import smoke
from tests.checkpoints.torch_files import save_legacy, save_zip
from tests.cli.verbs import jppf


def run(monkeypatch, *argv, **values):
  """Runs the verb in this process."""
  monkeypatch.setattr(run_flags, "config_or_none", lambda: values.get("config"))
  holders = [
    (import_weights.FROM, values.get("source")),
    (import_weights._VARIANT, values.get("variant")),
    (import_weights._PART_HEAD, values.get("part_head")),
    (file_flags.OUT, str(values["out"]) if "out" in values else None),
  ]
  flags.FLAGS.mark_as_parsed()
  with flagsaver.flagsaver(*holders):
    import_weights.main(["import-weights", *map(str, argv)])


@pytest.fixture(scope="module")
def template():
  config = smoke.get_config()
  return build.variable_shapes(build.model(config, build.label_spec(config)))


@pytest.fixture(scope="module")
def small_checkpoint(template):
  """The tensors of an EfficientPS of the smoke test's size."""
  with pytest.raises(WeightsError) as error:
    convert({}, template, part_head="parts")
  missing = re.findall(r"missing (\S+) \((.*)\)", str(error.value))
  tensors = {}
  for name, sides in missing:
    shape = [int(side) for side in re.findall(r"\d+", sides)]
    tensors[name] = np.full(shape, 2, np.float32)
  return tensors


def test_efficientps_becomes_a_file_that_a_run_starts_from(
  monkeypatch, tmp_path, capsys, template, small_checkpoint
):
  save_legacy(tmp_path / "model.pth", {"meta": {}, "state_dict": small_checkpoint})
  out = tmp_path / "ours/model.safetensors"
  options = dict(source="efficientps", config=smoke.get_config(), out=out)
  run(monkeypatch, tmp_path / "model.pth", **options, part_head="parts")
  assert re.search(rf"{len(small_checkpoint)} +│ used: box_head, encoder", capsys.readouterr().out)
  found, about = read_weights(out)
  meaning = build.inference(smoke.get_config()).meaning
  assert about == {"from": "efficientps", "file": "model.pth", "meaning": meaning}
  _, report = load_pretrained(found, template, lambda: pytest.fail("initialised"))
  assert not report.fresh
  assert not report.ignored


def test_a_file_without_a_part_head_leaves_that_fresh(
  monkeypatch, tmp_path, template, small_checkpoint
):
  panoptic = {name: x for name, x in small_checkpoint.items() if not name.startswith("parts.")}
  save_zip(tmp_path / "model.pth", panoptic)
  out = tmp_path / "model.safetensors"
  run(monkeypatch, tmp_path / "model.pth", source="efficientps", config=smoke.get_config(), out=out)
  zeros = {kind: {} for kind in template}
  _, report = load_pretrained(read_weights(out)[0], template, lambda: zeros)
  assert list(report.fresh) == ["part_head"]
  assert read_about(out)["meaning"]["network"]["heads"] == ["semantic", "instance"]


def test_a_config_without_a_part_head_takes_no_part_head(monkeypatch, tmp_path, small_checkpoint):
  config = smoke.get_config()
  config.model.heads = ("semantic", "instance")
  save_zip(tmp_path / "model.pth", small_checkpoint)
  options = dict(source="efficientps", config=config, out=tmp_path / "out.safetensors")
  with pytest.raises(SystemExit, match="--part_head=parts: the network of the config has no part"):
    run(monkeypatch, tmp_path / "model.pth", **options, part_head="parts")


def test_what_does_not_fit_is_listed_and_nothing_is_written(
  monkeypatch, tmp_path, small_checkpoint
):
  save_zip(tmp_path / "model.pth", small_checkpoint)
  options = dict(source="efficientps", config=smoke.get_config())
  message = r"(?s)model.pth: the tensors are not .*left over parts\."
  with pytest.raises(SystemExit, match=message) as error:
    run(monkeypatch, tmp_path / "model.pth", **options, out=tmp_path / "model.safetensors")
  assert "Nothing was written" in str(error.value)
  assert list(tmp_path.iterdir()) == [tmp_path / "model.pth"]


@pytest.mark.parametrize(
  "values, message",
  [
    (dict(source="timm", variant="b0"), "--from=timm needs the FILE"),
    (dict(source="timm"), "--from=timm needs --variant=NAME: b0, b1"),
    (dict(source="efficientps"), "--from=efficientps needs the FILE"),
    (dict(source="efficientnet-lite", variant="lite4"), "No package has the weights of 'lite4'"),
  ],
)
def test_what_a_source_needs_is_asked_for(monkeypatch, tmp_path, values, message):
  with pytest.raises(SystemExit, match=message):
    run(monkeypatch, out=tmp_path / "x.safetensors", **values)


def test_the_file_that_is_read_is_not_replaced(monkeypatch, tmp_path):
  file = tmp_path / "model.safetensors"
  file.write_bytes(b"weights")
  with pytest.raises(SystemExit, match="it is the input .*\n?Nothing was written"):
    run(monkeypatch, file, source="timm", variant="b0", out=file)
  assert file.read_bytes() == b"weights"


def test_the_advice_to_start_from_a_file_with_a_space_can_be_pasted(monkeypatch, tmp_path, capsys):
  imported = Imported({"params": {}}, used=0, skipped={})
  monkeypatch.setattr(import_weights, "import_file", lambda *_, **__: (imported, {}))
  monkeypatch.setattr("jppf_jax.checkpoints.weights.save_weights", lambda *_: None)
  out = tmp_path / "new comer.safetensors"
  run(monkeypatch, source="timm", variant="b0", out=out)
  assert f" with '--config.model.pretrained={out}'.\n" in capsys.readouterr().out


def test_a_source_and_a_target_are_needed(monkeypatch, tmp_path):
  with pytest.raises(app.UsageError):
    run(monkeypatch, out=tmp_path / "x")
  with pytest.raises(app.UsageError):
    run(monkeypatch, source="timm")


def test_the_command_finds_the_weights_of_an_installed_package(tmp_path):
  out = tmp_path / "lite0.safetensors"
  done = jppf("import-weights", "--from=efficientnet-lite", "--variant=lite0", f"--out={out}")
  assert done.returncode == 0, done.stderr
  assert "247" in done.stdout
  assert f"--config.model.pretrained={out}" in done.stdout
  found, about = read_weights(out)
  assert about["meaning"]["network"] == {
    "encoder": "lite0",
    "width": 1.0,
    "depth": 1.0,
    "pixel_mean": [127.0] * 3,
    "pixel_std": [128.0] * 3,
  }
  assert found["params/classifier/kernel"].shape == (1280, 1000)
