import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jppf_jax import build
from jppf_jax.config_rules import ConfigError
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


def test_a_fusion_setting_that_does_not_exist_is_an_error(tmp_path):
  config = tiny.config(tmp_path)
  with config.unlocked():
    config.fusion.min_staff_area = 1
  with pytest.raises(ConfigError, match="did you mean min_stuff_area"):
    build.inference(config)


def test_without_a_name_the_labels_are_those_of_the_dataset(tmp_path):
  config = tiny.config(tmp_path, **{"data.labels": ""})
  assert build.label_spec(config).name == "cpp_grouped"


def test_a_prediction_with_an_impossible_config_is_one_sentence(tmp_path):
  config = tiny.config(tmp_path)
  config.model.encoder = "b9"
  with pytest.raises(ConfigError, match="encoder"):
    build.inference(config)
