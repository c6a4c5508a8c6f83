"""Our modules with imported weights, beside what EfficientPS computes with the same weights.

The reference is `tests/torch_reference`, the network restated in PyTorch. Its results are stored in
`goldens/network.npz`; if PyTorch is installed, it also runs here with other sizes and weights. Each
module is given the reference's own input, so that one error does not hide another.
"""

import dataclasses
import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jppf_jax import build
from jppf_jax.checkpoints import import_efficientps
from jppf_jax.encoder.efficientnet import EfficientNet
from jppf_jax.fpn import TwoWayFPN
from jppf_jax.heads.instance_regions import BoxHead, MaskHead
from jppf_jax.heads.instance_rpn import RPNHead
from jppf_jax.heads.semantic_part import DensePredictionCell, SemanticPartHead
from jppf_jax.layers import IABN
from jppf_jax.model import JPPF
from jppf_jax.ops.resize import resize_bilinear
from jppf_jax.ops.roi_align import roi_align
from jppf_jax.structs import RegionTargets

GOLDENS = Path(__file__).parents[1] / "goldens"
FINEST_SCALE = 14.0  # small, so that boxes in a small image use all levels
STRIDES = (4, 8, 16, 32)
PIXEL_MEAN = np.array([106.433, 116.617, 119.559], np.float32)
PIXEL_STD = np.array([65.496, 67.6, 74.123], np.float32)

State = dict[str, np.ndarray]  # tensors of a checkpoint by name
Arrays = dict[str, Any]  # inputs and outputs of modules by their names in the goldens

template = functools.cache(build.variable_shapes)


@dataclasses.dataclass(frozen=True)
class Example:
  """Our network, the weights of a checkpoint, and the results of the reference with them."""

  model: JPPF
  state: State
  arrays: Arrays

  @functools.cached_property
  def variables(self) -> Any:
    shapes = template(self.model)
    return import_efficientps.convert(self.state, shapes, part_head="part_head").variables


def network(
  encoder: EfficientNet,
  *,
  fpn: int,
  semantic: int,
  hidden: int,
  classes: int,
  things: int,
  parts: int,
) -> JPPF:
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
  """The example in `goldens/network.npz`; all tensors of its checkpoint are in one vector."""
  encoder = EfficientNet("b0", width=0.05, depth=1.1)
  model = network(encoder, fpn=16, semantic=8, hidden=32, classes=5, things=2, parts=3)
  with np.load(GOLDENS / "network.npz") as file:
    arrays = dict(file)
  layout, values = json.loads(str(arrays.pop("layout"))), arrays.pop("values")
  sizes = [int(np.prod(shape)) for _, shape in layout]
  tensors = np.split(values, np.cumsum(sizes)[:-1])
  state = {name: flat.reshape(shape) for (name, shape), flat in zip(layout, tensors)}
  return Example(model, state, arrays)


def live_example() -> Example:
  """An example of another size, which the reference computes now."""
  pytest.importorskip("torch")
  from tests.torch_reference import examples
  from tests.torch_reference.network import Sizes

  encoder = EfficientNet("b0", width=0.12, depth=0.5)
  widths = dict(fpn=24, semantic=16, hidden=48, classes=7, things=3, parts=4)
  stages = ((8, 1), (8, 1), (8, 1), (16, 2), (16, 2), (24, 2), (40, 1))
  sizes = Sizes(stem=8, stages=stages, head=152, finest_scale=FINEST_SCALE, **widths)
  net = examples.random_network(sizes, seed=3)
  image, boxes = examples.random_input((160, 96), batch=2, boxes=6, seed=4)
  arrays = examples.run(net, image, boxes, context=(40, 44))
  return Example(network(encoder, **widths), examples.state_of(net), arrays)


@functools.cache
def compiled(function: Callable[..., Any], **arguments: Any) -> Callable[..., Any]:
  return jax.jit(functools.partial(function, **arguments))


@functools.cache
def pooling(**arguments: Any) -> Callable[..., Any]:
  pool = functools.partial(roi_align, **arguments)
  return jax.jit(jax.vmap(pool))


def run(example: Example, name: str, *inputs: Any, **arguments: Any) -> Any:
  """Returns the outputs of one of our modules with the imported weights."""
  variables = {kind: tree[name] for kind, tree in example.variables.items() if name in tree}
  module = getattr(example.model, name)
  with jax.default_matmul_precision("highest"):
    return compiled(module.apply, **arguments)(variables, *inputs)


def pyramid(example: Example, kind: str) -> dict[int, np.ndarray]:
  return {stride: example.arrays[f"{kind}/{stride}"] for stride in STRIDES}


def named(kind: str, levels: dict[int, Any]) -> Arrays:
  return {f"{kind}/{stride}": level for stride, level in levels.items()}


