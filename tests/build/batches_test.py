import functools
import importlib
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from jppf_jax import build
from jppf_jax.build import batches
from jppf_jax.config_rules import ConfigError
from jppf_jax.evaluation.compare import fuse_both
from jppf_jax.input_pipeline import datasets, taxonomy
from jppf_jax.input_pipeline.taxonomy import TaxonomyError
from jppf_jax.losses.semantic_part import hard_cross_entropy
from jppf_jax.structs import IGNORE
from tests import tiny
from tests.data import raw_files


def model_of(config):
  return build.model(config, build.label_spec(config))


def first_batch(config):
  return next(build.train_iterator(config, build.label_spec(config)))


def test_a_split_that_does_not_exist_is_refused_before_anything_is_built(tmp_path):
  config = tiny.config(tmp_path, **{"data.train_split": "trian"})
  with pytest.raises(ConfigError, match="no split 'trian'; it has train, validation"):
    build.train_examples(config)
  assert not (tmp_path / "data_sets").exists()


def test_a_split_without_images_is_refused(tmp_path, monkeypatch):
  monkeypatch.setattr(batches, "examples", lambda config, split: [])
  with pytest.raises(ConfigError, match="'train\\[:0\\]' has no images"):
    build.train_examples(tiny.config(tmp_path, **{"data.train_split": "train[:0]"}))


def test_the_error_for_a_dataset_that_is_not_built_names_the_command_that_builds_it(tmp_path):
  changes = {"data.name": "cityscapes_panoptic_parts", "data.manual_dir": ""}
  with pytest.raises(FileNotFoundError, match="jppf prepare cityscapes_panoptic_parts"):
    build.examples(tiny.config(tmp_path, **changes), "train")


OWN = "stuff: {floor: {id: 1, color: [1, 2, 3]}}\nthings: {robot: {id: 2, color: [4, 5, 6]}}\n"


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
