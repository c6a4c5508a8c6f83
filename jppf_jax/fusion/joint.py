"""Joint fusion, the paper's contribution (Sec. 3.2): semantic, part and instance predictions decide together.

For instance n of class c, MLI is its pasted mask logit, MLS the probability of c, MLP that of one part of c (of the part
head's background, where c has no parts); MLS and MLP count inside the rectangle of the box. Eq. 1 fuses them to FL: FLP, one
channel per instance and part; FLNP, one per instance without parts. FLS fuses each stuff class with the background of the
part head. A pixel goes to its largest channel, the first of FLP, FLNP, FLS where several are equal.

The channels of the instances, up to 100 x 6 images, are never stored: windows of the image are visited instance by instance,
and only the best score and its label are kept.
"""

from functools import partial, reduce
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Bool, Float, Int

from jppf_jax.fusion.canvas import assemble, one_at_a_time, things_of, upsample
from jppf_jax.fusion.config import FusionConfig
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
  """Which channels of the part head each class is fused with, padded to the longest row."""

  channels: Int[np.ndarray, "K M"]
  labels: Int[np.ndarray, "K M"]  # the part of a pixel where the channel wins
  valid: Bool[np.ndarray, "K M"]
  partitionable: Bool[np.ndarray, "K"]


def part_channels(spec: LabelSpec, *, allow_void_part: bool = False) -> PartChannels:
  """Returns the parts of each class, and the background for classes without. `allow_void_part`: see `FusionConfig`."""
  void = ((0, IGNORE),) if allow_void_part else ()
  rows = [(*((p, p) for p in parts), *void) if parts else ((0, 0),) for parts in spec.class_parts]
  longest = max(map(len, rows))
  padded = np.array([[*row, *[(0, 0)] * (longest - len(row))] for row in rows], np.int32)
  valid = np.array([[m < len(row) for m in range(longest)] for row in rows])
  return PartChannels(padded[..., 0], padded[..., 1], valid, np.array([bool(parts) for parts in spec.class_parts]))


@struct.dataclass
class InstanceLogits:
  """What Eq. 1 fuses for one instance, on the whole image or a window of it; M is the largest number of parts.

  Attributes:
    mli: pasted mask logits.
    mls: probability of the class, inside the rectangle.
    mlp: probabilities of its parts, or of the background, inside the rectangle.
    fused: FL of the three; -inf in padding and where the instance does not compete.
    labels: the part channel that each of the M stands for.
    valid: which of the M are parts of the class (or its background); the rest is padding.
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
    stuff: FLS, one channel per stuff class.
    slot: the instance that wins each pixel, -1 = stuff.
    fill: train ids of the semantic head that fill the rest.
    result: the answer of `joint_fusion`.
  """

  semantic: Float[Array, "H W K"]
  part: Float[Array, "H W P"]
  kept: Bool[Array, "D"]
  instance: InstanceLogits
  things: Float[Array, "H W"]
  stuff: tuple[Float[Array, "H W"], ...]
  slot: Int[Array, "H W"]
  fill: Int[Array, "H W"]
  result: PanopticParts


def joint_fusion(
  semantic_logits: Float[Array, "h w K"],
  part_logits: Float[Array, "h w P"],
  detections: Detections,
  *,
  spec: LabelSpec,
  size: tuple[int, int],
  config: FusionConfig = FusionConfig(),
) -> PanopticParts:
  """Returns class, instance and part of every pixel of one image (the paper's Sec. 3.2, Eq. 1).

  Runs in jit, and under `jax.vmap` image after image. Needs memory for the probabilities at image resolution, whatever the
  number of detections; time grows with the area of the boxes.

  Differs from the paper: an instance competes only where its mask or its rectangle reaches. Elsewhere all its terms are 0,
  so that it could at best equal stuff whose probabilities all underflow. Where the paper is silent: `FusionConfig`.

  Args:
    semantic_logits: raw, stride 4; the image is their upper left part.
    part_logits: raw, stride 4.
    detections: of this image (no batch axis), best first, raw mask logits.
    spec: the taxonomy.
    size: height and width of the image, without padding.
    config: what the paper leaves open.

  Raises:
    ValueError: logits whose channels are not those of the taxonomy, or which do not cover an image of this size.
  """
  fuse = partial(_fuse, spec=spec, size=size, config=config)
  return one_at_a_time(lambda *inputs: fuse(*inputs).result)(semantic_logits, part_logits, detections)


