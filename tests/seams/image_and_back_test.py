"""Into the working size and back: what the network says of a place comes back to that place."""

import numpy as np
import pytest

from jppf_jax.evaluation.compare import Comparison
from jppf_jax.fusion.config import FusionConfig
from jppf_jax.labels.registry import load_spec
from tests.seams.stub_network import ColourNetwork

SPEC = load_spec("cpp")
EVERYTHING = FusionConfig(min_stuff_area=0)
SIZES = [(37, 91), (91, 37), (100, 30), (30, 100), (23, 24)]  # height, width


CLASSES = 5


def ramp(length: int) -> tuple[np.ndarray, np.ndarray, tuple[float, ...]]:
  """Returns a ramp of red values, the class of each of its pixels, and the shades of the classes.

  Classes change midway between two pixels, so that less than half a pixel of error changes none.
  """
  wide = length // CLASSES
  red = 10 + 2 * np.arange(length)
  shades = 11 - wide + 2 * wide * np.arange(CLASSES)
  classes = np.minimum((np.arange(length) - 1) // wide + 1, CLASSES - 1)
  unused = np.full(SPEC.num_classes - CLASSES, 1e4)
  return red, classes, (*shades.tolist(), *unused.tolist())


def predict(image, *, size, config=EVERYTHING, **network):
  shades = network.pop("shades", tuple(np.linspace(10, 240, SPEC.num_classes)))
  net = ColourNetwork(shades=shades, num_parts=SPEC.num_part_outputs, **network)
  return Comparison(net, {}, SPEC, size=size, config=config)(image)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("shape", SIZES)
def test_each_pixel_gets_the_class_of_its_own_colour(shape, axis):
  red, expected, shades = ramp(shape[axis])
  image = np.zeros((*shape, 3), np.uint8)
  classes = np.zeros(shape, int)
  along = (slice(None), None) if axis == 0 else (None, slice(None))
  image[..., 0] = red[along]
  classes[...] = expected[along]
  found = predict(image, size=(256, 256), shades=shades)
  for answer in (found, found.joint, found.top_down):
    assert answer.semantic.shape == shape
    # the network's cells at the far edges hold padding too
    np.testing.assert_array_equal(answer.semantic[:-1, :-1], classes[:-1, :-1])


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("shape", [(75, 110), (110, 75)])
def test_a_photo_larger_than_the_working_size_gets_the_classes_of_its_own_pixels(shape, axis):
  red, expected, shades = ramp(shape[axis])
  image = np.zeros((*shape, 3), np.uint8)
  along = (slice(None), None) if axis == 0 else (None, slice(None))
  image[..., 0] = red[along]
  found = predict(image, size=(48, 64), shades=shades)
  middle = slice(6, -6)  # the network's cells at the edges hold half a ramp
  for answer in (found, found.joint, found.top_down):
    assert answer.semantic.shape == shape
    classes = np.moveaxis(answer.semantic, axis, 0)[middle]
    # a half of a pixel: the photo is scaled in whole values of red
    wrong = (classes != expected[middle, None]).any(1).sum()
    assert wrong <= CLASSES - 1
    changes = np.flatnonzero(np.diff(classes[:, 0]))
    assert np.abs(changes - np.flatnonzero(np.diff(expected[middle]))).max() <= 1


def test_boxes_of_a_larger_photo_are_drawn_at_its_own_pixels():
  image = np.full((96, 160, 3), 10, np.uint8)
  found = predict(image, size=(48, 80), boxes=((20, 10, 60, 40),), legacy=False)
  inside = np.zeros((96, 160), bool)
  inside[20:80, 40:120] = True
  for answer in (found.joint, found.top_down):
    differs = (answer.instance > 0) != inside
    assert not differs[22:78, 42:118].any() and not differs[:18].any() and not differs[:, :38].any()
    assert answer.segments.areas[0] == (answer.instance == 1).sum()
  np.testing.assert_allclose(found.detections.boxes[0], [40, 20, 120, 80])


@pytest.mark.parametrize("size", [(64, 128), (50, 100)])  # the latter is padded to 64 x 128
@pytest.mark.parametrize("shape", [(37, 91), (64, 100)])
def test_padding_has_the_mean_colour_of_the_model(shape, size):
  image = np.zeros((*shape, 3), np.uint8)
  mean = (31.0, 200.0, 77.0)
  found = predict(image, size=size, pixel_mean=mean, padding_class=4)
  assert found.semantic.shape == shape and (found.semantic == 4).all()


def test_boxes_and_masks_come_back_at_their_own_scale_in_x_and_y():
  image = np.full((30, 100, 3), 10, np.uint8)  # fitted into 60 x 200 of 64 x 200
  found = predict(image, size=(64, 200), boxes=((20, 10, 60, 40),), legacy=False)
  np.testing.assert_allclose(found.detections.boxes[0], [10, 5, 30, 20])
  inside = np.zeros((30, 100), bool)
  inside[5:20, 10:30] = True
  np.testing.assert_array_equal(found.joint.instance > 0, inside)
  np.testing.assert_array_equal(found.joint.semantic[inside], SPEC.num_stuff)


@pytest.mark.parametrize("legacy, last", [(True, 39), (False, 40)])
def test_both_fusions_paste_masks_as_the_model_was_trained(legacy, last):
  image = np.full((64, 96, 3), 10, np.uint8)
  found = predict(image, size=(64, 96), boxes=((8, 8, 40, 40),), legacy=legacy)
  for answer in (found.joint, found.top_down):
    columns = np.flatnonzero((answer.instance == 1).any(0))
    rows = np.flatnonzero((answer.instance == 1).any(1))
    assert columns[-1] + 1 == rows[-1] + 1 == last
