from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jppf_jax import model as model_module
from jppf_jax.encoder.efficientnet import EfficientNet
from jppf_jax.fpn import TwoWayFPN
from jppf_jax.heads.instance_regions import BoxHead, MaskHead
from jppf_jax.heads.instance_rpn import RPNHead
from jppf_jax.heads.semantic_part import SemanticPartHead
from jppf_jax.model import JPPF
from jppf_jax.structs import RegionTargets, RPNOutputs
from tests.oracles.roi_align import roi_align
from tests.random_variables import num_parameters, random_variables, shapes_of

IMAGE = np.random.default_rng(0).integers(0, 256, (2, 64, 96, 3), np.uint8)
REGIONS, MASKS = 8, 3
# These programs run once, so most of the time is compilation.
QUICK = {"xla_backend_optimization_level": 0}
PAPER = {
  "encoder": 23_148_912,
  "fpn": 3_557_376,
  "semantic_head": 1_206_547,
  "part_head": 1_201_930,
  "rpn_head": 593_935,
  "box_head": 13_941_805,
  "mask_head": 540_169,
}


def small_model(dtype=jnp.float32, **changed):
  values = dict(
    encoder=EfficientNet("b0", width=0.25, depth=0.1, dtype=dtype),
    fpn=TwoWayFPN(8, dtype=dtype),
    semantic_head=SemanticPartHead(5, 4, dtype=dtype),
    part_head=SemanticPartHead(4, 4, dtype=dtype),
    rpn_head=RPNHead(dtype=dtype),
    box_head=BoxHead(3, 16, dtype=dtype),
    mask_head=MaskHead(3, 8, dtype=dtype),
    anchor_scale=4.0,
    finest_scale=14.0,
    train_proposals=20,
    eval_proposals=12,
    score_threshold=0.3,
    max_detections=6,
  )
  return JPPF(**values | changed)


def first_proposals(proposals):
  """A simple sampler of regions: the best proposals; two masks, both of the fifth."""
  batch = len(proposals.boxes)
  zeros = partial(jnp.zeros, dtype=jnp.int32)
  return RegionTargets(
    boxes=proposals.boxes[:, :REGIONS],
    valid=proposals.valid[:, :REGIONS],
    labels=zeros((batch, REGIONS)),
    deltas=jnp.zeros((batch, REGIONS, 4)),
    mask_boxes=jnp.repeat(proposals.boxes[:, 4:5], MASKS, axis=1),
    mask_valid=jnp.broadcast_to(jnp.arange(MASKS) < 2, (batch, MASKS)),
    mask_labels=zeros((batch, MASKS)),
    masks=jnp.zeros((batch, MASKS, 28, 28)),
  )


def test_remat_computes_blocks_pyramid_and_heads_again_and_nothing_else_differs():
  def rematerialised(remat):
    encoder = EfficientNet("b0", width=0.25, depth=0.1, remat=remat)
    net = small_model(encoder=encoder, remat=remat).with_heads(("semantic", "part"))
    init = partial(net.init, train=False)
    shapes = jax.eval_shape(init, jax.random.key(0), IMAGE)
    apply = partial(net.apply, train=True, mutable=["batch_stats"])
    found = jax.make_jaxpr(apply)(shapes, IMAGE)
    names = [equation.primitive.name for equation in found.eqns]
    return shapes, names.count("custom_vjp_call")

  shapes, none = rematerialised(False)
  same_shapes, several = rematerialised(True)
  assert shapes == same_shapes
  assert (none, several) == (0, 7 + 1 + 2)


@pytest.fixture(scope="module")
def variables():
  return random_variables(small_model(), IMAGE, train=False)


@pytest.fixture(scope="module")
def infer(variables):
  """The compiled inference program."""
  return jax.jit(partial(small_model().apply, train=False), compiler_options=QUICK)


@pytest.fixture(scope="module")
def inference(infer, variables):
  return infer(variables, IMAGE)


@pytest.fixture(scope="module")
def training(variables):
  def loss(params):
    outputs, updated = small_model().apply(
      variables | {"params": params}, IMAGE, first_proposals, train=True, mutable=["batch_stats"]
    )
    predictions = outputs.semantic, outputs.part, outputs.rpn, outputs.regions
    total = sum(jnp.square(leaf).mean() for leaf in jax.tree.leaves(predictions))
    return total, (outputs, updated["batch_stats"])

  step = jax.jit(jax.grad(loss, has_aux=True), compiler_options=QUICK)
  gradients, (outputs, stats) = step(variables["params"])
  return outputs, stats, gradients


def test_at_paper_size_every_stage_has_the_reference_number_of_parameters():
  model = JPPF(
    encoder=EfficientNet("b5"),
    fpn=TwoWayFPN(),
    semantic_head=SemanticPartHead(19),
    part_head=SemanticPartHead(10),
    rpn_head=RPNHead(),
    box_head=BoxHead(8),
    mask_head=MaskHead(8),
  )
  params = shapes_of(model, IMAGE, train=False)
  assert {name: num_parameters(stage) for name, stage in params.items()} == PAPER
  assert num_parameters(params) == 44_190_674  # 44.19 M in the JPPF paper


