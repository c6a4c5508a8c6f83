"""A value of the config reaches every room that depends on it."""

import numpy as np
import pytest

from jppf_jax import build
from tests import tiny


@pytest.mark.parametrize("legacy", [True, False])
def test_legacy_reaches_anchors_and_network(legacy, tmp_path):
  model = build.inference(tiny.config(tmp_path, **{"model.legacy": legacy})).model
  whole = np.concatenate(list(model.anchors((64, 128)).values())).astype(np.float64)
  assert model.legacy is legacy
  assert bool((whole == np.round(whole)).all()) is legacy  # EfficientPS rounds anchors to pixels


def test_the_network_proposes_from_the_anchors_that_its_targets_use(tmp_path, monkeypatch):
  model = build.inference(tiny.config(tmp_path)).model
  levels = model.anchors((64, 96))
  assert sorted(levels) == [4, 8, 16, 32]
  cells = {stride: 3 * (64 // stride) * (96 // stride) for stride in levels}
  assert {stride: len(boxes) for stride, boxes in levels.items()} == cells


def test_the_colour_of_padding_is_the_same_in_training_and_prediction(tmp_path):
  config = tiny.config(tmp_path, **{"model.pixel_mean": (31.2, 200.6, 77.0)})
  config.data.scale = (0.4, 0.4)
  spec = build.label_spec(config)
  batch, _ = next(build.train_iterator(config, spec))
  corner = batch.image[:, -1, -1]
  np.testing.assert_array_equal(corner, np.full_like(corner, 0) + np.array([31, 201, 77]))
