"""Every config makes a network, an optimizer and a fusion; a key that does not exist is an error."""

import importlib
from pathlib import Path

import jax
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
  assert {"encoder", "fpn", "semantic_head", "part_head", "rpn_head", "box_head", "mask_head"} == set(shapes["params"])


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
