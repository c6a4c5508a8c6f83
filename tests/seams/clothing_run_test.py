"""The two configs that made the shipped model, small: the same seed gives the same bytes."""

from pathlib import Path

from jppf_jax.input_pipeline import datasets
from jppf_jax.training import loop, starting
from jppf_jax_configs import clothing, clothing_start
from jppf_jax_data.clothing_co_parsing import nobody
from tests import tiny
from tests.data import raw_files

EMA = "weights_ema.safetensors"
SMALL = {
  "data.train_size": (64, 64),
  "data.eval_size": (64, 64),
  "data.batch_size": 2,
  "model.width": 0.25,
  "model.depth": 0.25,
  "model.fpn_channels": 16,
  "model.head_channels": 16,
  "model.box_hidden": 32,
  "model.mask_channels": 16,
  "model.train_proposals": 32,
  "model.eval_proposals": 32,
  "sampling.anchors": 32,
  "sampling.regions": 16,
  "phases.main.steps": 3,
  "train.log_every": 1,
  "train.checkpoint_every": 2,
}


def run(of, workdir, runners, **changes):
  config = of.get_config().unlock()
  config.update_from_flattened_dict(SMALL | changes)
  loop.train(config.lock(), workdir, runners=runners)
  return workdir


def test_the_commands_of_the_shipped_model_give_the_same_bytes_again(tmp_path, monkeypatch, capsys):
  runners = starting.Runners()
  for name in ("first", "again"):
    root = tmp_path / "work"  # the same, because weights say by which path others were found
    raw_files.write_clothing(root / "photos", 20)
    monkeypatch.chdir(root)
    data = {"data.manual_dir": "photos", "data.data_dir": "data_sets"}
    run(clothing_start, Path("start"), runners, **data, **{"model.pretrained": ""})
    nobody.make(Path("photos"), 4)
    datasets.build("clothing_co_parsing", data_dir="data_sets", manual_dir="photos", rebuild=True)
    capsys.readouterr()
    run(clothing, Path("run"), runners, **data, **{"model.pretrained": f"start/{EMA}"})
    root.rename(tmp_path / name)
    assert f"train: {19 + len(nobody.THINGS) + 4} images" in capsys.readouterr().out
  first, again = (tmp_path / name / "run" for name in ("first", "again"))
  tiny.assert_same_bytes(first, again)
  assert (first / EMA).read_bytes() == (again / EMA).read_bytes()
  assert (first / EMA).read_bytes() != (tmp_path / "first" / "start" / EMA).read_bytes()
