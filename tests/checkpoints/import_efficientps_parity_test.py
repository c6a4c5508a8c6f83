"""Whether our modules, given an EfficientPS checkpoint, compute what EfficientPS computes.

The other side is `tests/torch_reference`, the network restated in PyTorch: what it computed is
stored in `goldens/network.npz`, and where PyTorch is installed it also runs here, on other sizes
and weights. Every module is given the reference's own input, so that an error does not hide behind
another one.
"""

import dataclasses
import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest

from jppf_jax import build
from jppf_jax.checkpoints import import_efficientps, torch_file
from jppf_jax.checkpoints.weights import WeightsError
from jppf_jax.encoder.efficientnet import EfficientNet
from jppf_jax.fpn import TwoWayFPN
from jppf_jax.heads.instance_regions import BoxHead, MaskHead
from jppf_jax.heads.instance_rpn import RPNHead
from jppf_jax.heads.semantic_part import DensePredictionCell, SemanticPartHead
from jppf_jax.labels.registry import load_spec
from jppf_jax.layers import IABN
from jppf_jax.model import JPPF
from jppf_jax.ops.resize import resize_bilinear
from jppf_jax.ops.roi_align import roi_align
from jppf_jax.structs import RegionTargets
from jppf_jax_configs import cpp

TOLERANCE = 1e-4  # of `relative_error`, in float32
GOLDENS = Path(__file__).parents[1] / "goldens"
FINEST_SCALE = 14.0  # so that boxes in a small image are read from every level
STRIDES = (4, 8, 16, 32)
PIXEL_MEAN = np.array([106.433, 116.617, 119.559], np.float32)
PIXEL_STD = np.array([65.496, 67.6, 74.123], np.float32)

State = dict[str, np.ndarray]  # what a checkpoint holds, by name
Arrays = dict[str, Any]  # inputs and outputs of modules, by the names that the goldens have


template = functools.cache(build.variable_shapes)


@dataclasses.dataclass(frozen=True)
class Example:
  """Our network of some size, the weights of a checkpoint, and what the reference computes with
  them.
  """

  model: JPPF
  state: State
  arrays: Arrays

  @functools.cached_property
  def variables(self) -> Any:
    return import_efficientps.convert(
      self.state, template(self.model), part_head="part_head"
    ).variables


def relative_error(found: Any, expected: np.ndarray) -> float:
  """The largest difference, relative to the largest expected value."""
  assert found.shape == expected.shape
  return float(np.abs(found - expected).max() / np.abs(expected).max())


def network(
  encoder: EfficientNet,
  *,
  fpn: int,
  semantic: int,
  hidden: int,
  classes: int,
  things: int,
  parts: int,
):
  return JPPF(
    encoder=encoder,
    fpn=TwoWayFPN(fpn),
    semantic_head=SemanticPartHead(classes, semantic),
    part_head=SemanticPartHead(parts, semantic) if parts else None,
    rpn_head=RPNHead(),
    box_head=BoxHead(things, hidden),
    mask_head=MaskHead(things, fpn),
    finest_scale=FINEST_SCALE,
  )


def golden_example() -> Example:
  encoder = EfficientNet("b0", width=0.05, depth=1.1)
  model = network(encoder, fpn=16, semantic=8, hidden=32, classes=5, things=2, parts=3)
  with np.load(GOLDENS / "network.npz") as file:
    arrays = dict(file)
  layout, values = json.loads(str(arrays.pop("layout"))), arrays.pop("values")
  ends = np.cumsum([int(np.prod(shape)) for _, shape in layout])[:-1]
  state = {name: part.reshape(shape) for (name, shape), part in zip(layout, np.split(values, ends))}
  return Example(model, state, arrays)


