import re

import jax
import numpy as np
import pytest
from flax import traverse_util

from jppf_jax import build
from jppf_jax.build import network
from jppf_jax.checkpoints.weights import WeightsError, load_weights, read_weights, save_weights
from jppf_jax.evaluation.predict import load_predictor
from jppf_jax_configs import cpp
from tests import tiny

FULL_SIZE = {"model.width": 1.0, "model.depth": 1.0}  # as the weights of the packages

LITE_PIXELS = {"model.pixel_mean": (127.0,) * 3, "model.pixel_std": (128.0,) * 3}


def model_of(config):
  return build.model(config, build.label_spec(config))


@pytest.mark.parametrize(
  "key, wrong, allowed",
  [
    ("model.dtype", "float64", "one of .*'bfloat16'.*'float32'.*"),
    ("phase_order", "frozen", "one of .*'main_then_frozen'.*"),
    ("optimizer.name", "lion", "one of .*'adamw'.*'sgd'.*"),
  ],
)
def test_the_error_for_an_unknown_name_lists_the_known_names(tmp_path, key, wrong, allowed):
  config = tiny.config(tmp_path, **{key: wrong})
  with pytest.raises(ValueError, match=f"config.{key} must be {allowed}; got '{wrong}'"):
    build.training(config, axis_name="batch")


def test_a_wrong_fusion_setting_is_an_error_before_training(tmp_path):
  config = tiny.config(tmp_path)
  with config.unlocked():
    config.fusion.outside_value = 3.0
  with pytest.raises(ValueError, match="outside_value"):
    build.training(config, axis_name="batch")


def test_a_phase_of_no_steps_is_left_out(tmp_path):
  config = tiny.config(tmp_path, **{"phases.frozen.steps": 0})
  phases, _, _ = build.optimization(config)
  assert [phase.freeze_norm for phase in phases] == [False]


def test_the_second_phase_has_frozen_norms(tmp_path):
  config = tiny.config(tmp_path, **{"phases.frozen.steps": 2})
  phases, _, _ = build.optimization(config)
  assert [phase.freeze_norm for phase in phases] == [False, True]


def test_training_starts_fresh_without_pretrained_weights(tiny_run):
  model = model_of(tiny_run.config)
  variables, report = build.start(tiny_run.config, model)
  assert report is None
  fresh = build.init_variables(jax.random.key(tiny_run.config.seed), model)
  jax.tree.map(np.testing.assert_array_equal, variables, fresh)


def test_training_starts_from_all_weights_of_a_run(tiny_run):
  path = tiny_run.workdir / build.RUN_WEIGHTS
  config = tiny.config(tiny_run.workdir, **{"model.pretrained": str(path)})
  variables, report = build.start(config, model_of(config))
  assert report.fresh == report.ignored == {}
  assert report.loaded.keys() == variables["params"].keys()
  expected = load_weights(path, variables)
  jax.tree.map(np.testing.assert_array_equal, variables, expected)


def test_training_starts_from_an_encoder_by_the_name_of_its_package(tmp_path, monkeypatch):
  config = tiny.config(tmp_path, **FULL_SIZE, **LITE_PIXELS, **{"model.encoder": "lite0"})
  config.model.pretrained = "lite0"
  model = model_of(config)
  shapes = build.variable_shapes(model)
  zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, np.float32), shapes)
  monkeypatch.setattr(network, "init_variables", lambda key, net: zeros)
  variables, report = build.start(config, model)
  assert report.loaded.keys() == {"encoder"}
  assert report.ignored == {"classifier": 2}
  params = variables["params"]
  assert np.abs(params["encoder"]["stem"]["conv"]["kernel"]).max() > 0.1
  assert (params["fpn"]["out_4"]["conv"]["kernel"] == 0).all()


def test_weights_of_another_encoder_are_refused_though_the_shapes_agree(tmp_path):
  config = tiny.config(tmp_path, **FULL_SIZE, **LITE_PIXELS, **{"model.encoder": "b0"})
  config.model.pretrained = "lite0"
  message = r"(?s)encoder is 'lite0' for the weights, 'b0'.*Set --config\.model\.encoder=lite0, or"
  with pytest.raises(WeightsError, match=message):
    build.start(config, model_of(config))


def test_weights_for_other_pixel_statistics_are_refused_and_the_flags_named(tmp_path):
  config = tiny.config(tmp_path, **FULL_SIZE, **{"model.encoder": "lite0"})
  config.model.pretrained = "lite0"
  mean, std = ("(127.0, 127.0, 127.0)", "(128.0, 128.0, 128.0)")
  with pytest.raises(WeightsError) as error:
    build.start(config, model_of(config))
  flags = f"--config.model.pixel_mean='{mean}' --config.model.pixel_std='{std}'"
  assert f"Set {flags}, or start from other weights." in str(error.value)


