"""Joint fusion, the paper's contribution (Sec. 3.2): semantic, part and instance predictions decide
together.

For instance n of class c, MLI is its pasted mask logit, MLS the probability of c, MLP that of one
part of c (of the part head's background, where c has no parts); MLS and MLP count inside the
rectangle of the box. Eq. 1 fuses them to FL: FLP, one channel per instance and part; FLNP, one per
instance without parts. FLS fuses each stuff class with the background of the part head. Where
classes have backgrounds of their own ("SemBG"), FLNP and FLS read that of the class. A pixel goes
to its largest channel, the first of FLP, FLNP, FLS where several are equal.

The channels of the instances, up to 100 x 6 images, are never stored: windows of the image are
visited instance by instance, and only the best score and its label are kept.
"""

from functools import partial, reduce
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Bool, Float, Int

from jppf_jax.fusion.canvas import assemble, one_at_a_time, things_of, upsample
from jppf_jax.fusion.config import PAPER, FusionConfig
from jppf_jax.fusion.instances import PlacedMasks, Window, keep_instances, place, visit
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import IGNORE, Array, Detections, PanopticParts

_LABELS = 256  # a candidate is coded as slot * 256 + part label
_TINY = 1e-30  # keeps a sum of probabilities that underflowed from dividing by 0


def fused_logits(*masked_logits: Float[Array, "*s"], mean: bool = False) -> Float[Array, "*s"]:
  """Returns FL of Eq. 1: the sum of the sigmoids of the masked logits, times their sum.

  Args:
    masked_logits: any number of terms of one shape.
    mean: means instead of sums.
  """
  share = 1 / len(masked_logits) if mean else 1
  confidence = reduce(jnp.add, [jax.nn.sigmoid(term) for term in masked_logits])
  return (confidence * share) * (reduce(jnp.add, masked_logits) * share)


class PartChannels(NamedTuple):
  """Which probabilities of the part head each class is fused with, padded to the longest row."""

  channels: Int[np.ndarray, "K M"]  # part outputs; one behind the last is all backgrounds together
  labels: Int[np.ndarray, "K M"]  # the part of a pixel where the channel wins
  valid: Bool[np.ndarray, "K M"]
  partitionable: Bool[np.ndarray, "K"]


def part_channels(spec: LabelSpec, *, allow_void_part: bool = False) -> PartChannels:
  """Returns the parts of each class, or its background if it has none. `allow_void_part`: see
  `FusionConfig`.
  """
  any_background = spec.num_part_outputs if len(spec.background_outputs) > 1 else 0
  void = ((any_background, IGNORE),) if allow_void_part else ()
  rows = [
    (*((p, p) for p in parts), *void) if parts else ((background, 0),)
    for parts, background in zip(spec.class_parts, spec.class_background)
  ]
  longest = max(map(len, rows))
  padded = np.array([[*row, *[(0, 0)] * (longest - len(row))] for row in rows], np.int32)
  valid = np.array([[m < len(row) for m in range(longest)] for row in rows])
  return PartChannels(
    padded[..., 0], padded[..., 1], valid, np.array([bool(parts) for parts in spec.class_parts])
  )


@struct.dataclass
class InstanceLogits:
  """What Eq. 1 fuses for one instance, on the whole image or a window of it.

  Attributes:
    mli: pasted mask logits.
    mls: probability of the class, inside the rectangle.
    mlp: probability of each of its parts, or of the background, inside the rectangle.
    fused: FL of the three for each part; -inf in padding and where the instance does not compete.
    labels: the part that each entry of `mlp` and `fused` stands for.
    valid: entries that the class has; the rest is padding.
  """

  mli: Float[Array, "H W"]
  mls: Float[Array, "H W"]
  mlp: tuple[Float[Array, "H W"], ...]
  fused: tuple[Float[Array, "H W"], ...]
  labels: Int[Array, "M"]
  valid: Bool[Array, "M"]


@struct.dataclass
class FusionSteps:
  """Every intermediate of the joint fusion of one image, in the order of the paper's Sec. 3.2.

  Attributes:
    semantic: softmax of the semantic logits at image resolution.
    part: softmax of the part logits.
    kept: detections that passed the filter.
    instance: the chosen instance: MLI, MLS, MLP and their fusion.
    things: the best fused logit of all instances, -inf where none competes.
    stuff: FLS of each stuff class.
    slot: the instance that wins each pixel, -1 = stuff.
    fill: train ids of the semantic head, for the pixels of stuff.
    result: the answer of `joint_fusion`.
  """

  semantic: Float[Array, "H W K"]
  part: Float[Array, "H W O"]
  kept: Bool[Array, "D"]
  instance: InstanceLogits
  things: Float[Array, "H W"]
  stuff: tuple[Float[Array, "H W"], ...]
  slot: Int[Array, "H W"]
  fill: Int[Array, "H W"]
  result: PanopticParts


