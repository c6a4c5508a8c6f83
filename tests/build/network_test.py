import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from absl import app

from jppf_jax import build
from jppf_jax.build import network
from jppf_jax.cli import configs
from jppf_jax.config_rules import ConfigError
from jppf_jax.fusion.config import PAPER, FusionConfig
from jppf_jax_configs import smoke
from tests import tiny


def model_of(config):
  return build.model(config, build.label_spec(config))


def test_the_same_seed_gives_the_same_weights(tmp_path):
  model, key = model_of(tiny.config(tmp_path)), jax.random.key(3)
  first, second = build.init_variables(key, model), build.init_variables(key, model)
  jax.tree.map(np.testing.assert_array_equal, first, second)
  shapes = jax.tree.map(np.shape, build.variable_shapes(model))
  assert jax.tree.map(np.shape, first) == shapes


def test_the_network_computes_in_the_dtype_of_the_config(tmp_path):
  model = model_of(tiny.config(tmp_path, **{"model.dtype": "bfloat16"}))
  assert model.encoder.dtype == jnp.bfloat16
  variables = jax.tree.leaves(build.variable_shapes(model))
  assert all(leaf.dtype == jnp.float32 for leaf in variables)


def test_remat_reaches_the_encoder_and_the_rest(tmp_path):
  for remat in (False, True):
    model = model_of(tiny.config(tmp_path, **{"model.remat": remat}))
    assert model.remat is model.encoder.remat is remat


def test_a_fusion_setting_that_does_not_exist_is_an_error(tmp_path):
  config = tiny.config(tmp_path)
  with config.unlocked():
    config.fusion.min_staff_area = 1
  with pytest.raises(ConfigError, match="did you mean min_stuff_area"):
    build.inference(config)


OTHER = {  # for each field of `FusionConfig`: a text of the command line, and its value
  "instance_logit_activation": ("sigmoid", "sigmoid"),
  "instance_logit_scale": ("4", 4.0),
  "outside_value": ("-inf", -math.inf),
  "box_margin": ("0.08", 0.08),
  "score_threshold": ("0.4", 0.4),
  "overlap_threshold": ("1", 1.0),
  "part_threshold": ("0.3", 0.3),
  "min_stuff_area": ("7", 7),
  "min_stuff_relative": ("0.01", 0.01),
  "min_thing_area": ("9", 9),
  "stuff_fill": ("fused", "fused"),
  "renormalise_parts": ("true", True),
  "fuse_reduce": ("mean", "mean"),
  "allow_void_part": ("true", True),
  "fill_void": ("true", True),
}
WRONG_TEXT = {str: "both", float: "much", int: "0.5", bool: "2"}


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(FusionConfig)])
def test_every_setting_of_the_fusion_can_be_changed_by_name(field):
  text, value = OTHER[field]
  config = build.completed(smoke.get_config())
  changed = configs.changed(config, [f"fusion.{field}={text}"])
  before, after = build.fusion(config), build.fusion(changed)
  assert before == dataclasses.replace(PAPER, min_stuff_area=config.fusion.min_stuff_area)
  assert after == dataclasses.replace(before, **{field: value}) != before
  wrong = f"fusion.{field}={WRONG_TEXT[type(value)]}"
  with pytest.raises((ConfigError, app.UsageError), match=field) as caught:
    network.check(configs.changed(config, [wrong]))
  assert len(str(caught.value).splitlines()) == 1
  nearest = rf"did you mean .*--config\.fusion\.{field}"
  with pytest.raises(app.UsageError, match=nearest):
    configs.changed(config, [f"fusion.{field}x={text}"])


@pytest.mark.parametrize(
  "field, value", [("score_threshold", 1.5), ("box_margin", -0.1), ("min_stuff_relative", "few")]
)
def test_an_impossible_setting_of_the_fusion_is_one_sentence_before_training(field, value):
  config = smoke.get_config()
  with config.ignore_type(), config.unlocked():
    config.fusion[field] = value
  with pytest.raises(ConfigError, match=f"^config.fusion.*{field}") as caught:
    network.check(config)
  assert len(str(caught.value).splitlines()) == 1


def test_a_config_without_settings_of_the_fusion_has_the_paper_s():
  config = smoke.get_config()
  with config.unlocked():
    del config["fusion"]
  network.check(config)
  assert build.fusion(config) == PAPER
  assert build.completed(config).fusion.to_dict() == dataclasses.asdict(PAPER)


def test_the_network_sees_an_image_once_unless_the_config_says_otherwise():
  config = build.completed(smoke.get_config())
  assert build.testing(config).is_single
  changed = configs.changed(config, ["testing.scales=0.75,1,2", "testing.flip=true"])
  testing = build.testing(changed)
  assert (testing.scales, testing.flip, testing.is_single) == ((0.75, 1.0, 2.0), True, False)


@pytest.mark.parametrize(
  "scales", [(), (0.0,), (1.0, -1.0), (0.09,), (4.1,), (float("nan"),), ("1",)]
)
def test_scales_that_are_none_are_refused(scales):
  config = build.completed(smoke.get_config())
  with config.ignore_type(), config.unlocked():
    config.testing.scales = scales
  with pytest.raises(ConfigError, match=r"config\.testing\.scales"):
    network.check(config)


def test_without_a_name_the_labels_are_those_of_the_dataset(tmp_path):
  config = tiny.config(tmp_path, **{"data.labels": ""})
  assert build.label_spec(config).name == "cpp_grouped"


def test_a_prediction_with_an_impossible_config_is_one_sentence(tmp_path):
  config = tiny.config(tmp_path)
  config.model.encoder = "b9"
  with pytest.raises(ConfigError, match="encoder"):
    build.inference(config)


def test_the_choices_of_ablations_reach_the_network_and_the_step(tmp_path):
  choices = {
    "model.anchor_ratios": (0.5, 2.0),
    "detection.proposal_nms": 0.6,
    "detection.nms_threshold": 0.4,
    "losses.part": 0.5,
    "model.heads": ("part", "instance"),
  }
  run = build.training(tiny.config(tmp_path, **choices), axis_name="batch")
  net = run.model
  assert (net.proposal_nms, net.detection_nms) == (0.6, 0.4)
  assert net.anchor_ratios == (0.5, 2.0) and net.rpn_head.num_anchors == 2
  assert len(net.anchors((64, 64))[32]) == 2 * 2 * 2
  assert (run.loss_weights["part"], run.loss_weights["mask"]) == (0.5, 1.0)
  assert net.heads == ("part", "instance") and run.meaning["network"]["heads"] == [*net.heads]
