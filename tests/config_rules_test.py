"""Every wrong value is an error that names it, before anything is built."""

import pytest

from jppf_jax import build, config_rules, names
from jppf_jax.config_rules import ConfigError
from jppf_jax.optimization import OPTIMIZERS, ORDERS
from jppf_jax.training.parallel import RUNNERS
from jppf_jax_configs import cpp
from tests import tiny

WRONG = {
  "seed": (-1, "0", None),
  "parallel": ("xmap", ""),
  "phase_order": ("frozen",),
  "data.train_size": ((64,), (64, 128, 3), (60, 128), (0, 64), (-32, 64), 64, "64", (64.0, 128)),
  "data.eval_size": ((0, 64), (64,)),
  "data.scale": ((2.0, 1.0), (0.0, 1.0), (1.0,), (float("nan"), 1.0), (1.0, float("inf"))),
  "data.flip": (1, "true"),
  "data.batch_size": (0, -2, 2.0, "2", True),
  "data.max_objects": (0,),
  "data.workers": (-1,),
  "data.name": (3,),
  "model.heads": ((), ("parts",), ("part", "part"), "part"),
  "model.anchor_ratios": ((), (0.0, 1.0), 1.0),
  "model.width": (0, float("nan"), float("inf"), "1"),
  "model.dtype": ("float64", "float16"),
  "model.encoder": ("b9",),
  "model.pixel_mean": ((1.0, 2.0),),
  "model.pixel_std": ((0.0, 1.0, 1.0),),
  "detection.proposal_nms": (-0.1, 1.1, "0.7"),
  "losses.part": (-1.0, "1", float("nan")),
  "detection.score_threshold": (-0.1, 1.5),
  "fusion.min_stuff_area": ("many",),
  "optimizer.name": ("lion",),
  "optimizer.weight_decay": (-1e-4,),
  "optimizer.clip_norm": (0,),
  "phases.main.steps": (0, -5, 1.5),
  "phases.main.learning_rate": (0, -0.1, float("nan")),
  "phases.main.warmup": (-1,),
  "phases.main.drops": ((2, 1), (0,), 3, ("1",)),
  "phases.frozen.steps": (-1,),
  "train.log_every": (0,),
  "train.checkpoint_every": (0, -1),
  "train.keep": (0,),
  "train.weights_dtype": ("bfloat16", "int8"),
}
CASES = [(key, value) for key, values in WRONG.items() for value in values]


def trainable(config):
  run = build.training(config, axis_name="batch")
  if config.model.encoder == "b9":
    build.variable_shapes(run.model)


@pytest.mark.parametrize("key, value", CASES)
def test_a_value_that_is_not_allowed_is_named(tmp_path, key, value):
  config = tiny.config(tmp_path)
  with config.ignore_type(), config.unlocked():
    config.update_from_flattened_dict({key: value})
  section = "phase" if key.startswith("phases") else key.replace("model.encoder", "EfficientNet")
  with pytest.raises(ValueError, match=f"(?i){section}") as caught:
    trainable(config)
  assert str(value) in str(caught.value)


def test_all_problems_are_listed_with_the_names_that_were_meant():
  like = {"a": {"steps": 1, "rate": 0.5}, "b": (1, 2)}
  wrong = {"a": {"step": 3, "rate": "fast"}, "mine": {"x": object()}}
  with pytest.raises(ConfigError) as caught:
    config_rules.check(wrong, like, {})
  assert str(caught.value).splitlines() == [
    "",
    "  config.b is missing",
    "  config.a.steps is missing",
    "  config.a.step is unknown; did you mean steps?",
    "  config.a.rate is 'fast'; expected a value like 0.5",
  ]


def test_optional_names_may_be_given_or_not_and_an_integer_may_stand_for_a_float():
  like, optional = {"a": {"rate": 0.5}}, {"a": {"drops": (), "area": None}}
  for given in ({}, {"drops": (1, 2, 3)}, {"drops": [1], "area": 0.1}):
    config_rules.check({"a": {"rate": 1, **given}}, like, optional)
  with pytest.raises(ConfigError, match=r"a\.drops is \('x',\)"):
    config_rules.check({"a": {"rate": 1, "drops": ("x",)}}, like, optional)


@pytest.mark.parametrize(
  "key, known", [("optimizer.name", OPTIMIZERS), ("parallel", RUNNERS), ("phase_order", ORDERS)]
)
def test_the_rules_know_all_names(key, known):
  allowed, text = config_rules.RULES[key]
  assert all(map(allowed, known)) and text == f"one of {sorted(known)}"


def test_heads_modules_and_losses_are_those_of_the_paper_s_config_and_of_the_network(tmp_path):
  paper, config = cpp.get_config(), tiny.config(tmp_path)
  net = build.model(config, build.label_spec(config))
  assert names.HEADS == paper.model.heads == net.heads
  assert paper.model.pretrained_modules == config_rules.MODULES
  assert set(config_rules.MODULES) == set(build.variable_shapes(net)["params"])
  assert set(names.LOSSES) == set(paper.losses)


def test_every_rule_is_about_a_value_that_configs_have(tmp_path):
  flat = dict(tiny.config(tmp_path).to_dict())
  for name in config_rules.RULES:
    value = flat
    for key in name.split("."):
      value = value[key]
