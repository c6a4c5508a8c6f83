import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jppf_jax.heads.instance_rpn import RPNHead, propose
from jppf_jax.ops.anchors import pyramid_anchors
from jppf_jax.structs import RPNOutputs
from tests.oracles import detection
from tests.oracles import network as oracle
from tests.random_variables import num_parameters, random_pyramid, random_variables, shapes_of

SIZE = (64, 96)
ANCHORS = pyramid_anchors(SIZE, (4, 8, 16, 32), scale=4.0)
compiled = jax.jit(
  lambda rpn, **options: propose(rpn, ANCHORS, SIZE, **options),
  static_argnames=("pre_nms", "max_proposals", "nms_threshold", "legacy"),
)


def random_outputs(batch, seed=0):
  rng = np.random.default_rng(seed)

  def draw(n, *shape):
    return rng.normal(size=(batch, n, *shape)).astype(np.float32)

  objectness = {stride: 3 * draw(len(boxes)) for stride, boxes in ANCHORS.items()}
  deltas = {stride: 0.3 * draw(len(boxes), 4) for stride, boxes in ANCHORS.items()}
  return RPNOutputs(objectness, deltas)


def test_outputs_are_ordered_row_column_anchor_and_four_deltas_per_anchor():
  pyramid, head = random_pyramid(64, 96, (3,) * 4, batch=2), RPNHead(num_anchors=2)
  variables = random_variables(head, pyramid)
  p = variables["params"]
  outputs = head.apply(variables, pyramid)
  convolved = oracle.conv(pyramid[8], p["conv"]["kernel"]) + p["conv"]["bias"]
  features = np.maximum(convolved, 0)  # [2, 8, 12, 3]
  scores = features @ p["objectness"]["kernel"] + p["objectness"]["bias"]
  deltas = features @ p["deltas"]["kernel"] + p["deltas"]["bias"]
  for y, x, anchor in [(0, 0, 0), (0, 1, 1), (3, 5, 0), (7, 11, 1)]:
    row = (y * 12 + x) * 2 + anchor
    expected = scores[:, y, x, anchor]
    np.testing.assert_allclose(outputs.objectness[8][:, row], expected, rtol=1e-4, atol=1e-5)
    expected = deltas[:, y, x, 4 * anchor : 4 * anchor + 4]
    np.testing.assert_allclose(outputs.deltas[8][:, row], expected, rtol=1e-4, atol=1e-5)


def test_each_image_has_its_own_size_to_clip_to():
  rpn, sizes = random_outputs(3), np.int32([[64, 96], [37, 91], [10, 20]])
  options = {"pre_nms": 30, "max_proposals": 40}
  clipped = jax.jit(lambda rpn, sizes: propose(rpn, ANCHORS, sizes, **options))
  each = clipped(rpn, sizes)
  for image, size in enumerate(sizes.tolist()):
    alone = jax.tree.map(lambda x, image=image: x[image : image + 1], rpn)
    expected = clipped(alone, np.int32(size))
    np.testing.assert_allclose(each.boxes[image], expected.boxes[0], atol=1e-4)
    np.testing.assert_array_equal(each.valid[image], expected.valid[0])
    assert np.asarray(each.boxes[image])[:, 2:].max() <= max(size)


def test_paper_size_has_the_reference_number_of_parameters_for_all_levels_together():
  params = shapes_of(RPNHead(), random_pyramid(64, 64, (256,) * 4))
  sizes = {name: num_parameters(layer) for name, layer in params.items()}
  assert sizes == {"conv": 590_080, "objectness": 771, "deltas": 3_084}


def test_starts_close_to_zero_and_stays_float32_under_bfloat16():
  pyramid = random_pyramid(64, 64, (16,) * 4)
  outputs, variables = RPNHead(dtype=jnp.bfloat16).init_with_output(jax.random.key(0), pyramid)
  for name, layer in variables["params"].items():
    np.testing.assert_allclose(layer["kernel"].std(), 0.01, rtol=0.25, err_msg=name)
    assert not layer["bias"].any()
  assert {leaf.dtype for leaf in jax.tree.leaves(outputs)} == {np.dtype(np.float32)}


@pytest.mark.parametrize(("pre_nms", "max_proposals"), [(40, 60), (1000, 20)])
def test_proposals_equal_the_oracle(pre_nms, max_proposals):
  rpn = random_outputs(batch=2)
  proposals = compiled(rpn, pre_nms=pre_nms, max_proposals=max_proposals, nms_threshold=0.5)
  for image in range(2):
    objectness = {stride: values[image] for stride, values in rpn.objectness.items()}
    deltas = {stride: values[image] for stride, values in rpn.deltas.items()}
    levels = [(objectness[s], deltas[s], ANCHORS[s]) for s in ANCHORS]
    expected = detection.propose(levels, SIZE, pre_nms, max_proposals, 0.5)
    boxes, logits = (np.array(column) for column in zip(*expected))
    count = len(expected)
    assert proposals.valid[image].sum() == count
    np.testing.assert_allclose(proposals.boxes[image, :count], boxes, atol=1e-3)
    scores = 1 / (1 + np.exp(-logits))
    np.testing.assert_allclose(proposals.scores[image, :count], scores, rtol=1e-5)


def test_rows_without_a_survivor_are_padding_at_the_end():
  rpn = random_outputs(batch=1)
  proposals = compiled(rpn, pre_nms=40, max_proposals=100, nms_threshold=0.0)
  valid = np.asarray(proposals.valid[0])
  count = valid.sum()
  assert 0 < count < 100 and not valid[count:].any()
  assert not proposals.boxes[0, ~valid].any() and not proposals.scores[0, ~valid].any()


def test_there_are_never_more_rows_than_candidates():
  proposals = compiled(random_outputs(batch=1), pre_nms=30, max_proposals=1000)
  assert proposals.boxes.shape == (1, 30 + 30 + 30 + 18, 4)  # stride 32 has 2 x 3 cells


def test_boxes_stay_inside_the_image_and_legacy_ones_keep_a_pixel():
  rpn = random_outputs(batch=1)
  far = np.array([50, 50, 0, 0], np.float32)  # moved by many widths, not resized
  far_deltas = {stride: far * deltas for stride, deltas in rpn.deltas.items()}
  rpn = dataclasses.replace(rpn, deltas=far_deltas)
  for legacy in (True, False):
    proposals = compiled(rpn, pre_nms=100, max_proposals=100, nms_threshold=1.0, legacy=legacy)
    valid = np.asarray(proposals.valid[0])
    boxes = np.asarray(proposals.boxes[0])[valid]
    low, high = boxes[:, :2], boxes[:, 2:]
    assert boxes.min() >= 0 and (boxes <= [96, 64, 96, 64]).all()
    sides = high - low
    assert sides.min() == pytest.approx(1 if legacy else 0, abs=1e-4)


def test_no_gradient_flows_through_proposals():
  rpn = random_outputs(batch=1)

  def total(rpn):
    proposals = compiled(rpn, pre_nms=20, max_proposals=20)
    return proposals.boxes.sum() + proposals.scores.sum()

  assert not any(leaf.any() for leaf in jax.tree.leaves(jax.grad(total)(rpn)))


def test_anchors_of_another_image_are_an_error():
  anchors = pyramid_anchors((64, 64), (4, 8, 16, 32))
  with pytest.raises(ValueError, match=r"num_anchors.*padded image"):
    propose(random_outputs(1), anchors, SIZE, pre_nms=10, max_proposals=10)
