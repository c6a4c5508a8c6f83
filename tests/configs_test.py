"""Each config gives a network, an optimizer and a fusion; an unknown key is an error."""

import importlib
from functools import cache, partial
from pathlib import Path

import jax
import numpy as np
import pytest

from jppf_jax import build
from jppf_jax.build import batches
from jppf_jax.input_pipeline import read
from jppf_jax.model import STRIDES
from jppf_jax.names import HEADS
from jppf_jax.structs import IGNORE

FOLDER = Path(__file__).parents[1] / "configs"
CONFIGS = sorted(path.stem for path in FOLDER.glob("[a-z]*.py"))
PANOPTIC, PARTS = ("semantic", "instance"), ("part",)
# of the networks that the paper compares: heads, and the sum of their parameters
PAPER = {
  "cpp": (HEADS, 44_190_674),  # 44.19 M in the paper
  "cpp_efficientps_views": (HEADS, 44_190_674),
  "cpp_sembg": (HEADS, 44_190_674 + 13 * 513),
  "cpp_nongrouped": (HEADS, 44_190_674 + 14 * 513),
  "cityscapes": (PANOPTIC, 42_988_744),
  "cpp_panoptic": (PANOPTIC, 42_988_744),
  "cpp_parts": (PARTS, 27_908_218),  # 27.91 M of the 68.8 M of Baseline* in the paper
  "cpp_parts_sembg": (PARTS, 27_908_218 + 13 * 513),
  "cpp_parts_nongrouped": (PARTS, 27_908_218 + 14 * 513),
  "cpp_semantic": (("semantic",), 27_912_835),
  "cpp_instance": (("instance",), 41_782_197),
  "ppp": (HEADS, 44_190_674 + (40 + 48) * 513 + 12 * 5_382),
  "ppp_panoptic": (PANOPTIC, 42_988_744 + 40 * 513 + 12 * 5_382),
  "ppp_parts": (PARTS, 27_908_218 + 48 * 513),
}


def module(name):
  return importlib.import_module(f"jppf_jax_configs.{name}")


@cache
def traced(stage, sides, channels, **mode):
  """Returns the outputs of a stage, and the number of its parameters.

  A stage that several configs share is traced once.

  Args:
    stage: a module.
    sides: of the maps that it reads; four of them are a pyramid.
    channels: of these maps.
    **mode: arguments by name.
  """
  maps = [np.zeros((1, side, side, count), np.float32) for side, count in zip(sides, channels)]
  given = [dict(zip(STRIDES, maps)) if len(maps) == 4 else maps[0]]
  if sides[0] in (7, 14):  # of regions
    given = [given[0][None], np.ones((1, 1), bool)][: sides[0] // 7]
  init = partial(stage.init_with_output, **mode)
  outputs, variables = jax.eval_shape(init, jax.random.key(0), *given)
  return outputs, sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))


def total(net):
  """The number of parameters of a network, the sum over its stages."""
  pyramid, width = tuple(64 // stride for stride in STRIDES), net.fpn.channels
  features, count = traced(net.encoder, (64,), (3,), train=False)
  taps = tuple(features[stride].shape[-1] for stride in STRIDES)
  count += traced(net.fpn, pyramid, taps, train=False)[1]
  for head in filter(None, (net.semantic_head, net.part_head)):
    count += traced(head, pyramid, (width,) * 4, train=False)[1]
  if net.rpn_head:
    count += traced(net.rpn_head, pyramid, (width,) * 4)[1]
    count += traced(net.box_head, (7,), (width,))[1]
    count += traced(net.mask_head, (14,), (width,), train=False)[1]
  return count


@pytest.mark.parametrize("name", CONFIGS)
def test_every_config_builds(name):
  config = module(name).get_config()
  assert config.is_locked
  run = build.training(config, axis_name="batch")
  heads, parameters = PAPER.get(name, (HEADS, None))
  assert run.model.heads == tuple(config.model.heads) == heads
  assert parameters is None or total(run.model) == parameters
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
