import functools
import importlib
import json
import re
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import traverse_util
from PIL import Image

from jppf_jax import build
from jppf_jax.checkpoints.weights import WeightsError, load_weights, read_weights, save_weights
from jppf_jax.config_rules import ConfigError
from jppf_jax.evaluation.compare import fuse_both
from jppf_jax.evaluation.predict import load_predictor
from jppf_jax.input_pipeline import datasets, taxonomy
from jppf_jax.input_pipeline.taxonomy import TaxonomyError
from jppf_jax.losses.semantic_part import hard_cross_entropy
from jppf_jax.structs import IGNORE
from jppf_jax_configs import demo
from tests import tiny
from tests.data import raw_files

FULL_SIZE = {"model.width": 1.0, "model.depth": 1.0}  # as the weights of the packages
LITE_PIXELS = {"model.pixel_mean": (127.0,) * 3, "model.pixel_std": (128.0,) * 3}


def model_of(config):
  return build.model(config, build.label_spec(config))


def first_batch(config):
  return next(build.train_iterator(config, build.label_spec(config)))


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


@pytest.mark.parametrize(
  "key, wrong, allowed",
  [
    ("model.dtype", "float64", "one of .*'bfloat16'.*'float32'.*"),
    ("phase_order", "frozen", "one of .*'main_then_frozen'.*"),
    ("optimizer.name", "lion", "one of .*'adamw'.*'sgd'.*"),
  ],
)
def test_the_error_for_an_unknown_name_lists_the_known_names(tmp_path, key, wrong, allowed):
  config = tiny.config(tmp_path, **{key: wrong})
  with pytest.raises(ValueError, match=f"config.{key} must be {allowed}; got '{wrong}'"):
    build.training(config, axis_name="batch")


def test_a_split_that_does_not_exist_is_refused_before_anything_is_built(tmp_path):
  config = tiny.config(tmp_path, **{"data.train_split": "trian"})
  with pytest.raises(ConfigError, match="no split 'trian'; it has train, validation"):
    build.train_examples(config)
  assert not (tmp_path / "data_sets").exists()


def test_a_split_without_images_is_refused(tmp_path, monkeypatch):
  monkeypatch.setattr(build, "examples", lambda config, split: [])
  with pytest.raises(ConfigError, match="'train\\[:0\\]' has no images"):
    build.train_examples(tiny.config(tmp_path, **{"data.train_split": "train[:0]"}))


def test_a_wrong_fusion_setting_is_an_error_before_training(tmp_path):
  config = tiny.config(tmp_path)
  with config.unlocked():
    config.fusion.outside_value = 3.0
  with pytest.raises(ValueError, match="outside_value"):
    build.training(config, axis_name="batch")


def test_a_fusion_setting_that_does_not_exist_is_an_error(tmp_path):
  config = tiny.config(tmp_path)
  with config.unlocked():
    config.fusion.min_staff_area = 1
  with pytest.raises(ConfigError, match="did you mean min_stuff_area"):
    build.inference(config)


def test_a_phase_of_no_steps_is_left_out(tmp_path):
  config = tiny.config(tmp_path, **{"phases.frozen.steps": 0})
  phases, _, _ = build.optimization(config)
  assert [phase.freeze_norm for phase in phases] == [False]


def test_the_second_phase_has_frozen_norms(tmp_path):
  config = tiny.config(tmp_path, **{"phases.frozen.steps": 2})
  phases, _, _ = build.optimization(config)
  assert [phase.freeze_norm for phase in phases] == [False, True]


def test_the_error_for_a_dataset_that_is_not_built_names_the_command_that_builds_it(tmp_path):
  changes = {"data.name": "cityscapes_panoptic_parts", "data.manual_dir": ""}
  with pytest.raises(FileNotFoundError, match="jppf prepare cityscapes_panoptic_parts"):
    build.examples(tiny.config(tmp_path, **changes), "train")