def joint_fusion_steps(
  semantic_logits: Float[Array, "h w K"],
  part_logits: Float[Array, "h w P"],
  detections: Detections,
  chosen: int | Int[Array, ""],
  *,
  spec: LabelSpec,
  size: tuple[int, int],
  config: FusionConfig = FusionConfig(),
) -> FusionSteps:
  """Returns the intermediates of `joint_fusion` (same arguments), those of one instance for detection `chosen`.

  For looking and teaching: holds images that `joint_fusion` never stores.
  """
  fused = _fuse(semantic_logits, part_logits, detections, spec=spec, size=size, config=config)
  zero = jnp.zeros((), jnp.int32)
  whole = Window(jnp.asarray(chosen, jnp.int32), zero, zero, zero, zero, size)
  return FusionSteps(
    semantic=jnp.moveaxis(fused.maps.semantic, 0, -1),
    part=jnp.moveaxis(fused.maps.part, 0, -1),
    kept=fused.kept,
    instance=_instance_logits(whole, fused.placed, fused.maps, things_of(detections, spec)[chosen], spec, config),
    things=fused.things,
    stuff=_stuff_logits(fused.maps, spec, config),
    slot=fused.slot,
    fill=fused.fill,
    result=fused.result,
  )


class _Maps(NamedTuple):
  """The two semantic heads at image resolution, channels first, so that a window of one channel is read in one piece."""

  semantic: Float[Array, "K H W"]
  part: Float[Array, "P H W"]


class _Fused(NamedTuple):
  maps: _Maps
  placed: PlacedMasks
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
  maps = _Maps(*(jnp.moveaxis(jax.nn.softmax(x, axis=-1), -1, 0) for x in (semantic_logits, part_logits)))

  filter_by = dict(score_threshold=config.score_threshold, overlap_threshold=config.overlap_threshold)
  kept = keep_instances(detections, size, legacy=config.legacy, **filter_by)
  masks = jnp.asarray(detections.mask_logits, jnp.float32)
  masks = jax.nn.sigmoid(masks) if config.instance_logit_activation == "sigmoid" else masks
  placed = place(masks * config.instance_logit_scale, detections.boxes, size, legacy=config.legacy)

  things, code = _best_instances(placed, kept, maps, things_of(detections, spec), spec, config)
  stuff, fused_fill = _first_maximum(_stuff_logits(maps, spec, config) or (jnp.full(size, -jnp.inf),))
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
    _stuff_parts(fill, maps, spec),
    detections,
    spec=spec,
    min_stuff_area=config.min_stuff(size),
    min_thing_area=config.min_thing_area,
  )
  return _Fused(maps, placed, kept, things, slot, fill, result)


def _check_channels(semantic_logits: Array, part_logits: Array, spec: LabelSpec) -> None:
  channels, expected = (semantic_logits.shape[-1], part_logits.shape[-1]), (spec.num_classes, spec.num_parts)
  if channels != expected:
    raise ValueError(
      f"Got {channels[0]} semantic and {channels[1]} part channels; {spec.name} has {expected[0]} and {expected[1]}. "
      "Use the label spec that the model was trained with."
    )


