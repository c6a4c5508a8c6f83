import json
import shutil
from pathlib import Path

import jax
import ml_collections
import numpy as np
import pytest
import yaml
from PIL import Image
from safetensors import safe_open

from jppf_jax import build
from jppf_jax.checkpoints.run_folder import RunError
from jppf_jax.checkpoints.weights import WeightsError, save_weights
from jppf_jax.config_rules import ConfigError
from jppf_jax.photos import ImageError
from jppf_jax.pretrained import Model, from_pretrained
from tests.evaluation.save_test import PHOTO, Counting, answer

FILES = ["README.md", "config.json", "model.safetensors"]


@pytest.fixture
def model():
  """Answers each image of the size of `PHOTO` with a car, others with road."""
  return Model(Counting(), ml_collections.ConfigDict(), {"from": "timm", "file": "b5.pth"})


def test_arrays_pictures_and_paths_are_images_and_their_files_name_the_results(model, tmp_path):
  path = tmp_path / "photo.jpg"
  Image.fromarray(PHOTO).save(path)
  for image in (PHOTO, Image.fromarray(PHOTO), path, str(path), jax.numpy.asarray(PHOTO)):
    parts = model(image)
    np.testing.assert_array_equal(parts.semantic, answer().semantic)
    np.testing.assert_array_equal(parts.image, PHOTO)
    is_file = isinstance(image, str | Path)
    assert (parts.name, parts.source) == (("photo", path) if is_file else ("image", None))


def test_a_picture_is_used_as_viewers_show_it(model):
  transparent = Image.new("RGBA", (30, 20), (0, 0, 0, 0))
  assert (model(transparent).image == 255).all()
  turned = Image.new("L", (20, 30))
  turned.getexif()[0x0112] = 6
  assert model(turned).image.shape == (20, 30, 3)


def test_a_list_gives_a_list_in_its_order_computed_in_batches_of_one_orientation(model, tmp_path):
  (tmp_path / "a").mkdir()
  paths = [tmp_path / "x.png", tmp_path / "a" / "x.png"]
  for path in paths:
    Image.fromarray(PHOTO).save(path)
  high = np.zeros((31, 17, 3), np.uint8)
  found = model([PHOTO, high, paths[0], paths[1], paths[0]], batch_size=2)
  assert [parts.semantic.shape for parts in found] == [(20, 30), (31, 17), *[(20, 30)] * 3]
  names = [parts.name for parts in found]
  assert names == ["image_0", "image_1", "x.png", "a_x.png", "x.png"]
  assert model.predictor.came == [[(20, 30)] * 2, [(20, 30)] * 2, [(31, 17)] * 2]
  assert model([]) == []
  assert len(model((PHOTO,))) == 1


def test_what_is_no_image_is_refused(model, tmp_path):
  with pytest.raises(ImageError, match="There is no image at"):
    model(tmp_path / "no.jpg")
  with pytest.raises(ValueError, match=r"Expected an RGB image, uint8 \[H W 3\]; got float64"):
    model(PHOTO / 255.0)
  with pytest.raises(ValueError, match="batch_size must be at least 1; got 0"):
    model(PHOTO, batch_size=0)


def test_a_run_is_saved_and_its_folder_gives_the_same_program_and_weights(tiny_run, tmp_path):
  folder = tmp_path / "my model"
  model = from_pretrained(tiny_run.workdir)
  model.save_pretrained(folder, license="cc-by-4.0")
  assert sorted(path.name for path in folder.iterdir()) == FILES
  again = from_pretrained(folder)
  assert repr(again) == repr(model)
  assert repr(again).endswith("parts, trained 4 steps on synthetic_panoptic_parts")
  jax.tree.map(np.testing.assert_array_equal, again.predictor.variables, model.predictor.variables)
  first, second = model.predictor, again.predictor
  assert (second.model, second.size, second.config) == (first.model, first.size, first.config)
  assert second.spec is first.spec


def test_the_average_of_a_run_is_loaded_by_name(tiny_run, tmp_path):
  run = tmp_path / "run"
  run.mkdir()
  for name in ("config.json", build.RUN_WEIGHTS):
    shutil.copy(tiny_run.workdir / name, run)
  last = from_pretrained(run)
  halved = jax.tree.map(lambda x: np.asarray(x) / 2, last.predictor.variables)
  save_weights(run / "weights_ema.safetensors", halved, last.about)
  average = from_pretrained(run, which="ema")
  jax.tree.map(np.testing.assert_array_equal, average.predictor.variables, halved)
  with pytest.raises(WeightsError, match="has no weights_best.safetensors"):
    from_pretrained(run, which="best")


def test_the_saved_files_are_those_of_the_model_hub_and_name_no_path_of_this_machine(
  tiny_run, tmp_path
):
  model = from_pretrained(tiny_run.workdir)
  model.save_pretrained(tmp_path / "m", license="cc-by-4.0")
  texts = [(tmp_path / "m" / name).read_text() for name in FILES[:2]]
  card, config = texts
  assert yaml.safe_load(card.split("---")[1])["license"] == "cc-by-4.0"
  stored = json.loads(config)
  assert stored["model_type"] == "jppf"
  assert list(stored["id2label"].values()) == list(model.spec.class_names)
  with safe_open(tmp_path / "m" / "model.safetensors", "np") as file:
    metadata = file.metadata()
  assert metadata["format"] == "flax"
  for text in (*texts, metadata["about"]):
    assert str(tiny_run.workdir.parent) not in text
  (tmp_path / "m" / "README.md").write_text("mine")
  model.save_pretrained(tmp_path / "m")
  assert (tmp_path / "m" / "README.md").read_text() == "mine"


def test_a_model_does_not_replace_the_config_of_a_run(tiny_run):
  before = (tiny_run.workdir / "config.json").read_bytes()
  with pytest.raises(FileExistsError, match="is the folder of a run"):
    from_pretrained(tiny_run.workdir).save_pretrained(tiny_run.workdir)
  assert (tiny_run.workdir / "config.json").read_bytes() == before


def test_a_model_that_is_not_there_and_a_damaged_one_say_so(tmp_path):
  with pytest.raises(WeightsError, match="There is no model 'dmeo'"):
    from_pretrained("dmeo")
  for name in FILES[1:]:
    (tmp_path / name).write_text("{")
  with pytest.raises(RunError, match="config.json is damaged"):
    from_pretrained(tmp_path)


def test_scales_and_flip_are_those_given_or_those_of_the_config(tiny_run):
  assert from_pretrained(tiny_run.workdir).predictor.testing == build.MultiScale()
  model = from_pretrained(tiny_run.workdir, scales=[0.5, 1.0], flip=True)
  assert model.predictor.testing == build.MultiScale((0.5, 1.0), flip=True)
  with pytest.raises(ConfigError, match=r"config\.testing\.scales must be one number or more"):
    from_pretrained(tiny_run.workdir, scales=[0.0])