INSTANCE = {"rpn_head", "box_head", "mask_head"}


@pytest.mark.parametrize(
  "heads, modules, parameters",
  [
    (("semantic", "instance"), {"semantic_head", *INSTANCE}, 42_988_744),  # EfficientPS
    (("part",), {"part_head"}, 27_908_218),  # 27.91 M of the paper's Baseline*
    (("semantic",), {"semantic_head"}, 27_912_835),
    (("instance",), INSTANCE, 41_782_197),
    (("semantic", "part"), {"semantic_head", "part_head"}, 29_114_765),
  ],
)
def test_a_network_has_modules_and_predictions_for_its_heads_only(heads, modules, parameters):
  model = small_model().with_heads(heads)
  assert model.heads == heads
  init = partial(model.init_with_output, train=False)
  outputs, variables = jax.eval_shape(init, jax.random.key(0), IMAGE)
  assert variables["params"].keys() == {"encoder", "fpn", *modules}
  assert sum(PAPER[name] for name in variables["params"]) == parameters
  assert outputs.semantic.shape == (2, 16, 24, 5 if "semantic" in heads else 0)
  assert outputs.part.shape == (2, 16, 24, 4 if "part" in heads else 0)
  for found in (outputs.rpn, outputs.proposals, outputs.detections):
    assert (found is not None) == ("instance" in heads)


def test_a_network_without_an_instance_head_trains_without_regions():
  model = small_model().with_heads(["part"])
  train = partial(model.init_with_output, train=True)
  outputs, _ = jax.eval_shape(train, jax.random.key(0), IMAGE)
  assert outputs.regions is None and outputs.part.shape == (2, 16, 24, 4)


def test_inference_gives_logits_at_a_quarter_of_the_size_and_detections(inference):
  assert inference.semantic.shape == (2, 16, 24, 5) and inference.part.shape == (2, 16, 24, 4)
  assert inference.proposals.boxes.shape == (2, 12, 4)
  detections = inference.detections
  assert detections.boxes.shape == (2, 6, 4) and detections.mask_logits.shape == (2, 6, 28, 28)
  assert inference.regions is None and inference.region_targets is None
  assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(inference))
  assert detections.valid.any(), "the tests below need something detected"
  assert ((detections.labels >= 1) == detections.valid).all() and detections.labels.max() <= 3


def test_proposals_and_detections_stay_in_what_the_image_covers(variables):
  covered = np.int32([[40, 60], [64, 30]])
  program = jax.jit(partial(small_model().apply, train=False), compiler_options=QUICK)
  outputs = program(variables, IMAGE, covered=covered)
  for image, (height, width) in enumerate(covered):
    for boxes in (outputs.proposals.boxes[image], outputs.detections.boxes[image]):
      limits = np.array([width, height, width, height])
      assert (boxes <= limits).all() and np.asarray(boxes).max() == limits.max()


def test_a_detection_has_the_mask_of_its_class_read_from_its_own_box(inference, variables):
  model = small_model().bind(variables)
  mean, std = np.array(model.pixel_mean, np.float32), np.array(model.pixel_std, np.float32)

  def features(pixels):
    return model.fpn(model.encoder(pixels, train=False), train=False)

  pyramid = jax.jit(features, compiler_options=QUICK)((IMAGE - mean) / std)
  mask_head = jax.jit(lambda x: model.mask_head(x, jnp.ones(x.shape[:2], bool), train=False))
  found = inference.detections
  for image in range(2):
    levels = {stride: np.asarray(level[image]) for stride, level in pyramid.items()}
    pooled = roi_align(levels, found.boxes[image], bins=14, finest_scale=14.0).astype(np.float32)
    masks = mask_head(pooled[None])[0]
    for row in np.flatnonzero(found.valid[image]):
      expected = masks[row, ..., found.labels[image, row]]
      np.testing.assert_allclose(found.mask_logits[image, row], expected, atol=2e-3, rtol=2e-3)


def test_an_image_is_predicted_the_same_in_any_place_of_the_batch(inference, infer, variables):
  swapped = infer(variables, IMAGE[::-1])
  for ours, theirs in zip(jax.tree.leaves(inference), jax.tree.leaves(swapped)):
    np.testing.assert_allclose(ours, theirs[::-1], atol=1e-3, rtol=1e-3)


def test_training_predicts_for_the_sampled_regions(training):
  outputs, _, _ = training
  assert outputs.proposals.boxes.shape == (2, 20, 4) and outputs.detections is None
  regions = outputs.regions
  assert regions.class_logits.shape == (2, REGIONS, 4)
  assert regions.deltas.shape == (2, REGIONS, 4, 4)
  assert regions.mask_logits.shape == (2, MASKS, 28, 28, 4)
  np.testing.assert_allclose(regions.mask_logits[:, 0], regions.mask_logits[:, 1], rtol=1e-4)
  np.testing.assert_array_equal(outputs.region_targets.boxes, outputs.proposals.boxes[:, :REGIONS])