def joint_fusion(
  semantic_logits: Float[Array, "h w K"],
  part_logits: Float[Array, "h w O"],
  detections: Detections,
  *,
  spec: LabelSpec,
  size: tuple[int, int],
  config: FusionConfig = PAPER,
) -> PanopticParts:
  """Returns class, instance and part of every pixel of one image (the paper's Sec. 3.2, Eq. 1).

  Runs in jit, and under `jax.vmap` image after image. Memory is that of the probabilities at image
  resolution, whatever the number of detections; time grows with the area of the boxes.

  Differs from the paper: an instance competes only where its mask or its rectangle reaches.
  Elsewhere all its terms are 0, and it could at best equal stuff whose probabilities all underflow.
  Where the paper is silent: `FusionConfig`. As the paper suggests, stuff with parts is fused with
  them; its part is the most probable one.

  Args:
    semantic_logits: raw, stride 4; the image is their upper left part.
    part_logits: raw, stride 4: the part outputs.
    detections: of this image (no batch axis), best first, raw mask logits.
    spec: the taxonomy.
    size: height and width of the image, without padding.
    config: what the paper leaves open.

  Raises:
    ValueError: logits whose channels are not those of the taxonomy, or which do not cover an image
      of this size.
  """
  fuse = partial(_fuse, spec=spec, size=size, config=config)
  return one_at_a_time(lambda *inputs: fuse(*inputs).result)(
    semantic_logits, part_logits, detections
  )


def joint_fusion_steps(
  semantic_logits: Float[Array, "h w K"],
  part_logits: Float[Array, "h w O"],
  detections: Detections,
  chosen: int | Int[Array, ""],
  *,
  spec: LabelSpec,
  size: tuple[int, int],
  config: FusionConfig = PAPER,
) -> FusionSteps:
  """Returns the intermediates of `joint_fusion` (same arguments); those of one instance for
  detection `chosen`.

  For looking and teaching: it holds images that `joint_fusion` never stores.
  """
  fused = _fuse(semantic_logits, part_logits, detections, spec=spec, size=size, config=config)
  zero = jnp.zeros((), jnp.int32)
  whole_image = Window(jnp.asarray(chosen, jnp.int32), zero, zero, zero, zero, size)
  return FusionSteps(
    semantic=jnp.moveaxis(fused.inputs.semantic, 0, -1),
    part=jnp.moveaxis(fused.inputs.part[: spec.num_part_outputs], 0, -1),
    kept=fused.kept,
    instance=_instance_logits(whole_image, fused.inputs, spec, config),
    things=fused.things,
    stuff=_stuff_logits(fused.inputs, spec, config),
    slot=fused.slot,
    fill=fused.fill,
    result=fused.result,
  )


class _Inputs(NamedTuple):
  """What the three heads say at image resolution. Channels first: a window of one channel is read
  in one piece.
  """

  semantic: Float[Array, "K H W"]
  part: Float[Array, "O H W"]  # and, if that competes, the sum of all backgrounds
  masks: PlacedMasks
  things: Int[Array, "D"]  # train ids of the instances


class _Fused(NamedTuple):
  inputs: _Inputs
  kept: Bool[Array, "D"]
  things: Float[Array, "H W"]
  slot: Int[Array, "H W"]
  fill: Int[Array, "H W"]
  result: PanopticParts


