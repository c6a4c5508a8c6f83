import dataclasses

import jax
import numpy as np
import pytest

from jppf_jax.build import MultiScale
from jppf_jax.evaluation.kept import Kept
from jppf_jax.evaluation.predict import Predictor
from jppf_jax.fusion.config import FusionConfig
from jppf_jax.labels.registry import load_spec
from tests.seams.stub_network import ColourNetwork

SPEC = load_spec("cpp")
SHADES = tuple(np.linspace(10, 240, SPEC.num_classes).tolist())
RANDOM = np.random.default_rng(0)


@pytest.fixture
def predictor():
  net = ColourNetwork(shades=SHADES, num_parts=SPEC.num_part_outputs)
  return Predictor(net, {}, SPEC, size=(64, 128), config=FusionConfig(min_stuff_area=0))


def image_of(size):
  return RANDOM.integers(0, 256, (*size, 3), dtype=np.uint8)


def test_twenty_images_of_twenty_sizes_compile_only_the_canvases(predictor):
  smaller = [(64 - n, 128 - 2 * n) for n in range(6)] + [(100 - n, 50) for n in range(6)]
  larger = [(70 + n, 180 - n) for n in range(8)]
  for size in (*smaller, *larger):
    found = predictor(image_of(size))
    assert found.semantic.shape == size
  assert predictor._compiled._cache_size() == 3  # both orientations, and one and a half the size


def test_a_batch_answers_as_each_image_alone_and_in_order(predictor):
  images = [image_of(size) for size in ((64, 128), (100, 30), (20, 41), (90, 70), (75, 150))]
  together = predictor.batch(images)
  for image, found in zip(images, together, strict=True):
    alone = predictor(image)
    assert found.semantic.shape == image.shape[:2]
    jax.tree.map(np.testing.assert_array_equal, found, alone)


def test_one_scale_that_is_not_mirrored_is_bit_for_bit_the_plain_prediction(predictor):
  net, spec, size, config = predictor.model, predictor.spec, predictor.size, predictor.config
  once = MultiScale((1.0,), flip=False)
  explicit = Predictor(net, {}, spec, size=size, config=config, testing=once)
  image = image_of((50, 90))
  jax.tree.map(np.testing.assert_array_equal, explicit(image), predictor(image))
  assert explicit._compiled._cache_size() == 1
  assert explicit._compiled_views._cache_size() == 0


def test_no_image_gives_no_answer(predictor):
  assert predictor.batch([]) == []


def test_arrays_move_between_host_and_device_only_where_the_code_says_so(predictor):
  image = image_of((64, 128))
  with jax.transfer_guard("disallow"):
    predictor(image)


def test_what_is_no_image_is_refused(predictor):
  with pytest.raises(ValueError, match=r"Expected an RGB image, uint8 \[H W 3\]; got"):
    predictor.batch([image_of((8, 8)), np.zeros((8, 8, 4), np.uint8)])


def kept_predictor(folder, *, shades=SHADES, spec=SPEC, size=(64, 128), min_stuff_area=0):
  net = ColourNetwork(shades=shades, num_parts=SPEC.num_part_outputs)
  config = FusionConfig(min_stuff_area=min_stuff_area)
  return Predictor(net, {}, spec, size=size, config=config, kept=Kept(folder))


def test_the_answer_is_the_same_without_and_with_a_kept_program(predictor, tmp_path, monkeypatch):
  image = image_of((90, 150))
  expected = predictor(image)
  for _ in range(2):
    found = kept_predictor(tmp_path)(image)
    jax.tree.map(np.testing.assert_array_equal, found, expected)
    monkeypatch.setattr(ColourNetwork, "apply", None)  # the second start does not trace


def test_a_kept_program_of_other_settings_is_not_used(tmp_path, monkeypatch):
  def cheap(self, variables, image, covered, answered=None, canvas=None):
    return image.sum() + covered

  monkeypatch.setattr(Predictor, "compute", cheap)

  def programs(size=(64, 128), **settings):
    predictor = kept_predictor(tmp_path, **settings)
    frame = np.zeros((1, *size, 3), np.uint8), np.array([size], np.int32)
    for canvas in (None, (96, 192)):
      predictor._program(frame, canvas)
    return len(list(tmp_path.iterdir()))

  same = dataclasses.replace(SPEC)
  assert programs() == programs(spec=same) == 2
  assert programs(min_stuff_area=1) == 4
  assert programs(shades=SHADES[::-1]) == 6
  assert programs(size=(128, 64)) == 8
  sids = SPEC.sid_to_train.copy()
  sids[99] = 0
  assert programs(spec=dataclasses.replace(SPEC, sid_to_train=sids)) == 10


def test_a_kept_program_is_that_of_one_way_of_testing(predictor):
  ways = [
    MultiScale(scales, flip) for scales in ((0.75, 1.0), (1.0, 0.75)) for flip in (False, True)
  ]
  abouts = set()
  for testing in ways:
    predictor = Predictor(
      predictor.model, {}, SPEC, size=predictor.size, config=predictor.config, testing=testing
    )
    abouts.add(predictor._about(None))
  assert len(abouts) == len(ways)
