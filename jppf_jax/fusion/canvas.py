"""The canvas of a fusion: logits brought to image resolution, and instances and stuff put together
into one answer.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.ops.resize import resize_bilinear
from jppf_jax.structs import IGNORE, Array, Detections, PanopticParts, Segments


def upsample(
  logits: Float[Array, "h w C"], size: tuple[int, int]
) -> Float[Array, "{size[0]} {size[1]} C"]:
  """Returns stride-4 logits at image resolution, float32, without the padding below and right of
  the image.

  Differs from EfficientPS's code, which squeezes the padded logits to the size of the image.

  Raises:
    ValueError: the logits do not cover an image of this size.
  """
  height, width = 4 * logits.shape[0], 4 * logits.shape[1]
  if not (0 < size[0] <= height and 0 < size[1] <= width):
    raise ValueError(
      f"Logits of {logits.shape[0]} x {logits.shape[1]} at stride 4 cover an image of up to {height} x {width}; "
      f"got size {size[0]} x {size[1]}. `size` is the image before padding."
    )
  return resize_bilinear(jnp.asarray(logits, jnp.float32), (height, width))[: size[0], : size[1]]


def things_of(detections: Detections, spec: LabelSpec) -> Int[Array, "D"]:
  """Returns the train ids of detections; something legal in padding."""
  return jnp.clip(detections.labels + spec.num_stuff - 1, 0, spec.num_classes - 1)


def fill_stuff(
  fill: Int[Array, "H W"], won: Bool[Array, "H W"], *, num_stuff: int, min_area: int
) -> Int[Array, "H W"]:
  """Returns the stuff classes of the pixels that no instance won; 255 on the others.

  Pixels whose fill is a thing, and classes left with fewer than `min_area` pixels, become void.

  Args:
    fill: train ids to fill with.
    won: pixels that belong to an instance.
    num_stuff: train ids below are stuff.
    min_area: pixels.
  """
  free = jnp.where(won | (fill >= num_stuff), num_stuff, fill)
  large = jnp.bincount(free.ravel(), length=num_stuff + 1) >= min_area
  return jnp.where(large.at[num_stuff].set(False)[free], free, IGNORE)


def assemble(
  slot: Int[Array, "H W"],
  part: Int[Array, "H W"],
  fill: Int[Array, "H W"],
  stuff_part: Int[Array, "H W"],
  detections: Detections,
  *,
  spec: LabelSpec,
  min_stuff_area: int,
  min_thing_area: int = 0,
) -> PanopticParts:
  """Returns the answer for one image: instances on an empty canvas, the rest filled with stuff.

  Args:
    slot: the detection that won each pixel, -1 where none did.
    part: part channels on the pixels of instances.
    fill: train ids for the pixels that no instance won.
    stuff_part: part channels there, 0 but for stuff with parts.
    detections: of this image; instances that won no pixel are not in the table of segments.
    spec: the taxonomy.
    min_stuff_area: see `fill_stuff`.
    min_thing_area: smaller instances are removed before the filling.
  """
  areas = jnp.bincount(slot.ravel() + 1, length=detections.labels.size + 1)[1:].astype(jnp.int32)
  valid = areas >= max(min_thing_area, 1)
  won = (slot >= 0) & valid[slot]
  things = things_of(detections, spec)
  stuff = fill_stuff(fill, won, num_stuff=spec.num_stuff, min_area=min_stuff_area)
  return PanopticParts(
    semantic=jnp.where(won, things[slot], stuff).astype(jnp.int32),
    instance=jnp.where(won, slot + 1, 0).astype(jnp.int32),
    part=jnp.where(won, part, jnp.where(stuff == IGNORE, 0, stuff_part)).astype(jnp.int32),
    segments=Segments(
      labels=jnp.where(valid, things, 0).astype(jnp.int32),
      scores=jnp.where(valid, detections.scores, 0).astype(jnp.float32),
      areas=jnp.where(valid, areas, 0),
      valid=valid,
    ),
  )


def one_at_a_time(fuse):
  """Returns `fuse`, which handles one image, such that `jax.vmap` runs it image after image.

  The loops of the fusion follow the data; side by side, every image would take the steps of all of
  them.
  """
  return jax.custom_batching.sequential_vmap(fuse)


def unknown_parts(spec: LabelSpec) -> Int[np.ndarray, "256"]:
  """Returns the part of a class (255 = void) whose parts nobody predicted: 255, or what it is if
  there is no choice.
  """
  table = np.zeros(256, np.int32)
  table[: spec.num_classes] = [
    IGNORE if len(parts) > 1 else sum(parts) for parts in spec.class_parts
  ]
  return table


def first_maximum(
  channels: tuple[Float[Array, "H W"], ...],
) -> tuple[Float[Array, "H W"], Int[Array, "H W"]]:
  """Returns the pixelwise maximum of some images and the first index that has it.

  The images are not stacked: memory is that of two images.
  """
  best, index = channels[0], jnp.zeros(channels[0].shape, jnp.int32)
  for k, channel in enumerate(channels[1:], 1):
    index = jnp.where(channel > best, k, index)
    best = jnp.maximum(channel, best)
  return best, index


def stuff_parts(
  fill: Int[Array, "H W"], part: Float[Array, "O H W"], spec: LabelSpec
) -> Int[Array, "H W"]:
  """Returns the most probable part of stuff classes that have parts; 0 elsewhere.

  No stuff class of CPP and PPP has parts.

  Args:
    fill: train ids.
    part: probabilities of the part outputs.
    spec: the taxonomy.
  """
  parts = jnp.zeros(fill.shape, jnp.int32)
  for k in range(spec.num_stuff):
    channels = spec.class_parts[k]
    if channels:
      most_probable = first_maximum(tuple(part[p] for p in channels))[1]
      parts = jnp.where(fill == k, jnp.asarray(channels, jnp.int32)[most_probable], parts)
  return parts