def test_a_config_of_the_paper_asks_for_imagenet_weights_in_one_sentence_if_it_has_none(tmp_path):
  def said(config):
    return build.training(config, axis_name="batch").random_start

  config = cpp.get_config()
  assert "random weights" in said(config) and "\n" not in said(config)
  assert "convert tf_efficientnet_b5 of timm" in said(config)
  assert said(config).endswith("--config.model.pretrained=b5.safetensors.")
  with config.unlocked():
    config.model.encoder = "b0"
  assert "convert tf_efficientnet_b0 of timm" in said(config) and "--variant=b0" in said(config)
  config.model.pretrained = "b5.safetensors"
  assert said(config) == said(tiny.config(tmp_path)) == ""


@pytest.fixture(scope="module")
def shapes_of_run(tiny_run):
  return build.variable_shapes(model_of(tiny_run.config))


@pytest.fixture
def untraced(shapes_of_run, monkeypatch):
  """The network of the shared run is not traced, which takes seconds, nor initialised."""
  zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, np.float32), shapes_of_run)
  for module in (build, network):
    monkeypatch.setattr(module, "variable_shapes", lambda net: shapes_of_run)
  monkeypatch.setattr(network, "init_variables", lambda key, net: zeros)


@pytest.mark.parametrize(
  "key, value", [("anchor_scale", 8.0), ("finest_scale", 56.0), ("legacy", False)]
)
def test_a_run_s_weights_are_not_loaded_into_another_network_of_equal_shapes(
  tiny_run, key, value, untraced
):
  path = tiny_run.workdir / build.RUN_WEIGHTS
  config = tiny.config(tiny_run.workdir, **{"model.pretrained": str(path), f"model.{key}": value})
  with pytest.raises(WeightsError, match=f"(?s){key} is .*Set --config.model.{key}="):
    build.start(config, model_of(config))
  with pytest.raises(WeightsError, match=f"{key} is "):
    load_predictor(config, path)


def test_a_network_of_fewer_heads_starts_from_the_heads_that_it_has(
  tiny_run, tmp_path, monkeypatch
):
  path = tiny_run.workdir / build.RUN_WEIGHTS
  changes = {"model.pretrained": str(path), "model.heads": ("semantic", "instance")}
  config = tiny.config(tmp_path, **changes)
  model = model_of(config)
  monkeypatch.setattr(network, "init_variables", lambda key, net: pytest.fail("all is loaded"))
  variables, report = build.start(config, model)
  assert not report.fresh and report.ignored.keys() == {"part_head"}
  assert variables["params"].keys() == report.loaded.keys()
  with pytest.raises(WeightsError, match="(?s)heads is .*Set --config.model.heads=semantic,part"):
    load_predictor(config, path)


def test_only_the_chosen_modules_of_the_weights_are_taken(tiny_run, tmp_path, untraced):
  path = tiny_run.workdir / build.RUN_WEIGHTS
  changes = {"model.pretrained": str(path), "model.pretrained_modules": ("encoder", "fpn")}
  config = tiny.config(tmp_path, **changes)
  _, report = build.start(config, model_of(config))
  assert report.loaded.keys() == {"encoder", "fpn"} and "part_head" in report.fresh


def test_all_output_layers_start_fresh_where_asked(tiny_run, tmp_path, untraced):
  path = tiny_run.workdir / build.RUN_WEIGHTS
  changes = {"model.pretrained": str(path), "model.pretrained_outputs": False}
  config = tiny.config(tmp_path, **changes)
  _, report = build.start(config, model_of(config))
  logits = ("semantic_head/logits", "part_head/logits", "mask_head/logits")
  outputs = {*logits, "box_head/classes", "box_head/deltas"}
  assert report.fresh.keys() == report.ignored.keys() == outputs


def with_other_sky(run, path):
  """Copies a run's weights as those of a taxonomy with another class in the place of "sky"."""
  found, about = read_weights(run.workdir / build.RUN_WEIGHTS)
  classes = about["meaning"]["taxonomy"]["classes"]
  classes[classes.index("sky")] = "water"
  save_weights(path, traverse_util.unflatten_dict(found, sep="/"), about)


def test_outputs_for_other_classes_start_fresh_though_there_are_as_many(
  tiny_run, tmp_path, untraced
):
  with_other_sky(tiny_run, tmp_path / "w.safetensors")
  changes = {"model.pretrained": str(tmp_path / "w.safetensors")}
  config = tiny.config(tmp_path, **changes)
  _, report = build.start(config, model_of(config))
  assert report.fresh == report.ignored == {"semantic_head/logits": 2}
  message = r"taxonomy differs: classes\[10\] is 'water' for the weights, 'sky' in the config"
  with pytest.raises(WeightsError, match=message):
    load_predictor(config, tmp_path / "w.safetensors")


def test_weights_without_a_record_are_loaded_with_a_note(tiny_run, tmp_path, caplog, untraced):
  found, _ = read_weights(tiny_run.workdir / build.RUN_WEIGHTS)
  save_weights(tmp_path / "w.safetensors", traverse_util.unflatten_dict(found, sep="/"), {})
  config = tiny.config(tmp_path, **{"model.pretrained": str(tmp_path / "w.safetensors")})
  _, report = build.start(config, model_of(config))
  assert not report.fresh
  assert re.search("w.safetensors: not compared .* not stored: encoder, .*, taxonomy", caplog.text)