def test_shipped_weights_have_names_and_others_are_paths():
  assert build.weights_path("demo").is_file()
  assert str(build.weights_path("runs/x/weights.safetensors")) == "runs/x/weights.safetensors"


def test_training_starts_fresh_without_pretrained_weights(tiny_run):
  model = model_of(tiny_run.config)
  variables, report = build.start(tiny_run.config, model)
  assert report is None
  fresh = build.init_variables(jax.random.key(tiny_run.config.seed), model)
  jax.tree.map(np.testing.assert_array_equal, variables, fresh)


def test_training_starts_from_all_weights_of_a_run(tiny_run):
  path = tiny_run.workdir / build.RUN_WEIGHTS
  config = tiny.config(tiny_run.workdir, **{"model.pretrained": str(path)})
  variables, report = build.start(config, model_of(config))
  assert report.fresh == report.ignored == {}
  assert report.loaded.keys() == variables["params"].keys()
  expected = load_weights(path, variables)
  jax.tree.map(np.testing.assert_array_equal, variables, expected)


def test_training_starts_from_an_encoder_by_the_name_of_its_package(tmp_path, monkeypatch):
  config = tiny.config(tmp_path, **FULL_SIZE, **LITE_PIXELS, **{"model.encoder": "lite0"})
  config.model.pretrained = "lite0"
  model = model_of(config)
  shapes = build.variable_shapes(model)
  zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, np.float32), shapes)
  monkeypatch.setattr(build, "init_variables", lambda key, net: zeros)
  variables, report = build.start(config, model)
  assert report.loaded.keys() == {"encoder"}
  assert report.ignored == {"classifier": 2}
  params = variables["params"]
  assert np.abs(params["encoder"]["stem"]["conv"]["kernel"]).max() > 0.1
  assert (params["fpn"]["out_4"]["conv"]["kernel"] == 0).all()


def test_weights_of_another_encoder_are_refused_though_the_shapes_agree(tmp_path):
  config = tiny.config(tmp_path, **FULL_SIZE, **LITE_PIXELS, **{"model.encoder": "b0"})
  config.model.pretrained = "lite0"
  message = r"(?s)encoder is 'lite0' for the weights, 'b0'.*Set --config\.model\.encoder=lite0, or"
  with pytest.raises(WeightsError, match=message):
    build.start(config, model_of(config))


def test_weights_for_other_pixel_statistics_are_refused_and_the_flags_named(tmp_path):
  config = tiny.config(tmp_path, **FULL_SIZE, **{"model.encoder": "lite0"})
  config.model.pretrained = "lite0"
  mean, std = ("(127.0, 127.0, 127.0)", "(128.0, 128.0, 128.0)")
  with pytest.raises(WeightsError) as error:
    build.start(config, model_of(config))
  flags = f"--config.model.pixel_mean='{mean}' --config.model.pixel_std='{std}'"
  assert f"Set {flags}, or start from other weights." in str(error.value)


@pytest.fixture(scope="module")
def shapes_of_run(tiny_run):
  return build.variable_shapes(model_of(tiny_run.config))


@pytest.fixture
def untraced(shapes_of_run, monkeypatch):
  """The network of the shared run is not traced, which takes seconds, nor initialised."""
  zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, np.float32), shapes_of_run)
  monkeypatch.setattr(build, "variable_shapes", lambda net: shapes_of_run)
  monkeypatch.setattr(build, "init_variables", lambda key, net: zeros)


@pytest.mark.parametrize(
  "key, value", [("anchor_scale", 8.0), ("finest_scale", 56.0), ("legacy", False)]
)
def test_a_run_s_weights_are_not_loaded_into_another_network_of_equal_shapes(
  tiny_run, key, value, untraced
):
  path = tiny_run.workdir / build.RUN_WEIGHTS
  config = tiny.config(tiny_run.workdir, **{"model.pretrained": str(path), f"model.{key}": value})
  with pytest.raises(WeightsError, match=f"(?s){key} is .*Set --config.model.{key}="):
    build.start(config, model_of(config))
  with pytest.raises(WeightsError, match=f"{key} is "):
    load_predictor(config, path)