def live_example() -> Example:
  pytest.importorskip("torch")
  from tests.torch_reference import examples
  from tests.torch_reference.network import Sizes

  encoder = EfficientNet("b0", width=0.12, depth=0.5)
  widths = dict(fpn=24, semantic=16, hidden=48, classes=7, things=3, parts=4)
  stages = ((8, 1), (8, 1), (8, 1), (16, 2), (16, 2), (24, 2), (40, 1))
  net = examples.random_network(
    Sizes(stem=8, stages=stages, head=152, finest_scale=FINEST_SCALE, **widths), seed=3
  )
  image, boxes = examples.random_input((160, 96), batch=2, boxes=6, seed=4)
  arrays = examples.run(net, image, boxes, context=(40, 44))
  return Example(network(encoder, **widths), examples.state_of(net), arrays)


@pytest.fixture(scope="module")
def golden() -> Example:
  return golden_example()


@pytest.fixture(scope="module", params=[golden_example, live_example], ids=["golden", "live"])
def example(request) -> Example:
  return request.param()


@functools.cache
def compiled(function: Callable[..., Any], **arguments: Any) -> Callable[..., Any]:
  return jax.jit(functools.partial(function, **arguments))


@functools.cache
def pooling(**arguments: Any) -> Callable[..., Any]:
  return jax.jit(jax.vmap(functools.partial(roi_align, **arguments)))


def run(example: Example, name: str, *inputs: Any, **arguments: Any) -> Any:
  """What one module of ours makes of the inputs, with the imported weights."""
  variables = {kind: tree[name] for kind, tree in example.variables.items() if name in tree}
  with jax.default_matmul_precision("highest"):
    return compiled(getattr(example.model, name).apply, **arguments)(variables, *inputs)


def pyramid(example: Example, kind: str) -> dict[int, np.ndarray]:
  return {stride: example.arrays[f"{kind}/{stride}"] for stride in STRIDES}


def named(kind: str, levels: dict[int, Any]) -> Arrays:
  return {f"{kind}/{stride}": level for stride, level in levels.items()}


def our_boxes(example: Example) -> np.ndarray:
  """EfficientPS counts the last pixel in; ours end behind it."""
  return example.arrays["boxes"] + np.array([0, 0, 1, 1], np.float32)


def encoder(example: Example) -> Arrays:
  image = (example.arrays["image"].astype(np.float32) - PIXEL_MEAN) / PIXEL_STD
  return named("encoder", run(example, "encoder", image, train=False))


def fpn(example: Example) -> Arrays:
  return named("fpn", run(example, "fpn", pyramid(example, "encoder"), train=False))


def semantic_or_part(example: Example, name: str) -> Arrays:
  """The reference up-samples to the size of the image itself."""
  logits = run(example, f"{name}_head", pyramid(example, "fpn"), train=False)
  return {name: resize_bilinear(logits, example.arrays["image"].shape[1:3])}


def context(example: Example) -> Arrays:
  """The dense prediction cell of stride 16, on a map that its widest convolution fits into."""
  cell = DensePredictionCell(example.model.semantic_head.channels, IABN)
  variables = {
    kind: tree["semantic_head"]["context_16"] for kind, tree in example.variables.items()
  }
  with jax.default_matmul_precision("highest"):
    return {
      "context/output": compiled(cell.apply, train=False)(
        variables, example.arrays["context/input"]
      )
    }


def rpn(example: Example) -> Arrays:
  outputs = run(example, "rpn_head", pyramid(example, "fpn"))
  return named("rpn/objectness", outputs.objectness) | named("rpn/deltas", outputs.deltas)


def regions(example: Example, *, legacy: bool = True) -> Arrays:
  inputs = pyramid(example, "fpn"), our_boxes(example)
  bins = {"box/pooled": 7, "mask/pooled": 14}
  return {
    name: pooling(bins=n, finest_scale=FINEST_SCALE, legacy=legacy)(*inputs)
    for name, n in bins.items()
  }


def box(example: Example) -> Arrays:
  class_logits, deltas = run(example, "box_head", example.arrays["box/pooled"])
  return {"box/class_logits": class_logits, "box/deltas": deltas}


def mask(example: Example) -> Arrays:
  pooled = example.arrays["mask/pooled"]
  return {
    "mask/logits": run(example, "mask_head", pooled, np.ones(pooled.shape[:2], bool), train=False)
  }


