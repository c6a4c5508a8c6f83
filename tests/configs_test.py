"""Each config gives a network, an optimizer and a fusion; an unknown key is an error."""

import importlib
from pathlib import Path

import jax
import numpy as np
import pytest

from jppf_jax import build
from jppf_jax.build import batches
from jppf_jax.input_pipeline import read
from jppf_jax.structs import IGNORE

FOLDER = Path(__file__).parents[1] / "configs"
CONFIGS = sorted(path.stem for path in FOLDER.glob("[a-z]*.py"))
MODULES = {"encoder", "fpn", "semantic_head", "part_head", "rpn_head", "box_head", "mask_head"}


def module(name):
  return importlib.import_module(f"jppf_jax_configs.{name}")


@pytest.mark.parametrize("name", CONFIGS)
def test_every_config_builds(name):
  config = module(name).get_config()
  assert config.is_locked
  run = build.training(config, axis_name="batch")
  params = build.variable_shapes(run.model)["params"]
  assert params.keys() == MODULES
  jax.eval_shape(run.optimizer.init, params)
  assert all(phase.steps > 0 for phase in run.phases)
  assert float(run.learning_rate(0)) > 0
  inference = build.inference(config)
  assert inference.fusion.min_stuff(inference.size) > 0


@pytest.mark.parametrize("name", CONFIGS)
def test_every_config_says_how_to_run_it(name):
  assert f"jppf train --config=configs/{name}.py" in module(name).__doc__


def test_an_unknown_key_is_an_error():
  config = module("smoke").get_config()
  with pytest.raises(AttributeError):
    config.optimizer.learning_rat = 1.0


def test_the_paper_s_network_has_44_19_million_parameters():
  config = module("cpp").get_config()
  model = build.model(config, build.label_spec(config))
  params = jax.tree.leaves(build.variable_shapes(model)["params"])
  assert sum(leaf.size for leaf in params) == 44_190_674


@pytest.fixture
def one_car(monkeypatch):
  """The dataset is one image: a car in its upper left quarter, else sky."""
  image, uids = np.zeros((64, 128, 3), np.uint8), np.full((64, 128), 23, np.int32)
  uids[:32, :64] = 26_001
  examples = read.Examples([None], cache=True)
  examples._cache[0] = {"image_id": "car", "image": image, "uids": uids}
  monkeypatch.setattr(batches, "examples", lambda config, split: examples)


def first_batch(name, **data):
  config = module(name).get_config()
  config.data.update(min_area=1, **data)
  spec = build.label_spec(config)
  batch, _ = next(build.train_iterator(config, spec))
  return batch, spec


PADDED = {"train_size": (64, 128), "scale": (0.5, 0.5), "batch_size": 2}
SMALL_CROPS = {"train_size": (16, 16), "scale": (8.0, 8.0), "batch_size": 48}


def test_padding_is_ignored(one_car):
  batch, _ = first_batch("cpp", **PADDED)
  assert (batch.semantic[:, 32:] == IGNORE).all()
  assert (batch.part[:, 32:] == IGNORE).all()


def test_padding_is_road_in_the_config_with_efficientps_s_views(one_car):
  batch, spec = first_batch("cpp_efficientps_views", **PADDED)
  assert (batch.semantic[:, 32:] == spec.class_names.index("road")).all()
  assert (batch.part[:, 32:] == 0).all()


def test_views_without_objects_are_kept(one_car):
  batch, _ = first_batch("cpp", **SMALL_CROPS)
  assert 0.1 < batch.valid.any(1).mean() < 0.9  # a quarter of the views shows the car


def test_views_without_objects_are_replaced_in_the_config_with_efficientps_s_views(one_car):
  batch, _ = first_batch("cpp_efficientps_views", **SMALL_CROPS)
  assert batch.valid.any(1).mean() > 0.9


def test_the_paper_s_pascal_run_has_its_own_classes_learning_rate_and_size():
  config = module("ppp").get_config()
  run = build.training(config, axis_name="batch")
  assert (run.spec.num_classes, run.spec.num_things) == (59, 20)
  assert run.spec.num_parts == 57 + 1  # with the background
  assert run.batch_size == 32
  assert config.data.train_size == (384, 512)
  main, frozen = run.phases
  assert (main.steps, main.learning_rate) == (50_000, 0.01)
  assert (frozen.steps, frozen.learning_rate) == (1_570, 1e-4)