def with_other_sky(run, path):
  """Copies a run's weights as those of a taxonomy with another class in the place of "sky"."""
  found, about = read_weights(run.workdir / build.RUN_WEIGHTS)
  classes = about["meaning"]["taxonomy"]["classes"]
  classes[classes.index("sky")] = "water"
  save_weights(path, traverse_util.unflatten_dict(found, sep="/"), about)


def test_outputs_for_other_classes_start_fresh_though_there_are_as_many(
  tiny_run, tmp_path, untraced
):
  with_other_sky(tiny_run, tmp_path / "w.safetensors")
  changes = {"model.pretrained": str(tmp_path / "w.safetensors")}
  config = tiny.config(tmp_path, **changes)
  _, report = build.start(config, model_of(config))
  assert report.fresh == report.ignored == {"semantic_head/logits": 2}
  message = r"taxonomy differs: classes\[10\] is 'water' for the weights, 'sky' in the config"
  with pytest.raises(WeightsError, match=message):
    load_predictor(config, tmp_path / "w.safetensors")


def test_the_weights_of_the_package_carry_what_they_need():
  config = demo.get_config()
  _, about = read_weights(build.weights_path("demo"))
  assert about["meaning"] == build.inference(config).meaning
  assert "/tmp" not in json.dumps(about)


def test_weights_without_a_record_are_loaded_with_a_note(tiny_run, tmp_path, caplog, untraced):
  found, _ = read_weights(tiny_run.workdir / build.RUN_WEIGHTS)
  save_weights(tmp_path / "w.safetensors", traverse_util.unflatten_dict(found, sep="/"), {})
  config = tiny.config(tmp_path, **{"model.pretrained": str(tmp_path / "w.safetensors")})
  _, report = build.start(config, model_of(config))
  assert not report.fresh
  assert re.search("w.safetensors: not compared .* not stored: encoder, .*, taxonomy", caplog.text)


def test_without_a_name_the_labels_are_those_of_the_dataset(tmp_path):
  config = tiny.config(tmp_path, **{"data.labels": ""})
  assert build.label_spec(config).name == "cpp_grouped"


OWN = "stuff: {floor: {id: 1, color: [1, 2, 3]}}\nthings: {robot: {id: 2, color: [4, 5, 6]}}\n"


def test_a_run_s_config_is_valid_in_any_folder_and_after_the_run_was_moved(tmp_path, monkeypatch):
  home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
  home.mkdir(), elsewhere.mkdir()
  (home / "robots.yaml").write_text(OWN)
  (home / "start.safetensors").touch()
  monkeypatch.chdir(home)
  paths = {"data.data_dir": "sets", "data.manual_dir": "raw", "data.labels": "robots.yaml"}
  names = {"data.name": "own_dataset_builder.py", "model.pretrained": "start.safetensors"}
  config = tiny.config(home, **paths, **names)
  build.store_run(config, home / "run")
  shutil.move(home / "run", elsewhere / "moved")
  (home / "robots.yaml").unlink()
  monkeypatch.chdir(elsewhere)
  found = build.run_config("moved")
  assert found.data.data_dir == str(home / "sets")
  assert found.data.manual_dir == str(home / "raw")
  assert found.data.name == str(home / "own_dataset_builder.py")
  assert found.model.pretrained == str(home / "start.safetensors")
  assert build.label_spec(found).class_names == ("floor", "robot")
  assert found.is_locked
  assert build.model(found, build.label_spec(found)) == model_of(found)


def test_a_run_stores_the_taxonomy_of_its_dataset(tmp_path):
  for name, stored in (("synthetic_panoptic_parts", "cpp_grouped"), ("clothing_co_parsing", None)):
    config = tiny.config(tmp_path, **{"data.name": name, "data.labels": ""})
    build.store_run(config, tmp_path)
    found = build.run_config(tmp_path).data.labels
    assert found == (stored or str(tmp_path / "clothing_co_parsing.yaml"))