def to_our_boxes(boxes: np.ndarray) -> np.ndarray:
  """EfficientPS's boxes end at the last pixel's index; ours end behind the pixel."""
  return boxes + np.array([0, 0, 1, 1], np.float32)


def encoder(example: Example) -> Arrays:
  image = example.arrays["image"].astype(np.float32)
  normalised = (image - PIXEL_MEAN) / PIXEL_STD
  return named("encoder", run(example, "encoder", normalised, train=False))


def fpn(example: Example) -> Arrays:
  return named("fpn", run(example, "fpn", pyramid(example, "encoder"), train=False))


def semantic_or_part(example: Example, name: str) -> Arrays:
  """The reference resizes logits to the size of the image."""
  logits = run(example, f"{name}_head", pyramid(example, "fpn"), train=False)
  size = example.arrays["image"].shape[1:3]
  return {name: resize_bilinear(logits, size)}


def context(example: Example) -> Arrays:
  """The dense prediction cell of stride 16, on a map larger than its widest convolution."""
  cell = DensePredictionCell(example.model.semantic_head.channels, IABN)
  heads = {kind: tree["semantic_head"] for kind, tree in example.variables.items()}
  variables = {kind: tree["context_16"] for kind, tree in heads.items()}
  apply = compiled(cell.apply, train=False)
  with jax.default_matmul_precision("highest"):
    return {"context/output": apply(variables, example.arrays["context/input"])}


def rpn(example: Example) -> Arrays:
  outputs = run(example, "rpn_head", pyramid(example, "fpn"))
  return named("rpn/objectness", outputs.objectness) | named("rpn/deltas", outputs.deltas)


def regions(example: Example, *, legacy: bool = True) -> Arrays:
  levels, boxes = pyramid(example, "fpn"), to_our_boxes(example.arrays["boxes"])
  pool = functools.partial(pooling, finest_scale=FINEST_SCALE, legacy=legacy)
  return {"box/pooled": pool(bins=7)(levels, boxes), "mask/pooled": pool(bins=14)(levels, boxes)}


def box(example: Example) -> Arrays:
  class_logits, deltas = run(example, "box_head", example.arrays["box/pooled"])
  return {"box/class_logits": class_logits, "box/deltas": deltas}


def mask(example: Example) -> Arrays:
  pooled = example.arrays["mask/pooled"]
  valid = np.ones(pooled.shape[:2], bool)
  return {"mask/logits": run(example, "mask_head", pooled, valid, train=False)}


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


def given_regions(boxes: Any) -> RegionTargets:
  """Returns regions to look at; their targets are zeros, because nothing is trained."""
  boxes = jnp.asarray(boxes)
  shape = boxes.shape[:2]
  valid, labels = jnp.ones(shape, bool), jnp.zeros(shape, jnp.int32)
  return RegionTargets(
    boxes=boxes,
    valid=valid,
    labels=labels,
    deltas=jnp.zeros_like(boxes),
    mask_boxes=boxes,
    mask_valid=valid,
    mask_labels=labels,
    masks=jnp.zeros((*shape, 28, 28)),
  )


def outputs_of(
  model: JPPF, variables: Any, image: Any, boxes: Any, *, train: bool
) -> tuple[Arrays, Any]:
  """Returns the outputs of all heads for an image and its regions, and the updated statistics."""
  sample_regions = functools.partial(_constant, given_regions(boxes))
  outputs, updated = model.apply(
    variables, image, sample_regions, train=train, mutable=["batch_stats"]
  )
  size = image.shape[1:3]
  found = {
    "semantic": resize_bilinear(outputs.semantic, size),
    "box/class_logits": outputs.regions.class_logits,
    "box/deltas": outputs.regions.deltas,
    "mask/logits": outputs.regions.mask_logits,
    **named("rpn/objectness", outputs.rpn.objectness),
    **named("rpn/deltas", outputs.rpn.deltas),
  }
  if model.part_head:
    found["part"] = resize_bilinear(outputs.part, size)
  return found, updated


def _constant(value: Any, _: Any) -> Any:
  return value


def from_image(example: Example) -> Arrays:
  """Returns the outputs of all heads of the whole network."""
  forward = jax.jit(functools.partial(outputs_of, example.model, train=False))
  image, boxes = example.arrays["image"], to_our_boxes(example.arrays["boxes"])
  with jax.default_matmul_precision("highest"):
    found, _ = forward(example.variables, image, boxes)
  return found


def relative_error(found: Any, expected: np.ndarray) -> float:
  """The largest difference, relative to the largest expected value."""
  assert found.shape == expected.shape
  difference = np.abs(found - expected).max()
  return float(difference / np.abs(expected).max())


def errors(found: Arrays, example: Example) -> dict[str, float]:
  arrays = {name: np.asarray(array) for name, array in found.items()}
  return {name: relative_error(array, example.arrays[name]) for name, array in arrays.items()}