def test_every_parameter_gets_a_finite_gradient_and_every_statistic_moves(training, variables):
  _, stats, gradients = training
  for path, leaf in jax.tree_util.tree_leaves_with_path(gradients):
    assert np.isfinite(leaf).all() and np.abs(leaf).max() > 0, path
  unchanged = jax.tree.map(np.array_equal, stats, variables["batch_stats"])
  for path, same in jax.tree_util.tree_leaves_with_path(unchanged):
    assert not same, path


def test_frozen_norms_train_on_regions_with_running_statistics(variables):
  def frozen(variables):
    return small_model().apply(
      variables, IMAGE, first_proposals, train=False, mutable=["batch_stats"]
    )

  outputs, _ = jax.eval_shape(frozen, variables)
  assert outputs.regions.class_logits.shape == (2, REGIONS, 4)
  stats = jax.jit(lambda variables: frozen(variables)[1]["batch_stats"])(variables)
  unchanged = jax.tree.map(np.array_equal, stats, variables["batch_stats"])
  assert all(jax.tree.leaves(unchanged))


def test_everything_after_the_heads_is_float32_under_bfloat16(variables):
  model = small_model(jnp.bfloat16)
  train = partial(model.apply, sample_regions=first_proposals, train=True, mutable=["batch_stats"])
  outputs, updated = jax.eval_shape(train, variables, IMAGE)
  leaves = jax.tree.leaves((outputs.rpn, outputs.regions, outputs.semantic, updated))
  assert {leaf.dtype for leaf in leaves} == {np.dtype(np.float32)}
  inference = jax.eval_shape(partial(model.apply, train=False), variables, IMAGE)
  assert inference.detections.mask_logits.dtype == jnp.float32


def test_pixels_are_normalised_on_the_device(infer, variables, inference):
  mean, std = np.array(JPPF.pixel_mean), np.array(JPPF.pixel_std)
  doubled = small_model(pixel_mean=tuple(2.0 * mean + 5), pixel_std=tuple(2.0 * std))

  def doubled_semantic(image):
    return doubled.apply(variables, image, train=False).semantic

  half = np.minimum(IMAGE, 125)
  expected = infer(variables, half).semantic
  semantic = jax.jit(doubled_semantic, compiler_options=QUICK)(2 * half + 5)
  np.testing.assert_allclose(semantic, expected, atol=1e-3)
  assert np.abs(semantic - inference.semantic).max() > 0.1


@pytest.mark.parametrize("size", [(48, 64), (64, 33)])
def test_a_size_that_is_no_multiple_of_32_is_an_error(size):
  init, image = partial(small_model().init, train=False), np.zeros((1, *size, 3), np.uint8)
  with pytest.raises(ValueError, match=f"multiples of 32; got {size[0]} x {size[1]}"):
    jax.eval_shape(init, jax.random.key(0), image)


def test_settings_reach_what_they_are_for(monkeypatch):
  asked = {}

  def note(name, function):
    def call(*inputs, **settings):
      asked[name] = settings
      return function(*inputs, **settings)

    monkeypatch.setattr(model_module, name, call)

  for name in ("pyramid_anchors", "propose", "detect", "roi_align"):
    note(name, getattr(model_module, name))
  changed = dict(anchor_ratios=(0.5, 3.0, 1.0), proposal_nms=0.61, detection_nms=0.43, legacy=False)
  model, size = small_model(**changed), IMAGE.shape[1:3]

  def run():
    anchors = model.anchors(size)
    scores = {stride: jnp.zeros((2, len(boxes))) for stride, boxes in anchors.items()}
    deltas = {stride: jnp.zeros((2, *boxes.shape)) for stride, boxes in anchors.items()}
    proposals = model.propose(RPNOutputs(scores, deltas), anchors, size, 12)
    found = model.detect(proposals, jnp.zeros((2, 12, 4)), jnp.zeros((2, 12, 4, 4)), size)
    pyramid = {
      stride: jnp.zeros((2, size[0] // stride, size[1] // stride, 8)) for stride in anchors
    }
    return model.pool(pyramid, found.boxes, bins=14)

  assert jax.eval_shape(run).shape == (2, 6, 14, 14, 8)
  assert asked == {
    "pyramid_anchors": dict(scale=4.0, ratios=(0.5, 3.0, 1.0), legacy=False),
    "propose": dict(pre_nms=12, max_proposals=12, nms_threshold=0.61, legacy=False),
    "detect": dict(score_threshold=0.3, nms_threshold=0.43, max_detections=6, legacy=False),
    "roi_align": dict(bins=14, finest_scale=14.0, legacy=False),
  }


def test_training_without_regions_is_an_error():
  with pytest.raises(ValueError, match="sample_regions"):
    jax.eval_shape(partial(small_model().init, train=True), jax.random.key(0), IMAGE)
