import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jppf_jax import build
from jppf_jax.checkpoints.weights import WeightsError
from jppf_jax.evaluation.predict import fuse_both
from jppf_jax.losses.semantic_part import hard_cross_entropy
from jppf_jax.structs import IGNORE
from tests import tiny


def test_the_same_seed_gives_the_same_weights(tmp_path):
  config = tiny.config(tmp_path)
  model = build.model(config, build.label_spec(config))
  first, second = (build.init_variables(jax.random.key(3), model) for _ in range(2))
  jax.tree.map(np.testing.assert_array_equal, first, second)
  shapes = jax.tree.map(lambda x: x.shape, build.variable_shapes(model))
  assert jax.tree.map(lambda x: x.shape, first) == shapes


def test_the_network_computes_in_the_dtype_of_the_config(tmp_path):
  config = tiny.config(tmp_path, **{"model.dtype": "bfloat16"})
  model = build.model(config, build.label_spec(config))
  assert model.encoder.dtype == jnp.bfloat16
  assert all(x.dtype == jnp.float32 for x in jax.tree.leaves(build.variable_shapes(model)))


def test_an_unknown_dtype_order_or_optimizer_says_what_there_is(tmp_path):
  config = tiny.config(tmp_path, **{"model.dtype": "float64"})
  with pytest.raises(ValueError, match="'float32' or 'bfloat16'; got 'float64'"):
    build.model(config, build.label_spec(config))
  with pytest.raises(
    ValueError, match="config.phase_order must be one of .*main_then_frozen.*; got 'frozen'"
  ):
    build.optimization(tiny.config(tmp_path, phase_order="frozen"))
  with pytest.raises(
    ValueError, match="config.optimizer.name must be one of .*adamw.*sgd.*; got 'lion'"
  ):
    build.optimization(tiny.config(tmp_path, **{"optimizer.name": "lion"}))


def test_a_phase_of_no_steps_is_left_out(tmp_path):
  phases, _, _ = build.optimization(tiny.config(tmp_path, **{"phases.frozen.steps": 0}))
  assert [phase.freeze_norm for phase in phases] == [False]
  with_frozen, _, _ = build.optimization(
    tiny.config(tmp_path, **{"phases.frozen.steps": 2, "phases.frozen.learning_rate": 1e-3})
  )
  assert [phase.freeze_norm for phase in with_frozen] == [False, True]


def test_a_data_set_that_is_not_built_says_how_to_build_it(tmp_path):
  config = tiny.config(
    tmp_path, **{"data.name": "cityscapes_panoptic_parts", "data.manual_dir": ""}
  )
  with pytest.raises(FileNotFoundError, match="jppf prepare cityscapes_panoptic_parts"):
    build.examples(config, "train")


def test_shipped_weights_have_names_and_others_are_paths(tmp_path):
  assert build.weights_path("demo").is_file()
  assert str(build.weights_path("runs/x/weights.safetensors")) == "runs/x/weights.safetensors"


def test_training_starts_fresh_or_from_all_of_a_run(tiny_run):
  model = build.model(tiny_run.config, build.label_spec(tiny_run.config))
  fresh, nothing = build.start(tiny_run.config, model)
  assert nothing is None
  config = tiny.config(
    tiny_run.workdir, **{"model.pretrained": str(tiny_run.workdir / "weights.safetensors")}
  )
  trained, report = build.start(config, model)
  assert not report.fresh and not report.ignored and set(report.loaded) == set(fresh["params"])
  different = jax.tree.map(
    lambda a, b: not np.array_equal(a, b), fresh["batch_stats"], trained["batch_stats"]
  )
  assert all(jax.tree.leaves(different))


def test_training_starts_from_an_encoder_by_the_name_of_its_package(tmp_path, monkeypatch):
  config = tiny.config(
    tmp_path, **{"model.encoder": "lite0", "model.width": 1.0, "model.depth": 1.0}
  )
  config.model.pretrained = "lite0"
  model = build.model(config, build.label_spec(config))
  zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, np.float32), build.variable_shapes(model))
  monkeypatch.setattr(build, "init_variables", lambda key, net: zeros)
  variables, report = build.start(config, model)
  assert list(report.loaded) == ["encoder"] and report.ignored == {"classifier": 2}
  assert np.abs(variables["params"]["encoder"]["stem"]["conv"]["kernel"]).max() > 0.1
  assert (variables["params"]["fpn"]["out_4"]["conv"]["kernel"] == 0).all()


def test_weights_of_another_encoder_are_refused_though_the_shapes_agree(tmp_path):
  config = tiny.config(tmp_path, **{"model.encoder": "b0", "model.width": 1.0, "model.depth": 1.0})
  config.model.pretrained = "lite0"
  with pytest.raises(WeightsError, match="for the encoder 'lite0', config.model.encoder is 'b0'"):
    build.start(config, build.model(config, build.label_spec(config)))


def test_a_data_set_knows_its_own_labels(tmp_path):
  assert build.label_spec(tiny.config(tmp_path, **{"data.labels": ""})).name == "cpp_grouped"


def test_what_no_image_covers_has_the_mean_colour_of_the_model(tmp_path):
  config = tiny.config(
    tmp_path, **{"model.pixel_mean": (10.4, 20.6, 30.0), "data.scale": (0.3, 0.3)}
  )
  batch, _ = next(build.train_iterator(config, build.label_spec(config)))
  assert (batch.image[:, -1, -1] == (10, 21, 30)).all()


def test_batches_have_the_shapes_of_the_config(tmp_path):
  config = tiny.config(tmp_path)
  batch, ids = next(build.train_iterator(config, build.label_spec(config)))
  count, size = config.data.batch_size, tuple(config.data.train_size)
  assert batch.image.shape == (count, *size, 3) and batch.boxes.shape == (
    count,
    config.data.max_objects,
    4,
  )
  assert len(ids) == count


def test_a_background_per_class_reaches_targets_head_loss_and_both_fusions(tmp_path):
  config = tiny.config(tmp_path, **{"data.labels": "cpp_grouped_sembg"})
  spec = build.label_spec(config)
  model = build.model(config, spec)
  batch, _ = next(build.train_iterator(config, spec))
  outputs = jax.eval_shape(
    lambda key: model.init_with_output(key, jnp.zeros(batch.image.shape, jnp.uint8), train=False)[
      0
    ],
    jax.random.key(0),
  )
  assert outputs.part.shape[-1] == 23
  gradient = jax.grad(lambda logits: hard_cross_entropy(logits, batch.part, fraction=1.0).total)
  pulled_up = (gradient(np.zeros(outputs.part.shape, np.float32)) < 0).any((0, 1, 2))
  taught = np.unique(batch.part[batch.part != IGNORE])
  np.testing.assert_array_equal(np.flatnonzero(pulled_up), taught)
  assert (taught >= spec.num_parts).sum() > 2
  results = jax.eval_shape(
    functools.partial(
      fuse_both, spec=spec, size=tuple(config.data.eval_size), config=build.fusion(config)
    ),
    outputs,
  )
  assert (
    results["joint"].part.shape
    == results["top_down"].part.shape
    == results["part"].shape
    == batch.part.shape
  )
