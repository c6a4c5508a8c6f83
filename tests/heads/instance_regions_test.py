import dataclasses
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jppf_jax.heads.instance_regions import BoxHead, DoubleResolution, MaskHead, detect
from jppf_jax.structs import Proposals
from tests.oracles import detection
from tests.oracles import network as oracle
from tests.random_variables import num_parameters, random_variables, shapes_of

RNG = np.random.default_rng(0)
REGIONS = RNG.normal(size=(2, 3, 4, 4, 5)).astype(np.float32)
VALID = np.array([[True, True, False], [True, False, False]])
SIZE = (64, 96)
compiled = jax.jit(
  partial(detect, image_size=SIZE),
  static_argnames=("score_threshold", "nms_threshold", "max_detections", "legacy"),
)


def test_box_head_equals_its_formula():
  head = BoxHead(num_things=3, hidden=6)
  variables = random_variables(head, REGIONS)
  p = variables["params"]
  x = REGIONS.reshape(2, 3, -1)  # rows, columns, channels
  for name in ("hidden0", "hidden1"):
    x = np.maximum(x @ p[name]["kernel"] + p[name]["bias"], 0)
  class_logits, deltas = head.apply(variables, REGIONS)
  expected = x @ p["classes"]["kernel"] + p["classes"]["bias"]
  np.testing.assert_allclose(class_logits, expected, rtol=1e-4, atol=1e-4)
  flat = x @ p["deltas"]["kernel"] + p["deltas"]["bias"]  # channel 4 * class + coordinate
  for label in range(4):
    expected = flat[..., 4 * label : 4 * label + 4]
    np.testing.assert_allclose(deltas[:, :, label], expected, rtol=1e-4, atol=1e-4)


def test_paper_size_has_the_reference_number_of_parameters():
  box = shapes_of(BoxHead(8), np.zeros((1, 2, 7, 7, 256), np.float32))
  sizes = {name: num_parameters(layer) for name, layer in box.items()}
  assert sizes == {"hidden0": 12_846_080, "hidden1": 1_049_600, "classes": 9_225, "deltas": 36_900}
  regions, valid = np.zeros((1, 2, 14, 14, 256), np.float32), np.ones((1, 2), bool)
  mask = shapes_of(MaskHead(8), regions, valid, train=False)
  sizes = {name: num_parameters(layer) for name, layer in mask.items()}
  assert sizes == {f"conv{i}": 68_864 for i in range(4)} | {"upsample": 262_400, "logits": 2_313}


def test_mask_head_equals_the_oracle():
  head = MaskHead(num_things=2, channels=6)
  variables = random_variables(head, REGIONS, VALID, train=False)
  p, s = variables["params"], variables["batch_stats"]
  x = REGIONS.reshape(6, 4, 4, 5)
  for name in ("conv0", "conv1", "conv2", "conv3"):
    x = oracle.separable(x, p[name], s[name])
  doubled = np.zeros((6, 8, 8, 6))
  for i in range(2):
    for j in range(2):
      linear = x @ p["upsample"]["kernel"][i, j] + p["upsample"]["bias"]
      doubled[:, i::2, j::2] = np.maximum(linear, 0)
  expected = doubled @ p["logits"]["kernel"] + p["logits"]["bias"]
  logits = jax.jit(partial(head.apply, train=False))(variables, REGIONS, VALID)
  np.testing.assert_allclose(logits, expected.reshape(2, 3, 8, 8, 3), rtol=1e-4, atol=1e-4)


def test_doubling_is_flax_transposed_convolution_with_the_kernel_turned():
  x = REGIONS[0]
  variables = random_variables(DoubleResolution(6), x, jnp.asarray)
  kernel, bias = variables["params"]["kernel"], variables["params"]["bias"]
  turned = {"kernel": kernel[::-1, ::-1], "bias": bias}
  expected = nn.ConvTranspose(6, (2, 2), (2, 2), padding="VALID").apply({"params": turned}, x)
  doubled = DoubleResolution(6).apply(variables, x, jnp.tanh)
  np.testing.assert_allclose(doubled, np.tanh(expected), atol=1e-5)