def test_padding_has_the_mean_colour_of_the_model(tmp_path):
  changes = {"model.pixel_mean": (10.4, 20.6, 30.0), "data.scale": (0.3, 0.3)}
  batch, _ = first_batch(tiny.config(tmp_path, **changes))
  assert (batch.image[:, -1, -1] == (10, 21, 30)).all()


def test_batches_have_the_shapes_of_the_config(tmp_path):
  data = tiny.config(tmp_path).data
  batch, ids = first_batch(tiny.config(tmp_path))
  assert batch.image.shape == (data.batch_size, *data.train_size, 3)
  assert batch.boxes.shape == (data.batch_size, data.max_objects, 4)
  assert len(ids) == data.batch_size


@pytest.fixture(scope="module")
def with_backgrounds(tmp_path_factory):
  """A config whose part head has a background for each class without parts, and a batch of it."""
  folder = tmp_path_factory.mktemp("backgrounds")
  config = tiny.config(folder, **{"data.labels": "cpp_grouped_sembg"})
  batch, _ = first_batch(config)
  return config, batch


def output_shapes(config, batch):
  predict = functools.partial(model_of(config).init_with_output, train=False)
  image = jnp.zeros(batch.image.shape, jnp.uint8)
  outputs, _ = jax.eval_shape(predict, jax.random.key(0), image)
  return outputs


def test_all_backgrounds_are_outputs_and_are_trained(with_backgrounds):
  config, batch = with_backgrounds
  logits = np.zeros(output_shapes(config, batch).part.shape, np.float32)
  assert logits.shape[-1] == 23

  def loss(logits):
    return hard_cross_entropy(logits, batch.part, fraction=1.0).total

  increased = (jax.grad(loss)(logits) < 0).any((0, 1, 2))
  labelled = np.unique(batch.part[batch.part != IGNORE])
  np.testing.assert_array_equal(np.flatnonzero(increased), labelled)
  backgrounds = labelled >= build.label_spec(config).num_parts
  assert backgrounds.sum() > 2


def test_both_fusions_accept_all_backgrounds(with_backgrounds):
  config, batch = with_backgrounds
  run = build.inference(config)
  fuse = functools.partial(fuse_both, spec=run.spec, size=run.size, config=run.fusion)
  results = jax.eval_shape(fuse, output_shapes(config, batch))
  parts = results.joint.part, results.top_down.part, results.part
  assert {part.shape for part in parts} == {batch.part.shape}


def test_a_built_dataset_of_your_own_is_found_by_its_bare_name(tmp_path):
  built = datasets.builder_class("synthetic_panoptic_parts")
  options = {"size": (64, 128), "train": 1, "validation": 1, "seed": 0}
  folder = datasets.build(built.name, data_dir=tmp_path / "built", options=options)
  own = tmp_path / "data_sets" / "warehouse" / "1.0.0"
  shutil.copytree(folder, own)
  config = tiny.config(tmp_path, **{"data.name": "warehouse"})
  with pytest.raises(TaxonomyError, match="not recorded; name its taxonomy"):
    build.examples(config, "validation")
  taxonomy.record(own, "cpp_default")
  assert len(build.examples(config, "validation")) == 1
  assert build.label_spec(config).name == "cpp_default"


OWN_BUILDER = """
from pathlib import Path
import numpy as np
from jppf_jax_data import pairs
from jppf_jax_data.pairs_builder import PairsBuilder

class Builder(PairsBuilder):
  MANUAL_DOWNLOAD_INSTRUCTIONS = "x"
  SPEC = str(Path(__file__).with_name("robots.yaml"))

  @classmethod
  def layout(cls, split):
    return {split: "*"}

  @classmethod
  def files(cls, root, split):
    images = {path.stem: path for path in (root / split).glob("*.png")}
    return images, {path.stem: path for path in (root / split).glob("*.tif")}

  @classmethod
  def read_label(cls, path):
    return pairs.read_uids(path, max_scene_id=99)
"""