def _fuse(
  semantic_logits: Array,
  part_logits: Array,
  detections: Detections,
  *,
  spec: LabelSpec,
  size: tuple[int, int],
  config: FusionConfig,
) -> _Fused:
  _check_channels(semantic_logits, part_logits, spec)
  semantic_logits, part_logits = upsample(semantic_logits, size), upsample(part_logits, size)
  semantic, part = (
    jnp.moveaxis(jax.nn.softmax(x, axis=-1), -1, 0) for x in (semantic_logits, part_logits)
  )
  if config.allow_void_part and len(spec.background_outputs) > 1:
    part = jnp.concatenate([part, part[np.array(spec.background_outputs)].sum(0, keepdims=True)])

  placed = place(detections.mask_logits, detections.boxes, size, legacy=config.legacy)
  candidates = detections.valid & (detections.scores > config.score_threshold)
  kept = keep_instances(placed, candidates, overlap_threshold=config.overlap_threshold)
  masks = (
    jax.nn.sigmoid(placed.masks) if config.instance_logit_activation == "sigmoid" else placed.masks
  )
  placed = placed.replace(masks=masks * config.instance_logit_scale)

  inputs = _Inputs(semantic, part, placed, things_of(detections, spec))
  things, code = _best_instances(inputs, kept, spec, config)
  stuff, fused_fill = _first_maximum(
    _stuff_logits(inputs, spec, config) or (jnp.full(size, -jnp.inf),)
  )
  slot = jnp.where(things >= stuff, code // _LABELS, -1)
  fill = {
    "semantic_argmax": lambda: jnp.argmax(semantic_logits, axis=-1),
    "stuff_only": lambda: jnp.argmax(semantic_logits[..., : max(spec.num_stuff, 1)], axis=-1),
    "fused": lambda: fused_fill,
  }[config.stuff_fill]()
  result = assemble(
    slot,
    code % _LABELS,
    fill,
    _stuff_parts(fill, inputs, spec),
    detections,
    spec=spec,
    min_stuff_area=config.min_stuff(size),
    min_thing_area=config.min_thing_area,
  )
  return _Fused(inputs, kept, things, slot, fill, result)


def _check_channels(semantic_logits: Array, part_logits: Array, spec: LabelSpec) -> None:
  channels, expected = (
    (semantic_logits.shape[-1], part_logits.shape[-1]),
    (spec.num_classes, spec.num_part_outputs),
  )
  if channels != expected:
    raise ValueError(
      f"Got {channels[0]} semantic and {channels[1]} part channels; {spec.name} has {expected[0]} and {expected[1]}. "
      "Use the label spec that the model was trained with."
    )


def _instance_logits(
  window: Window, inputs: _Inputs, spec: LabelSpec, config: FusionConfig
) -> InstanceLogits:
  """MLI, MLS, MLP and FL of the window's instance."""
  n, thing = window.instance, inputs.things[window.instance]
  table = part_channels(spec, allow_void_part=config.allow_void_part)
  channels, labels, valid, partitionable = (jnp.asarray(column)[thing] for column in table)
  inside = window.within(inputs.masks.rectangles[n])
  competes = window.within(inputs.masks.spans[n]) if config.outside_value == 0 else inside

  mli = window.paste(inputs.masks)
  mls = jnp.where(inside, window.cut(inputs.semantic, thing), config.outside_value)
  parts = [window.cut(inputs.part, channel) for channel in channels]
  if config.renormalise_parts:
    total = reduce(jnp.add, [jnp.where(ok, part, 0) for ok, part in zip(valid, parts)])
    parts = [jnp.where(partitionable, part / jnp.maximum(total, _TINY), part) for part in parts]
  mlp = tuple(jnp.where(inside, part, config.outside_value) for part in parts)
  fuse = partial(fused_logits, mean=config.fuse_reduce == "mean")
  fused = tuple(
    jnp.where(competes & ok, fuse(mli, mls, part), -jnp.inf) for ok, part in zip(valid, mlp)
  )
  return InstanceLogits(mli, mls, mlp, fused, labels, valid)


def _best_instances(
  inputs: _Inputs, kept: Bool[Array, "D"], spec: LabelSpec, config: FusionConfig
) -> tuple[Float[Array, "H W"], Int[Array, "H W"]]:
  """The largest of all FLP and FLNP at each pixel, and its code, slot * 256 + part; -inf and -1
  where there is none.
  """
  without_parts = ~jnp.asarray(part_channels(spec).partitionable)[inputs.things]
  order = jnp.argsort(without_parts, stable=True)  # FLP before FLNP: the first maximum wins

  def step(state, window):
    best, code = state
    logits = _instance_logits(window, inputs, spec, config)
    score, winner = _first_maximum(logits.fused)
    better = score > window.cut(best)
    label = jnp.where(better, window.instance * _LABELS + logits.labels[winner], window.cut(code))
    return window.put(best, jnp.maximum(score, window.cut(best))), window.put(code, label)

  size = inputs.semantic.shape[1:]
  start = jnp.full(size, -jnp.inf), jnp.full(size, -1, jnp.int32)
  return visit(inputs.masks.spans, order, kept, size, step, start)


def _first_maximum(channels: tuple[Array, ...]) -> tuple[Float[Array, "H W"], Int[Array, "H W"]]:
  """The pixelwise maximum of some images and the first index that has it, without stacking them."""
  best, index = channels[0], jnp.zeros(channels[0].shape, jnp.int32)
  for k, channel in enumerate(channels[1:], 1):
    index = jnp.where(channel > best, k, index)
    best = jnp.maximum(channel, best)
  return best, index


def _stuff_logits(
  inputs: _Inputs, spec: LabelSpec, config: FusionConfig
) -> tuple[Float[Array, "H W"], ...]:
  """FLS: each stuff class fused with its background in the part head, or with the best of its parts
  if it has any.
  """
  fuse = partial(fused_logits, mean=config.fuse_reduce == "mean")
  channels = [spec.class_parts[k] or (spec.class_background[k],) for k in range(spec.num_stuff)]
  return tuple(
    reduce(jnp.maximum, [fuse(inputs.semantic[k], inputs.part[p]) for p in channels[k]])
    for k in range(spec.num_stuff)
  )


def _stuff_parts(fill: Int[Array, "H W"], inputs: _Inputs, spec: LabelSpec) -> Int[Array, "H W"]:
  """The most probable part of stuff classes that have parts, which the paper's data sets do not
  contain; else 0.
  """
  part = jnp.zeros(fill.shape, jnp.int32)
  for k in range(spec.num_stuff):
    if channels := spec.class_parts[k]:
      most_probable = _first_maximum(tuple(inputs.part[p] for p in channels))[1]
      part = jnp.where(fill == k, jnp.asarray(channels, jnp.int32)[most_probable], part)
  return part