MODULES = {
  "encoder": encoder,
  "fpn": fpn,
  "semantic": functools.partial(semantic_or_part, name="semantic"),
  "part": functools.partial(semantic_or_part, name="part"),
  "context": context,
  "rpn": rpn,
  "regions": regions,
  "box": box,
  "mask": mask,
}


def given_regions(boxes: np.ndarray, valid: np.ndarray) -> RegionTargets:
  """Regions to look at; nothing is trained, so the targets are blank."""
  blank = functools.partial(jnp.zeros, boxes.shape[:2])
  return RegionTargets(
    boxes=jnp.asarray(boxes),
    valid=jnp.asarray(valid),
    labels=blank(jnp.int32),
    deltas=jnp.zeros_like(boxes),
    mask_boxes=jnp.asarray(boxes),
    mask_valid=jnp.asarray(valid),
    mask_labels=blank(jnp.int32),
    masks=jnp.zeros((*boxes.shape[:2], 28, 28)),
  )


def logits(
  model: JPPF, variables: Any, image: Any, boxes: Any, *, train: bool
) -> tuple[Arrays, Any]:
  """Everything at the end of the network, which is given the regions too, and the variables it has
  updated.
  """
  found = given_regions(boxes, np.ones(boxes.shape[:2], bool))
  outputs, updated = model.apply(
    variables, image, lambda _: found, train=train, mutable=["batch_stats"]
  )
  ends = {
    "semantic": resize_bilinear(outputs.semantic, image.shape[1:3]),
    "box/class_logits": outputs.regions.class_logits,
    "box/deltas": outputs.regions.deltas,
    "mask/logits": outputs.regions.mask_logits,
  }
  if model.part_head:
    ends["part"] = resize_bilinear(outputs.part, image.shape[1:3])
  return ends | named("rpn/objectness", outputs.rpn.objectness) | named(
    "rpn/deltas", outputs.rpn.deltas
  ), updated


def from_image_to_logits(example: Example) -> Arrays:
  inputs = example.variables, example.arrays["image"], our_boxes(example)
  with jax.default_matmul_precision("highest"):
    return jax.jit(functools.partial(logits, example.model, train=False))(*inputs)[0]


def errors(found: Arrays, example: Example) -> dict[str, float]:
  return {
    name: relative_error(np.asarray(array), example.arrays[name]) for name, array in found.items()
  }


@pytest.mark.parametrize("module", MODULES)
def test_a_module_computes_what_the_reference_computes(example, module):
  measured = errors(MODULES[module](example), example)
  assert all(error <= TOLERANCE for error in measured.values()), measured


def test_the_network_computes_what_the_reference_computes(golden):
  measured = errors(from_image_to_logits(golden), golden)
  assert all(error <= TOLERANCE for error in measured.values()), measured


def swapped(first: str, second: str) -> Callable[[State], State]:
  """What an import that mixes up two modules reads."""

  def change(state: State) -> State:
    other = {
      name: name.replace(first, second) if first in name else name.replace(second, first)
      for name in state
    }
    return {name: state[source] for name, source in other.items()}

  return change


def changed(name: str, function: Callable[[np.ndarray], np.ndarray]) -> Callable[[State], State]:
  return lambda state: state | {name: function(state[name])}


def small_encoder_epsilon(state: State) -> State:
  """Weights and variances with which an epsilon of 1e-3 does what 1e-5 would do."""
  less = 1e-3 - 1e-5
  rules = {".weight": lambda x: np.sign(x) * (np.abs(x) - less), ".running_var": lambda x: x - less}
  norms = {
    name.removesuffix(".running_var")
    for name in state
    if name.startswith("backbone") and "_var" in name
  }
  return state | {
    norm + leaf: rule(state[norm + leaf]) for norm in norms for leaf, rule in rules.items()
  }


def plain_norms(state: State) -> State:
  """Kernels and means of opposite sign, where the weight is negative: what plain batch norm makes
  of that sign.
  """
  result = dict(state)
  for norm in (name.removesuffix(".bn.weight") for name in state if name.endswith(".bn.weight")):
    sign = np.sign(state[f"{norm}.bn.weight"])
    result[f"{norm}.conv.weight"] = state[f"{norm}.conv.weight"] * sign[:, None, None, None]
    result[f"{norm}.bn.running_mean"] = state[f"{norm}.bn.running_mean"] * sign
  return result


