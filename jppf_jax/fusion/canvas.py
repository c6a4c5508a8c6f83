"""The canvas of a fusion: instances go onto an empty image, stuff fills the rest (Sec. 3.2)."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float, Int

from jppf_jax.fusion.config import StuffFill
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.ops.boxes import ImageSize
from jppf_jax.ops.resize import resize_bilinear
from jppf_jax.structs import IGNORE, Array, Detections, PanopticParts, Segments

STRIDE = 4  # of the logits


def upsample(
  logits: Float[Array, "h w C"], size: tuple[int, int], covered: ImageSize | None = None
) -> Float[Array, "{size[0]} {size[1]} C"]:
  """Returns stride-4 logits at image resolution, float32, without the padding below and right of
  `size`.

  The logits of cells that lie wholly outside of the image have no influence on its pixels.

  Differs from EfficientPS's code, which squeezes the padded logits to the size of the image.

  Args:
    logits: at stride 4.
    size: height and width of the result.
    covered: rows and columns of it that the image covers, from the top left; may be traced. None:
      all.

  Raises:
    ValueError: the logits do not cover an image of this size.
  """
  rows, columns = logits.shape[:2]
  height, width = STRIDE * rows, STRIDE * columns
  if not (0 < size[0] <= height and 0 < size[1] <= width):
    raise ValueError(
      f"Logits of {rows} x {columns} at stride 4 cover an image of up to {height} x {width}; "
      f"got size {size[0]} x {size[1]}. `size` is the image before padding."
    )
  if covered is not None:
    logits = _repeat_border(logits, covered)
  whole = resize_bilinear(jnp.asarray(logits, jnp.float32), (height, width))
  return whole[: size[0], : size[1]]


def _repeat_border(logits: Float[Array, "h w C"], covered: ImageSize) -> Float[Array, "h w C"]:
  """The logits with the last row and column of cells that touch the image repeated outwards."""
  height, width = covered
  last_row, last_column = (height - 1) // STRIDE, (width - 1) // STRIDE
  rows = jnp.minimum(jnp.arange(logits.shape[0]), last_row)
  columns = jnp.minimum(jnp.arange(logits.shape[1]), last_column)
  return jnp.asarray(logits)[rows][:, columns]


def inside_image(size: tuple[int, int], covered: ImageSize) -> Bool[Array, "{size[0]} {size[1]}"]:
  """Returns which pixels of a frame belong to the image at its top left.

  Args:
    size: height and width of the frame.
    covered: rows and columns that the image covers; may be traced.
  """
  height, width = covered
  rows, columns = jnp.arange(size[0]), jnp.arange(size[1])
  return (rows < height)[:, None] & (columns < width)


def things_of(detections: Detections, spec: LabelSpec) -> Int[Array, "D"]:
  """Returns the train id of each detection; rows of padding get an id that exists, too."""
  things = detections.labels + spec.num_stuff - 1
  return jnp.clip(things, 0, spec.num_classes - 1)


def first_maximum(
  channels: tuple[Float[Array, "H W"], ...],
) -> tuple[Float[Array, "H W"], Int[Array, "H W"]]:
  """Returns the maximum of some maps at each pixel, and the index of the first map that has it.

  The maps are not stacked, so memory is that of two maps.
  """
  best = channels[0]
  index = jnp.zeros(best.shape, jnp.int32)
  for k, channel in enumerate(channels[1:], 1):
    index = jnp.where(channel > best, k, index)
    best = jnp.maximum(channel, best)
  return best, index


def fill_classes(
  choice: StuffFill,
  semantic_logits: Float[Array, "H W K"],
  fused: Int[Array, "H W"],
  num_stuff: int,
) -> Int[Array, "H W"]:
  """Returns the train ids for the pixels that no instance won.

  Args:
    choice: `FusionConfig.stuff_fill`.
    semantic_logits: at image resolution.
    fused: the stuff class with the largest fused logit.
    num_stuff: train ids below are stuff.
  """
  if choice == "fused":
    return fused
  if choice == "stuff_only":
    semantic_logits = semantic_logits[..., : max(num_stuff, 1)]
  return jnp.argmax(semantic_logits, axis=-1)


def fill_stuff(
  fill: Int[Array, "H W"],
  won: Bool[Array, "H W"],
  *,
  num_stuff: int,
  min_area: int | Int[Array, ""],
) -> Int[Array, "H W"]:
  """Returns the stuff classes of the pixels that no instance won; 255 on the others.

  Pixels with a thing in `fill`, and classes left with fewer than `min_area` pixels, become void.

  Args:
    fill: train ids to fill with.
    won: pixels that belong to an instance.
    num_stuff: train ids below are stuff.
    min_area: pixels.
  """
  no_stuff = won | (fill >= num_stuff)
  classes = jnp.where(no_stuff, num_stuff, fill)
  areas = jnp.bincount(classes.ravel(), length=num_stuff + 1)
  stays = areas >= min_area
  stays = stays.at[num_stuff].set(False)
  return jnp.where(stays[classes], classes, IGNORE)


def stuff_parts(
  fill: Int[Array, "H W"], part: Float[Array, "O H W"], spec: LabelSpec
) -> Int[Array, "H W"]:
  """Returns the most probable part at pixels of stuff classes that have parts; 0 elsewhere.

  No stuff class of CPP and PPP has parts.

  Args:
    fill: train ids.
    part: probabilities of the part outputs.
    spec: the taxonomy.
  """
  parts = jnp.zeros(fill.shape, jnp.int32)
  for k, channels in enumerate(spec.class_parts[: spec.num_stuff]):
    if channels:
      _, winner = first_maximum(tuple(part[p] for p in channels))
      most_probable = jnp.asarray(channels, jnp.int32)[winner]
      parts = jnp.where(fill == k, most_probable, parts)
  return parts


def assemble(
  slot: Int[Array, "H W"],
  part: Int[Array, "H W"],
  fill: Int[Array, "H W"],
  stuff_part: Int[Array, "H W"],
  detections: Detections,
  *,
  spec: LabelSpec,
  min_stuff_area: int | Int[Array, ""],
  min_thing_area: int = 0,
  covered: ImageSize | None = None,
) -> PanopticParts:
  """Returns the answer for one image: instances on an empty canvas, the rest filled with stuff.

  Pixels outside of the image are void, and no area counts them.

  Args:
    slot: the detection that won each pixel, -1 = none.
    part: part channels at the pixels of instances.
    fill: train ids for the pixels that no instance won.
    stuff_part: part channels at these pixels, 0 unless it is stuff with parts.
    detections: of this image; instances that won no pixel are not in the table of segments.
    spec: the taxonomy.
    min_stuff_area: see `fill_stuff`.
    min_thing_area: smaller instances are removed before the filling.
    covered: rows and columns that the image covers, from the top left; may be traced. None: all.
  """
  if covered is not None:
    height, width = slot.shape
    inside = inside_image((height, width), covered)
    slot = jnp.where(inside, slot, -1)
    fill = jnp.where(inside, fill, IGNORE)
  num_slots = detections.labels.size
  pixels = jnp.bincount(slot.ravel() + 1, length=num_slots + 1)  # the first counts slot -1
  areas = pixels[1:].astype(jnp.int32)
  valid = areas >= max(min_thing_area, 1)
  segments = Segments(
    labels=_where_int32(valid, things_of(detections, spec), 0),
    scores=jnp.where(valid, detections.scores, 0).astype(jnp.float32),
    areas=jnp.where(valid, areas, 0),
    valid=valid,
  )

  won = (slot >= 0) & valid[slot]
  stuff = fill_stuff(fill, won, num_stuff=spec.num_stuff, min_area=min_stuff_area)
  stuff_part = jnp.where(stuff == IGNORE, 0, stuff_part)
  return PanopticParts(
    semantic=_where_int32(won, segments.labels[slot], stuff),
    instance=_where_int32(won, slot + 1, 0),
    part=_where_int32(won, part, stuff_part),
    segments=segments,
  )


def one_at_a_time(fuse: Callable[..., PanopticParts]) -> Callable[..., PanopticParts]:
  """Returns `fuse`, a function of one image, so that `jax.vmap` runs it image after image.

  The number of steps of a fusion depends on the data. Side by side, each image would take the steps
  of all of them.
  """
  return jax.custom_batching.sequential_vmap(fuse)


def _where_int32(condition: Bool[Array, "*s"], yes: Array, no: Array | int) -> Int[Array, "*s"]:
  return jnp.where(condition, yes, no).astype(jnp.int32)
