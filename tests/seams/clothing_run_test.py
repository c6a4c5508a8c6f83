"""The two configs that made the shipped model, small: the same seed gives the same bytes."""

from pathlib import Path

from jppf_jax.input_pipeline import datasets
from jppf_jax.training import loop, starting
from jppf_jax_configs import clothing, clothing_start, smoke
from jppf_jax_data.clothing_co_parsing import nobody
from tests import tiny
from tests.data import raw_files

EMA = "weights_ema.safetensors"
SMOKE = {  # section -> values that are those of `configs/smoke.py`
  "data": ("batch_size",),
  "model": (
    *("width", "depth", "fpn_channels", "head_channels", "box_hidden", "mask_channels"),
    *("train_proposals", "eval_proposals"),
  ),
  "sampling": ("anchors", "regions"),
  "train": ("log_every", "checkpoint_every"),
}


def small():
  """Returns changes that make a config one of a few seconds."""
  of = smoke.get_config()
  sizes = {f"{section}.{name}": of[section][name] for section in SMOKE for name in SMOKE[section]}
  return {
    **sizes,
    "data.train_size": (64, 64),
    "data.eval_size": (64, 64),
    "phases.main.steps": of.train.checkpoint_every + 1,  # one after a checkpoint
  }


def run(of, workdir, runners, **changes):
  config = of.get_config().unlock()
  config.update_from_flattened_dict(small() | changes)
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
