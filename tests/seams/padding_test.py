"""Nothing outside of an image influences a pixel inside: in a padded frame, the fusions answer as
they do for the image alone.
"""

import dataclasses
from functools import partial

import jax
import numpy as np
import pytest

from jppf_jax.evaluation.compare import Comparison, fuse_both
from jppf_jax.fusion.config import FusionConfig
from jppf_jax.labels.registry import load_spec
from jppf_jax.structs import IGNORE, Detections, Outputs, Proposals, RPNOutputs
from tests.seams.stub_network import ColourNetwork

SPEC = load_spec("cpp")
FRAME = (64, 96)
COVERED = [(37, 91), (64, 52), (1, 1)]  # rows, columns
QUICK = {"xla_backend_optimization_level": 0}
CONFIGS = {
  "absolute": FusionConfig(min_stuff_area=60),
  "relative": FusionConfig(min_stuff_area=0, min_stuff_relative=0.05, stuff_fill="stuff_only"),
}


def outputs(seed=0, batch=1):
  """Random logits and detections of a frame; boxes inside, across and beyond the covered part."""
  rng = np.random.default_rng(seed)
  cells = (batch, FRAME[0] // 4, FRAME[1] // 4)
  corners = rng.uniform(-10, 70, (batch, 6, 2))
  boxes = np.concatenate([corners, corners + rng.uniform(5, 60, (batch, 6, 2))], -1)
  found = Detections(
    boxes=boxes.astype(np.float32),
    labels=rng.integers(1, SPEC.num_things + 1, (batch, 6)).astype(np.int32),
    scores=np.tile(np.linspace(0.9, 0.55, 6, dtype=np.float32), (batch, 1)),
    mask_logits=rng.normal(1, 3, (batch, 6, 28, 28)).astype(np.float32),
    valid=np.ones((batch, 6), bool),
  )
  return Outputs(
    semantic=rng.normal(0, 3, (*cells, SPEC.num_classes)).astype(np.float32),
    part=rng.normal(0, 3, (*cells, SPEC.num_part_outputs)).astype(np.float32),
    rpn=RPNOutputs(objectness={}, deltas={}),
    proposals=Proposals(np.zeros((batch, 1, 4)), np.zeros((batch, 1)), np.zeros((batch, 1), bool)),
    detections=found,
  )


def cropped(heads: Outputs, size) -> Outputs:
  """The outputs with the cells that the image touches only."""
  rows, columns = -(-size[0] // 4), -(-size[1] // 4)
  semantic, part = (x[:, :rows, :columns] for x in (heads.semantic, heads.part))
  return dataclasses.replace(heads, semantic=semantic, part=part)


def compiled(config, size):
  fuse = partial(fuse_both, spec=SPEC, size=size, config=config)
  return jax.jit(lambda heads, covered=None: fuse(heads, covered=covered), compiler_options=QUICK)


@pytest.mark.parametrize("config, sizes", [("absolute", COVERED), ("relative", COVERED[:1])])
def test_a_frame_gives_what_the_image_alone_gives(config, sizes):
  heads = outputs(batch=len(COVERED))
  in_frame = compiled(CONFIGS[config], FRAME)(heads, np.int32(COVERED))
  for image, size in enumerate(sizes):
    alone = compiled(CONFIGS[config], size)(cropped(one(heads, image), size))
    assert_equal(one(in_frame, image), alone, size)


def one(batch, image):
  return jax.tree.map(lambda x: x[image : image + 1], batch)


def assert_equal(padded, alone, size):
  """Checks both fusions and the heads: equal inside of the image, void outside."""
  inside = np.zeros((1, *FRAME), bool)
  inside[:, : size[0], : size[1]] = True
  for found, expected in ((padded.joint, alone.joint), (padded.top_down, alone.top_down)):
    for field in ("semantic", "instance", "part"):
      pixels = np.asarray(getattr(found, field))[inside]
      np.testing.assert_array_equal(pixels, np.ravel(getattr(expected, field)), err_msg=field)
    assert (np.asarray(found.semantic)[~inside] == IGNORE).all()
    assert (np.asarray(found.instance)[~inside] == 0).all()
    np.testing.assert_array_equal(found.segments.areas, expected.segments.areas)
    np.testing.assert_array_equal(found.segments.valid, expected.segments.valid)
  np.testing.assert_array_equal(np.asarray(padded.semantic)[inside], np.ravel(alone.semantic))
  np.testing.assert_array_equal(np.asarray(padded.part)[inside], np.ravel(alone.part))


def predictor(size, *, min_stuff_area=0, **network):
  shades = network.pop("shades", tuple(np.linspace(10, 240, SPEC.num_classes)))
  net = ColourNetwork(shades=shades, num_parts=SPEC.num_part_outputs, **network)
  config = FusionConfig(min_stuff_area=min_stuff_area)
  return Comparison(net, {}, SPEC, size=size, config=config)


@pytest.mark.parametrize("size", [(64, 64), (48, 64)])
def test_stuff_is_counted_in_the_image_only(size):
  """The padding has the shade of a class of which the image shows little."""
  mean = (10.0, 10.0, 10.0)  # class 0
  image = np.full((48, 64, 3), 240, np.uint8)
  image[:8, :8] = 10
  shades = (10.0, *([1e4] * (SPEC.num_stuff - 2)), 240.0, *([1e4] * SPEC.num_things))
  found = predictor(size, min_stuff_area=65, shades=shades, pixel_mean=mean)(image)
  for answer in (found.joint, found.top_down):
    assert (answer.semantic == 0).sum() == 0 and (answer.semantic[:4, :4] == IGNORE).all()


def test_areas_of_segments_are_in_the_pixels_of_the_image():
  image = np.full((30, 100, 3), 10, np.uint8)  # fitted into 60 x 200
  found = predictor((64, 200), boxes=((20, 10, 60, 40), (150, 50, 190, 64)), legacy=False)(image)
  for answer in (found.joint, found.top_down):
    for row, area in enumerate(answer.segments.areas):
      assert area == (answer.instance == row + 1).sum()
    assert answer.segments.areas[0] == 20 * 15
  assert found.joint.segments.areas[1] == 20 * 5  # cut by the border of the image


@pytest.mark.parametrize("size, shape", [((96, 64), (96, 64)), ((96, 64), (64, 96))])
def test_an_image_of_the_working_size_reaches_the_network_unscaled_either_way(size, shape):
  seen = []

  class Watching(ColourNetwork):
    def apply(self, variables, image, *, train, covered):
      jax.debug.callback(lambda *values: seen.append(values), image, covered)
      return super().apply(variables, image, train=train, covered=covered)

  net = Watching(shades=tuple(np.arange(19.0)), num_parts=SPEC.num_part_outputs)
  image = np.random.default_rng(0).integers(0, 255, (*shape, 3), dtype=np.uint8)
  Comparison(net, {}, SPEC, size=size, config=FusionConfig(min_stuff_area=0))(image)
  jax.effects_barrier()
  ((pixels, covered),) = seen
  np.testing.assert_array_equal(pixels[0], image)
  assert covered.tolist() == [list(shape)]