def _instance_logits(
  window: Window, placed: PlacedMasks, maps: _Maps, thing: Int[Array, ""], spec: LabelSpec, config: FusionConfig
) -> InstanceLogits:
  """MLI, MLS, MLP and FL of the window's instance, which is of class `thing`."""
  table = part_channels(spec, allow_void_part=config.allow_void_part)
  channels, labels, valid = (jnp.asarray(column)[thing] for column in table[:3])
  inside = window.within(placed.rectangles[window.instance])
  competes = window.within(placed.spans[window.instance]) if config.outside_value == 0 else inside

  mli = window.paste(placed)
  mls = jnp.where(inside, window.cut(maps.semantic, thing), config.outside_value)
  parts = [window.cut(maps.part, channel) for channel in channels]
  if config.renormalise_parts:
    total = reduce(jnp.add, [jnp.where(ok, part, 0) for ok, part in zip(valid, parts)])
    total = jnp.where(jnp.asarray(table.partitionable)[thing], jnp.maximum(total, _TINY), 1)
    parts = [part / total for part in parts]
  mlp = tuple(jnp.where(inside, part, config.outside_value) for part in parts)
  fuse = partial(fused_logits, mean=config.fuse_reduce == "mean")
  fused = tuple(jnp.where(competes & ok, fuse(mli, mls, part), -jnp.inf) for ok, part in zip(valid, mlp))
  return InstanceLogits(mli, mls, mlp, fused, labels, valid)


def _best_instances(
  placed: PlacedMasks,
  kept: Bool[Array, "D"],
  maps: _Maps,
  things: Int[Array, "D"],
  spec: LabelSpec,
  config: FusionConfig,
) -> tuple[Float[Array, "H W"], Int[Array, "H W"]]:
  """The largest of all FLP and FLNP at each pixel, and its code, slot * 256 + part; -inf and -1 where there is none."""
  without_parts = ~jnp.asarray(part_channels(spec).partitionable)[things]
  order = jnp.argsort(without_parts, stable=True)  # FLP before FLNP: the first maximum wins

  def step(state, window):
    best, code = state
    logits = _instance_logits(window, placed, maps, things[window.instance], spec, config)
    score, winner = _first_maximum(logits.fused)
    label = window.instance * _LABELS + logits.labels[winner]
    before = window.cut(best)
    better = score > before
    return window.put(best, jnp.where(better, score, before)), window.put(
      code, jnp.where(better, label, window.cut(code))
    )

  size = maps.semantic.shape[1:]
  start = jnp.full(size, -jnp.inf), jnp.full(size, -1, jnp.int32)
  return visit(placed.spans, order, kept, size, step, start)


def _first_maximum(channels: tuple | list) -> tuple[Float[Array, "H W"], Int[Array, "H W"]]:
  """The pixelwise maximum of a sequence of images and the first index that has it, without stacking them."""
  best, index = channels[0], jnp.zeros(channels[0].shape, jnp.int32)
  for k, channel in enumerate(channels[1:], 1):
    index = jnp.where(channel > best, k, index)
    best = jnp.maximum(channel, best)
  return best, index


def _stuff_logits(maps: _Maps, spec: LabelSpec, config: FusionConfig) -> tuple[Float[Array, "H W"], ...]:
  """FLS: each stuff class fused with the background of the part head, or with the best of its parts if it has any."""
  fuse = partial(fused_logits, mean=config.fuse_reduce == "mean")
  return tuple(
    reduce(jnp.maximum, [fuse(maps.semantic[k], maps.part[p]) for p in spec.class_parts[k] or (0,)])
    for k in range(spec.num_stuff)
  )


def _stuff_parts(fill: Int[Array, "H W"], maps: _Maps, spec: LabelSpec) -> Int[Array, "H W"]:
  """The most probable part of stuff classes that have parts, which the paper's data sets do not contain; else 0."""
  part = jnp.zeros(fill.shape, jnp.int32)
  for k in range(spec.num_stuff):
    if channels := spec.class_parts[k]:
      best = jnp.asarray(channels, jnp.int32)[_first_maximum([maps.part[p] for p in channels])[1]]
      part = jnp.where(fill == k, best, part)
  return part