def flattened_rows_first(kernel: np.ndarray) -> np.ndarray:
  return kernel.reshape(len(kernel), -1, 7, 7).transpose(0, 2, 3, 1).reshape(kernel.shape)


MISTAKES = {
  "epsilon 1e-5 in the encoder": ("encoder", small_encoder_epsilon),
  "stage 0: norms in another order": ("encoder", swapped("blocks.0.1.bn1", "blocks.0.1.bn2")),
  "fine bottom-up laterals in another order": (
    "fpn",
    swapped("neck.lateral_convs_bottom.1", "neck.lateral_convs_bottom.2"),
  ),
  "signed norm weights in the FPN": ("fpn", plain_norms),
  "signed norm weights in the mask head": ("mask", plain_norms),
  "context: strides in another order": ("semantic", swapped("convs_ss.0", "convs_ss.1")),
  "detail: strides in another order": ("semantic", swapped("convs_ls.0", "convs_ls.1")),
  "correction: strides in another order": ("part", swapped("aligning_convs.0", "aligning_convs.1")),
  "logits: coarse levels first": (
    "semantic",
    changed(
      "semantic_head.conv_logits.weight",
      lambda x: x.reshape(len(x), 4, -1)[:, ::-1].reshape(x.shape),
    ),
  ),
  "context: rates in another order": (
    "context",
    swapped("convs_ss.1.convs.1", "convs_ss.1.convs.2"),
  ),
  "context: wide rates in another order": (
    "context",
    swapped("convs_ss.1.convs.2", "convs_ss.1.convs.3"),
  ),
  "context: last rate read first": ("context", swapped("convs_ss.1.convs.3", "convs_ss.1.convs.4")),
  "part head with the semantic head's features": (
    "part",
    lambda state: {k: state[k.replace("part", "semantic") if ".convs." in k else k] for k in state},
  ),
  "anchors slower than coordinates": (
    "rpn",
    changed(
      "rpn_head.rpn_reg.weight",
      lambda x: x.reshape(3, 4, *x.shape[1:]).swapaxes(0, 1).reshape(x.shape),
    ),
  ),
  "hidden layer that reads rows first": (
    "box",
    changed("bbox_head.shared_fcs.0.weight", flattened_rows_first),
  ),
  "classes slower than coordinates": (
    "box",
    changed(
      "bbox_head.fc_reg.weight",
      lambda x: x.reshape(-1, 4, x.shape[1]).swapaxes(0, 1).reshape(x.shape),
    ),
  ),
  "flipped transposed convolution": (
    "mask",
    changed("mask_head.upsample.weight", lambda x: x[:, :, ::-1, ::-1]),
  ),
  "depthwise kernels transposed": (
    "mask",
    changed("mask_head.convs.3.depthwise_conv.conv.weight", lambda x: x.swapaxes(2, 3)),
  ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_exceeds_the_tolerance_tenfold(golden, mistake):
  module, change = MISTAKES[mistake]
  mistaken = dataclasses.replace(golden, state=change(golden.state))
  measured = errors(MODULES[module](mistaken), golden)
  assert max(measured.values()) > 10 * TOLERANCE


def test_regions_read_half_a_cell_further_exceed_the_tolerance_tenfold(golden):
  measured = errors(regions(golden, legacy=False), golden)
  assert min(measured.values()) > 10 * TOLERANCE


def test_bottom_up_laterals_from_fine_to_coarse_are_refused(golden):
  reversed_order = golden.state
  for first, second in ((0, 3), (1, 2)):
    reversed_order = swapped(f"convs_bottom.{first}", f"convs_bottom.{second}")(reversed_order)
  with pytest.raises(
    WeightsError, match=r"lateral_convs_bottom\.0\.conv\.weight has shape \(16, 8, 1, 1\)"
  ):
    _ = dataclasses.replace(golden, state=reversed_order).variables


def paper_model() -> JPPF:
  return build.model(cpp.get_config(), load_spec("cpp_grouped"))


def paper_names() -> dict[str, tuple[int, ...]]:
  """Names and shapes of a checkpoint at full size, with a part head."""
  return {
    k: tuple(v) for k, v in json.loads((GOLDENS / "efficientps_names.json").read_text()).items()
  }


@pytest.mark.parametrize(("part_head", "tensors"), [(None, 1064), ("part_head", 1294)])
def test_every_tensor_of_a_checkpoint_at_full_size_has_its_place(part_head, tensors):
  names = {
    name: shape
    for name, shape in paper_names().items()
    if part_head or not name.startswith("part_head")
  }
  blank = {name: np.broadcast_to(np.float32(0), shape) for name, shape in names.items()}
  found = import_efficientps.convert(blank, template(paper_model()), part_head=part_head)
  assert len(names) == tensors == found.used + sum(map(len, found.skipped.values()))
  assert ("part_head" in found.variables["params"]) == bool(part_head)


def test_a_file_at_full_size_computes_what_the_reference_computes(tmp_path):
  torch = pytest.importorskip("torch")
  from tests.torch_reference import examples
  from tests.torch_reference.network import Sizes

  net = examples.random_network(Sizes(parts=10), seed=5)
  assert {name: tuple(value.shape) for name, value in net.state_dict().items()} == paper_names()
  assert sum(value.numel() for value in net.parameters()) == 44_190_674
  path = tmp_path / "latest.pth"
  torch.save({"meta": {"epoch": 160}, "state_dict": net.state_dict(), "optimizer": {}}, path)
  image, boxes = examples.random_input((64, 64), batch=1, boxes=2, seed=6)
  arrays = examples.run(net, image, boxes, context=(8, 8))
  example = Example(paper_model(), torch_file.read_state_dict(path), arrays)
  measured = errors(from_image_to_logits(example), example)
  assert all(error <= TOLERANCE for error in measured.values()), measured


def test_a_training_step_has_the_gradient_and_the_statistics_of_the_reference():
  """Gradients and statistics are read as if they were weights, so the import brings each to its
  place here.

  The gradient is compared as one vector: that of a bias whose sum the next norm removes is zero but
  for rounding, and where rounding turns a sign in front of a leaky ReLU, a single kernel's can be
  1e-2 off. As a whole the two are 2e-6 apart here; 2e-4 has been seen.
  """
  pytest.importorskip("torch")
  from tests.torch_reference import examples
  from tests.torch_reference.network import Sizes

  widths = dict(fpn=8, semantic=8, hidden=16, classes=3, things=2, parts=0)
  stages = ((8, 1), (8, 1), (8, 1), (8, 1), (8, 1), (16, 1), (16, 1))
  net = examples.random_network(
    Sizes(stem=8, stages=stages, head=64, finest_scale=FINEST_SCALE, **widths), seed=8
  )
  before = {name: value.copy() for name, value in examples.state_of(net).items()}
  image, boxes = examples.random_input((128, 96), batch=2, boxes=4, seed=9)
  model = network(EfficientNet("b0", width=0.05, depth=0.1), **widths)

  def import_(state: State) -> Any:
    return import_efficientps.convert(state, template(model)).variables

  weights, gradients, after = examples.train_step(net, image, boxes, seed=10)

  @jax.jit
  def train_step(variables, image, boxes):
    def loss(params):
      found, updated = logits(model, variables | {"params": params}, image, boxes, train=True)
      return sum((weights[name] * found[name]).mean() for name in weights), updated["batch_stats"]

    return jax.grad(loss, has_aux=True)(variables["params"])

  with jax.default_matmul_precision("highest"):
    ours, stats = train_step(import_(before), image, boxes + np.array([0, 0, 1, 1], np.float32))
  flat, expected = (
    jax.flatten_util.ravel_pytree(tree)[0] for tree in (ours, import_(after | gradients)["params"])
  )
  assert np.linalg.norm(flat - expected) < 1e-3 * np.linalg.norm(expected)
  measured = jax.tree.map(relative_error, stats, import_(after)["batch_stats"])
  assert max(jax.tree.leaves(measured)) <= TOLERANCE