@pytest.fixture
def own_dataset(tmp_path):
  """Your own builder with its taxonomy and its raw files; returns the flags of a config for it."""
  for split in ("train", "validation"):
    (tmp_path / "raw" / split).mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(tmp_path / "raw" / split / "a.png")
    uids = np.full((8, 8), 1, np.int32)
    Image.fromarray(uids).save(tmp_path / "raw" / split / "a.tif")
  (tmp_path / "robots.yaml").write_text(OWN)
  builder = tmp_path / "robots_dataset_builder.py"
  builder.write_text(OWN_BUILDER)
  return {"data.name": str(builder), "data.manual_dir": str(tmp_path / "raw")}


@pytest.mark.parametrize("name", ["smoke", "demo", "cpp", "synthetic", "overfit_samples", "ppp"])
def test_your_own_dataset_has_its_own_taxonomy_in_every_config(own_dataset, name):
  config = importlib.import_module(f"jppf_jax_configs.{name}").get_config()
  config.data.name = own_dataset["data.name"]
  assert build.label_spec(config).class_names == ("floor", "robot")


def test_another_taxonomy_is_noticed_also_if_the_dataset_was_built_before(own_dataset, tmp_path):
  config = tiny.config(tmp_path, **own_dataset)
  build.examples(config, "train")
  bare = tiny.config(tmp_path, **{"data.name": "robots"})
  (tmp_path / "robots_dataset_builder.py").unlink()
  (tmp_path / "robots.yaml").unlink()
  assert len(build.examples(bare, "train")) == 1
  assert build.label_spec(bare).class_names == ("floor", "robot")
  other = tiny.config(tmp_path, **{"data.name": "robots", "data.labels": "cpp_grouped"})
  with pytest.raises(TaxonomyError, match="cpp_grouped is not the taxonomy of the dataset in"):
    build.examples(other, "train")


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_training_holds_label_files_to_the_spec_when_it_builds(tmp_path):
  written = raw_files.write_cpp(tmp_path / "raw", {"train": 1, "val": 1})
  label = written[0][1]
  Image.fromarray(np.full((16, 32), 8, np.int32)).save(label)
  spec = tmp_path / "only_road.yaml"
  spec.write_text("stuff:\n  road: {id: 7, color: [128, 64, 128]}\n")
  changes = {
    "data.name": "cityscapes_panoptic_parts",
    "data.manual_dir": str(tmp_path / "raw"),
    "data.labels": str(spec),
  }
  with pytest.raises(ValueError, match=r"(?s)nothing was built.*\(8, 0\)") as error:
    build.examples(tiny.config(tmp_path, **changes), "train")
  assert str(label) in str(error.value)


@pytest.mark.filterwarnings("ignore:.*fewer examples:UserWarning")
def test_training_says_that_a_build_is_stale(tmp_path):
  raw_files.write_cpp(tmp_path / "raw", {"train": 1, "val": 1})
  changes = {"data.name": "cityscapes_panoptic_parts", "data.manual_dir": str(tmp_path / "raw")}
  config = tiny.config(tmp_path, **changes)
  assert len(build.examples(config, "train")) == 1
  raw_files.write_cpp(tmp_path / "raw", {"train": 1, "val": 2})
  for named in (str(tmp_path / "raw"), ""):
    changes["data.manual_dir"] = named
    with pytest.warns(UserWarning, match="built from other files than .* 2 added"):
      assert len(build.examples(tiny.config(tmp_path, **changes), "train")) == 1


def test_a_prediction_with_an_impossible_config_is_one_sentence(tmp_path):
  config = tiny.config(tmp_path)
  config.model.encoder = "b9"
  with pytest.raises(ConfigError, match="encoder"):
    build.inference(config)
