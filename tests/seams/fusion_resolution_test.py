"""Both fusions at another resolution than the network's frame: one program, any image and zoom."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jppf_jax.fusion import tiles
from jppf_jax.fusion.config import FusionConfig
from jppf_jax.fusion.efficientps import efficientps_fusion
from jppf_jax.fusion.joint import joint_fusion
from jppf_jax.fusion.top_down import class_map, part_map
from tests.fusion.scenes import BICYCLE, CAR, CELLS, PERSON, SPEC, TRAIN, detections
from tests.oracles import fusion as oracle

CANVAS = (48, 101)  # of the result
AREA, THING_AREA = 16, 58  # pixels of the network; some things have fewer, and more in the result
SETTINGS = FusionConfig(min_stuff_area=AREA, min_thing_area=THING_AREA, overlap_threshold=0.6)
# (zoom, pixels of the network that the image covers)
FRAMES = [((1.5, 2.5), (22, 38)), ((2.0, 1.25), (23, 40)), ((1.0, 1.0), (14, 30))]


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
  monkeypatch.setattr(tiles, "CPU_TILE", (8, 16))


@pytest.fixture(scope="module")
def program():
  def fuse(semantic, part, found, covered, zoom):
    frame = dict(size=CANVAS, covered=covered, zoom=zoom)
    joint = joint_fusion(semantic, part, found, spec=SPEC, config=SETTINGS, **frame)
    panoptic = efficientps_fusion(semantic, found, spec=SPEC, min_stuff_area=AREA, **frame)
    return joint, panoptic, class_map(semantic, **frame), part_map(part, spec=SPEC, **frame)

  return jax.jit(fuse)


def scene(seed):
  """Logits that differ clearly, and detections in the frame of the network."""
  rng = np.random.default_rng(seed)
  semantic = 3 * rng.normal(size=(*CELLS, SPEC.num_classes))
  part = 3 * rng.normal(size=(*CELLS, SPEC.num_part_outputs))
  rows = []
  for n, label in enumerate([PERSON, TRAIN, CAR, PERSON, BICYCLE]):
    x0, y0 = rng.uniform(-3, 30), rng.uniform(-3, 15)
    width, height = rng.uniform(5, 30, 2)
    mask = rng.normal(size=(7, 7)).repeat(4, 0).repeat(4, 1) + 1
    rows.append(([x0, y0, x0 + width, y0 + height], label, 0.9 - 0.05 * n, mask))
  return semantic.astype(np.float32), part.astype(np.float32), detections(*rows)


def in_result(found, zoom):
  rows, columns = zoom
  scaled = found.boxes * np.float32([columns, rows, columns, rows])
  return dataclasses.replace(found, boxes=scaled)


@pytest.mark.parametrize("zoom, network_pixels", FRAMES)
def test_a_result_of_any_resolution_equals_the_dense_oracle(program, zoom, network_pixels):
  covered = tuple(int(side * factor) for side, factor in zip(network_pixels, zoom))
  rows, columns = (-(-side // 4) for side in network_pixels)
  factor = zoom[0] * zoom[1]
  config = dataclasses.replace(
    SETTINGS, min_stuff_area=int(AREA * factor), min_thing_area=int(THING_AREA * factor)
  )
  eps_config = FusionConfig(min_stuff_area=int(AREA * factor))
  for seed in range(4):
    semantic, part, found = scene(seed)
    answers = program(semantic, part, found, jnp.array(covered), jnp.float32(zoom))
    joint, panoptic, classes, parts = jax.tree.map(np.asarray, answers)
    inside = slice(covered[0]), slice(covered[1])
    cells = semantic[:rows, :columns], part[:rows, :columns]
    scaled = in_result(found, zoom)
    frame = dict(spec=SPEC, size=covered, zoom=zoom)
    ids = joint.instance[inside]
    *expected, margin = oracle.joint_fusion(*cells, scaled, config=config, answer=ids, **frame)
    equal_where_clear((joint.semantic[inside], ids, joint.part[inside]), expected, margin)
    ids = panoptic.instance[inside]
    *expected, margin = oracle.efficientps_fusion(
      cells[0], scaled, config=eps_config, answer=ids, **frame
    )
    equal_where_clear((panoptic.semantic[inside], ids), expected, margin)
    for answer, logits in zip((classes, parts), cells):
      best = oracle.upsample(logits, covered, zoom).argmax(-1)
      assert (answer[inside] == best).mean() > 0.998  # near ties round
    outside = np.ones(CANVAS, bool)
    outside[inside] = False
    for found_ids, void in ((joint.semantic, 255), (joint.instance, 0), (joint.part, 0)):
      assert (found_ids[outside] == void).all()
    assert joint.segments.areas.sum() == (joint.instance > 0).sum() > 0


def equal_where_clear(answers, expected, margin):
  clear = margin > 1e-3
  assert clear.mean() > 0.98
  for answer, right in zip(answers, expected):
    np.testing.assert_array_equal(answer[clear], right[clear])


def test_a_zoom_of_1_is_none_and_small_tiles_are_no_other_fusion(monkeypatch):
  size = (22, 38)

  def fuse(semantic, part, found, zoom):
    frame = dict(size=size, zoom=zoom)
    joint = joint_fusion(semantic, part, found, spec=SPEC, config=SETTINGS, **frame)
    return joint, efficientps_fusion(semantic, found, spec=SPEC, min_stuff_area=AREA, **frame)

  inputs = scene(7)
  plain = jax.jit(lambda *heads: fuse(*heads, None))(*inputs)
  zoomed = jax.jit(fuse)(*inputs, jnp.ones(2))
  monkeypatch.setattr(tiles, "CPU_TILE", size)
  dense = jax.jit(lambda *heads: fuse(*heads, None))(*inputs)
  jax.tree.map(np.testing.assert_array_equal, plain, zoomed)
  jax.tree.map(np.testing.assert_array_equal, plain, dense)
