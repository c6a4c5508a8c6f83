import dataclasses
import json

import pytest

from jppf_jax import build
from jppf_jax.build.network import labels_of
from jppf_jax.checkpoints.weights import save_weights
from jppf_jax.cli import configs
from jppf_jax.tables.setting import SETTINGS
from jppf_jax.tables.systems import NETWORKS
from tests import tiny

OF_THE_PACKAGE = {
  "cpp": {
    "jppf": "cpp",
    "panoptic": "cpp_panoptic",
    "parts": "cpp_parts",
    "semantic": "cpp_semantic",
    "instance": "cpp_instance",
    "jppf_sembg": "cpp_sembg",
    "jppf_nongrouped": "cpp_nongrouped",
    "parts_sembg": "cpp_parts_sembg",
    "parts_nongrouped": "cpp_parts_nongrouped",
  },
  "ppp": {"jppf": "ppp", "panoptic": "ppp_panoptic", "parts": "ppp_parts"},
}


@pytest.mark.parametrize("dataset", OF_THE_PACKAGE)
def test_the_networks_of_the_tables_are_those_of_the_packages_configs(dataset):
  for network, name in OF_THE_PACKAGE[dataset].items():
    wanted, labels = NETWORKS[network], SETTINGS[dataset].labels
    base = configs.load(dataset)
    made = build.network_config(base, heads=wanted.heads, labels=labels[wanted.labels])
    same = configs.load(name)
    with made.unlocked(), same.unlocked():  # "" is the dataset's own
      made.data.labels, same.data.labels = labels_of(made), labels_of(same)
    assert json.loads(build.as_text(made)) == json.loads(build.as_text(same)), name


def test_another_way_of_testing_changes_nothing_else(tmp_path):
  config = tiny.config(tmp_path)
  changed = build.testing_config(config, scales=(0.5, 1.0), flip=True, fill_void=True)
  ours = build.inference(changed)
  assert ours.fusion == dataclasses.replace(build.inference(config).fusion, fill_void=True)
  back = build.testing_config(changed, scales=(1.0,), flip=False, fill_void=False)
  assert build.fusion(back) == build.fusion(config)
  assert tuple(changed.testing.scales) == (0.5, 1.0) and changed.testing.flip


def test_a_run_is_trained_when_its_weights_are_of_the_last_step(tmp_path):
  config = tiny.config(tmp_path)  # 4 steps
  assert not build.is_trained(config, tmp_path)
  variables = {"params": {}, "batch_stats": {}}
  for steps, expected in ((3, False), (4, True), (5, True)):
    save_weights(tmp_path / build.RUN_WEIGHTS, variables, {"steps": steps})
    assert build.is_trained(config, tmp_path) is expected


def test_a_config_is_the_same_as_its_text(tmp_path):
  config = tiny.config(tmp_path)
  text = build.as_text(config)
  assert build.same_config(config, text)
  assert not build.same_config(tiny.config(tmp_path, **{"seed": 1}), text)


def test_the_working_size_is_filled_up_to_multiples_of_32(tmp_path):
  config = tiny.config(tmp_path, **{"data.eval_size": (65, 128)})
  assert build.encoder_and_size(config) == ("b0", (96, 128))
