import importlib
import json
import shutil

import pytest

from jppf_jax import build
from jppf_jax.checkpoints import meaning, model_folder
from jppf_jax.checkpoints.run_folder import RunError
from jppf_jax.checkpoints.weights import read_weights
from jppf_jax_configs import demo
from tests import tiny


def test_shipped_weights_have_names_and_others_are_paths():
  assert build.weights_path("demo").is_file()
  assert build.weights_path(str(build.weights_path("demo").parent)) == build.weights_path("demo")
  assert str(build.weights_path("runs/x/weights.safetensors")) == "runs/x/weights.safetensors"


def test_the_weights_of_the_package_carry_what_they_need():
  config = demo.get_config()
  _, about = read_weights(build.weights_path("demo"))
  wanted = build.inference(config).meaning
  assert meaning.compare(meaning.of_file(about), wanted, {"encoder", "box_head"}) == ({}, "", [])
  assert "/tmp" not in json.dumps(about)


OWN = "stuff: {floor: {id: 1, color: [1, 2, 3]}}\nthings: {robot: {id: 2, color: [4, 5, 6]}}\n"


def test_a_run_s_config_is_valid_in_any_folder_and_after_the_run_was_moved(tmp_path, monkeypatch):
  home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
  home.mkdir(), elsewhere.mkdir()
  (home / "robots.yaml").write_text(OWN)
  (home / "start.safetensors").touch()
  monkeypatch.chdir(home)
  paths = {"data.data_dir": "sets", "data.manual_dir": "raw", "data.labels": "robots.yaml"}
  names = {"data.name": "own_dataset_builder.py", "model.pretrained": "start.safetensors"}
  config = tiny.config(home, **paths, **names)
  build.store_run(config, home / "run")
  shutil.move(home / "run", elsewhere / "moved")
  (home / "robots.yaml").unlink()
  monkeypatch.chdir(elsewhere)
  found = build.run_config("moved")
  assert found.data.data_dir == str(home / "sets")
  assert found.data.manual_dir == str(home / "raw")
  assert found.data.name == str(home / "own_dataset_builder.py")
  assert found.model.pretrained == str(home / "start.safetensors")
  assert build.label_spec(found).class_names == ("floor", "robot")
  assert found.is_locked
  assert build.model(found, build.label_spec(found)).encoder.variant == found.model.encoder


def test_a_run_stores_the_taxonomy_of_its_dataset(tmp_path):
  for name, stored in (("synthetic_panoptic_parts", "cpp_grouped"), ("clothing_co_parsing", None)):
    config = tiny.config(tmp_path, **{"data.name": name, "data.labels": ""})
    build.store_run(config, tmp_path)
    found = build.run_config(tmp_path).data.labels
    assert found == (stored or str(tmp_path / "clothing_co_parsing.yaml"))


def test_the_config_of_a_model_stores_no_paths_and_what_only_training_reads_may_be_missing(
  tmp_path,
):
  own = tmp_path / "robots.yaml"
  own.write_text(OWN)
  changes = {
    "data.labels": str(own),
    "data.name": str(tmp_path / "robots_dataset_builder.py"),
    "data.manual_dir": str(tmp_path / "raw"),
    "model.pretrained": str(own),
    "data.eval_size": (96, 160),
    "data.batch_size": 3,
  }
  config = tiny.config(tmp_path, **changes)
  build.store_model(config, tmp_path / "model")
  text = (tmp_path / "model/config.json").read_text()
  assert str(tmp_path) not in text
  moved = (tmp_path / "model").rename(tmp_path / "moved")
  stored = json.loads(text)
  assert stored["id2label"] == {"0": "floor", "1": "robot"}
  assert set(build.run_config(moved)) == set(config)  # without what the model hub reads
  del stored["data"]["batch_size"], stored["optimizer"]
  stored["from_the_future"] = 5
  (moved / "config.json").write_text(json.dumps(stored))
  found = build.model_config(moved)
  assert build.label_spec(found).class_names == ("floor", "robot")
  assert (found.data.name, found.data.eval_size) == ("robots", (96, 160))
  assert found.model.width == config.model.width
  assert build.inference(found).size == (96, 160)
  del stored["model"]["legacy"]
  (moved / "config.json").write_text(json.dumps(stored))
  with pytest.raises(RunError, match=r"config\.model\.legacy is missing"):
    build.model_config(moved)


def test_a_run_from_before_heads_and_losses_were_in_the_config_had_them_all(tmp_path):
  config = tiny.config(tmp_path)
  build.store_run(config, tmp_path)
  stored = json.loads((tmp_path / "config.json").read_text())
  del stored["losses"], stored["detection"]["proposal_nms"]
  for name in ("heads", "anchor_ratios", "imagenet"):
    del stored["model"][name]
  (tmp_path / "config.json").write_text(json.dumps(stored))
  for found in (build.run_config(tmp_path), build.model_config(tmp_path)):
    assert found.model.heads == ("semantic", "part", "instance")
    assert build.inference(found).model == build.inference(config).model
    assert set(found.losses.values()) == {1.0}


@pytest.mark.parametrize("name", model_folder.shipped())
def test_the_config_of_a_shipped_model_predicts_as_the_config_of_its_name(name):
  stored = build.model_config(model_folder.PACKAGED / name)
  module = importlib.import_module(f"jppf_jax_configs.{name}")
  wanted, found = build.inference(module.get_config()), build.inference(stored)
  assert found.meaning == wanted.meaning
  assert (found.size, found.fusion, found.model) == (wanted.size, wanted.fusion, wanted.model)
