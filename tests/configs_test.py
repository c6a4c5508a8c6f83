"""Every config makes a network, an optimizer and a fusion; a key that does not exist is an error."""

import importlib
from pathlib import Path

import jax
import numpy as np
import pytest

from jppf_jax import build

CONFIGS = sorted(path.stem for path in (Path(__file__).parents[1] / "configs").glob("[a-z]*.py"))


@pytest.mark.parametrize("name", CONFIGS)
def test_every_config_builds(name):
  config = importlib.import_module(f"jppf_jax_configs.{name}").get_config()
  assert config.is_locked
  spec = build.label_spec(config)
  shapes = build.variable_shapes(build.model(config, spec))
  phases, optimizer, rate = build.optimization(config)
  jax.eval_shape(optimizer.init, shapes["params"])
  assert sum(phase.steps for phase in phases) > 0 and float(rate(0)) > 0
  assert build.fusion(config).min_stuff(tuple(config.data.eval_size)) > 0
  assert {
    "encoder",
    "fpn",
    "semantic_head",
    "part_head",
    "rpn_head",
    "box_head",
    "mask_head",
  } == set(shapes["params"])


@pytest.mark.parametrize("name", CONFIGS)
def test_every_config_says_how_to_run_it(name):
  doc = importlib.import_module(f"jppf_jax_configs.{name}").__doc__
  assert f"jppf train --config=configs/{name}.py" in doc


def test_a_key_that_does_not_exist_is_an_error():
  config = importlib.import_module("jppf_jax_configs.smoke").get_config()
  with pytest.raises(AttributeError):
    config.optimizer.learning_rat = 1.0


def test_the_paper_is_44_19_million_parameters():
  config = importlib.import_module("jppf_jax_configs.cpp").get_config()
  shapes = build.variable_shapes(build.model(config, build.label_spec(config)))
  assert sum(x.size for x in jax.tree.leaves(shapes["params"])) == 44_190_674


@pytest.mark.parametrize("name", ["cpp", "cpp_efficientps_views"])
def test_habits_of_efficientps_reach_the_views_where_a_config_turns_them_on(name, monkeypatch):
  image, uids = np.zeros((64, 128, 3), np.uint8), np.full((64, 128), 23, np.int32)
  uids[:32, :64] = 26_001
  examples = [{"image_id": "car", "image": image, "uids": uids}]
  monkeypatch.setattr(build, "examples", lambda config, split: examples)
  config = importlib.import_module(f"jppf_jax_configs.{name}").get_config()
  spec, habits = build.label_spec(config), name != "cpp"
  config.data.update(train_size=(64, 128), scale=(0.5, 0.5), min_area=1)
  config.data.batch_size = 2
  batch, _ = next(build.train_iterator(config, spec))
  assert (batch.semantic[:, 32:] == (spec.class_names.index("road") if habits else 255)).all()
  assert (batch.part[:, 32:] == (0 if habits else 255)).all()
  config.data.update(train_size=(16, 16), scale=(8.0, 8.0))
  config.data.batch_size = 48
  batch, _ = next(build.train_iterator(config, spec))
  assert (batch.valid.any(1).mean() > 0.9) == habits  # a quarter of the views shows the car
  assert batch.valid.any(1).mean() > 0.1


def test_the_paper_s_pascal_run_has_57_parts_and_its_own_rate_and_size():
  config = importlib.import_module("jppf_jax_configs.ppp").get_config()
  spec, (phases, _, _) = build.label_spec(config), build.optimization(config)
  assert (spec.num_classes, spec.num_things, spec.num_parts) == (
    59,
    20,
    58,
  )  # 58 with the background
  assert config.data.train_size == (384, 512) and config.data.batch_size == 32
  assert [(phase.steps, phase.learning_rate) for phase in phases] == [(50_000, 0.01), (1_570, 1e-4)]