def test_padding_regions_change_no_statistic_and_no_mask_of_the_others():
  head = MaskHead(num_things=2, channels=6)
  variables = random_variables(head, REGIONS, VALID, train=False)
  run = jax.jit(partial(head.apply, train=True, mutable=["batch_stats"]))
  other = np.where(VALID[..., None, None, None], REGIONS, 7)
  masks, stats = run(variables, REGIONS, VALID)
  same_masks, same_stats = run(variables, other, VALID)
  np.testing.assert_allclose(masks[VALID], same_masks[VALID], atol=1e-5)
  jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6), stats, same_stats)


def test_logits_are_float32_under_bfloat16():
  box, mask = BoxHead(2, 4, dtype=jnp.bfloat16), MaskHead(2, 4, dtype=jnp.bfloat16)

  def outputs(key):
    of_boxes, _ = box.init_with_output(key, REGIONS)
    of_masks, _ = mask.init_with_output(key, REGIONS, VALID, train=True)
    return of_boxes, of_masks

  shapes = jax.eval_shape(outputs, jax.random.key(0))
  assert {leaf.dtype for leaf in jax.tree.leaves(shapes)} == {np.dtype(np.float32)}


def random_case(seed, regions=30, things=3, batch=2):
  rng = np.random.default_rng(seed)
  low = rng.integers(0, 60, (batch, regions, 2))
  high = low + rng.integers(4, 40, (batch, regions, 2))
  boxes = np.concatenate([low, high], -1).astype(np.float32)
  valid = rng.random((batch, regions)) < 0.8
  proposals = Proposals(boxes, np.ones((batch, regions), np.float32), valid)
  class_logits = 3 * rng.normal(size=(batch, regions, things + 1)).astype(np.float32)
  deltas = rng.normal(size=(batch, regions, things + 1, 4)).astype(np.float32)
  return proposals, class_logits, deltas


@pytest.mark.parametrize(
  ("score_threshold", "max_detections"), [(0.5, 100), (0.5, 5), (0.3, 100), (0.999, 10)]
)
def test_detections_equal_the_oracle(score_threshold, max_detections):
  proposals, class_logits, deltas = random_case(0)
  found = compiled(
    proposals,
    class_logits,
    deltas,
    score_threshold=score_threshold,
    nms_threshold=0.3,
    max_detections=max_detections,
  )
  for image in range(2):
    rows = proposals.boxes[image], proposals.valid[image], class_logits[image], deltas[image]
    expected = detection.detect(*rows, SIZE, score_threshold, 0.3, max_detections)
    count = len(expected)
    assert found.valid[image].tolist() == [True] * count + [False] * (max_detections - count)
    for row, (box, label, score) in enumerate(expected):
      assert found.labels[image, row] == label
      np.testing.assert_allclose(found.scores[image, row], score, rtol=1e-5)
      np.testing.assert_allclose(found.boxes[image, row], box, atol=1e-3)
    for padding in (found.boxes, found.labels, found.scores):
      assert not padding[image, count:].any()


def one_region_each(*regions):
  """Detections of proposals given as (box, class logits), all deltas 0."""
  boxes, logits = (np.array(column, np.float32)[None] for column in zip(*regions))
  rows = boxes.shape[:2]
  proposals = Proposals(boxes, np.ones(rows, np.float32), np.ones(rows, bool))
  no_deltas = np.zeros((*logits.shape, 4), np.float32)
  return compiled(proposals, logits, no_deltas, max_detections=4)


def test_only_the_same_class_suppresses():
  box, shifted = [10, 10, 30, 30], [11, 10, 31, 30]
  first_class = (box, [0, 5, 0]), (shifted, [0, 4, 0])
  second_class = (box, [0, 0, 3]), (shifted, [0, 0, 2])
  found = one_region_each(*first_class, *second_class)
  assert found.labels[0].tolist() == [1, 2, 0, 0]
  np.testing.assert_allclose(found.boxes[0, :2], [box, box])


def test_a_score_of_exactly_the_threshold_is_not_above_it():
  found = one_region_each(([10, 10, 30, 30], [0, 0, -1000]))  # 0.5 background, 0.5 class 1
  assert not found.valid.any()


def test_background_and_padding_are_never_detected():
  assert not one_region_each(([10, 10, 30, 30], [9, 0, 0])).valid.any()
  proposals, class_logits, deltas = random_case(1)
  padding = dataclasses.replace(proposals, valid=np.zeros_like(proposals.valid))
  assert not compiled(padding, class_logits, deltas, score_threshold=0.0).valid.any()
