"""The canvas of a fusion: instances go onto an empty image, stuff fills the rest (Sec. 3.2)."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float, Int

from jppf_jax.fusion.config import Area, StuffFill
from jppf_jax.fusion.frame import Frame
from jppf_jax.fusion.tiles import Tile, over_image
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.ops.boxes import ImageSize
from jppf_jax.structs import IGNORE, Array, Detections, PanopticParts, Segments

UNROLLED = 32  # channels up to which code written channel by channel compiles fast, and runs faster
_BAND = 64  # rows that are counted together


def things_of(detections: Detections, spec: LabelSpec) -> Int[Array, "D"]:
  """Returns the train id of each detection; rows of padding get an id that exists, too."""
  things = detections.labels + spec.num_stuff - 1
  return jnp.clip(things, 0, spec.num_classes - 1)


def first_maximum(
  maps: Sequence[Float[Array, "th tw"]], labels: Sequence[int] | Int[Array, "n"] | None = None
) -> tuple[Float[Array, "th tw"], Int[Array, "th tw"]]:
  """Returns the maximum of some maps at each pixel, and the label of the first map that has it.

  Args:
    maps: at least one.
    labels: of the maps, may be traced; None: 0, 1, 2, ...
  """
  labels = range(len(maps)) if labels is None else labels
  if len(maps) > UNROLLED:
    stacked = jnp.stack(maps)
    first = jnp.argmax(stacked, axis=0)
    return stacked.max(0), jnp.asarray(labels, jnp.int32)[first]
  best = maps[0]
  label = jnp.full(best.shape, labels[0], jnp.int32)
  for k, channel in zip(labels[1:], maps[1:]):
    label = jnp.where(channel > best, k, label)
    best = jnp.maximum(channel, best)
  return best, label


def fill_classes(
  choice: StuffFill,
  semantic_logits: Sequence[Float[Array, "th tw"]],
  fused: Int[Array, "th tw"] | None,
  num_stuff: int,
) -> Int[Array, "th tw"]:
  """Returns the train ids for the pixels that no instance won.

  Args:
    choice: `FusionConfig.stuff_fill`.
    semantic_logits: one map for each class.
    fused: the stuff class with the largest fused logit; None unless it is the choice.
    num_stuff: train ids below are stuff.
  """
  if choice == "fused":
    assert fused is not None
    return fused
  if choice == "stuff_only":
    semantic_logits = semantic_logits[: max(num_stuff, 1)]
  return first_maximum(semantic_logits)[1]


def fill_stuff(
  fill: Int[Array, "H W"],
  won: Bool[Array, "H W"],
  *,
  num_stuff: int,
  min_area: Area,
  covered: ImageSize | None = None,
) -> Int[Array, "H W"]:
  """Returns the stuff classes of the pixels that no instance won; 255 on the others.

  Pixels with a thing in `fill`, and classes left with fewer than `min_area` pixels, become void.

  Args:
    fill: train ids to fill with.
    won: pixels that belong to an instance.
    num_stuff: train ids below are stuff.
    min_area: pixels.
    covered: see `assemble`.
  """
  no_stuff = won | (fill >= num_stuff)
  classes = jnp.where(no_stuff, num_stuff, fill)
  areas = count_labels(classes, num_stuff + 1, covered)
  stays = jnp.asarray(areas >= min_area)
  stays = stays.at[num_stuff].set(False)
  return jnp.where(stays[classes], classes, IGNORE)


def count_labels(
  labels: Int[Array, "H W"], length: int, covered: ImageSize | None = None
) -> Int[Array, "{length}"]:
  """Returns how many pixels of the image have each of the labels 0 to `length - 1`.

  Args:
    labels: 0 or more.
    length: number of labels.
    covered: see `assemble`.
  """
  height, width = labels.shape
  covered = (height, width) if covered is None else covered
  image = jnp.stack([0, 0, covered[1], covered[0]])

  def count(counts: jax.Array, tile: Tile) -> jax.Array:
    is_new = tile.fresh() & tile.within(image)
    counted = jnp.where(is_new, tile.cut(labels), length)  # the last is not counted
    return counts + jnp.bincount(counted.ravel(), length=length)

  none = jnp.zeros(length, jnp.int32)
  return over_image(covered, (height, width), (_BAND, width), count, none)


def stuff_parts(
  fill: Int[Array, "th tw"], part: Sequence[Float[Array, "th tw"]], spec: LabelSpec
) -> Int[Array, "th tw"]:
  """Returns the most probable part at pixels of stuff classes that have parts; 0 elsewhere.

  No stuff class of CPP and PPP has parts.

  Args:
    fill: train ids.
    part: logits (or probabilities), one map for each part output.
    spec: the taxonomy.
  """
  parts = jnp.zeros(fill.shape, jnp.int32)
  for k, channels in enumerate(spec.class_parts[: spec.num_stuff]):
    if channels:
      _, most_probable = first_maximum([part[p] for p in channels], channels)
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
  min_stuff_area: Area,
  min_thing_area: Area = 0,
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
    inside = Frame((height, width), covered, None).inside
    slot = jnp.where(inside, slot, -1)
    fill = jnp.where(inside, fill, IGNORE)
  num_slots = detections.labels.size
  areas = count_labels(slot + 1, num_slots + 1, covered)[1:]  # the first counts slot -1
  valid = areas >= jnp.maximum(min_thing_area, 1)
  segments = Segments(
    labels=_where_int32(valid, things_of(detections, spec), 0),
    scores=jnp.where(valid, detections.scores, 0).astype(jnp.float32),
    areas=jnp.where(valid, areas, 0),
    valid=valid,
  )

  won = (slot >= 0) & valid[slot]
  stuff = fill_stuff(fill, won, num_stuff=spec.num_stuff, min_area=min_stuff_area, covered=covered)
  stuff_part = jnp.where(stuff == IGNORE, 0, stuff_part)
  return PanopticParts(
    semantic=_where_int32(won, segments.labels[slot], stuff),
    instance=_where_int32(won, slot + 1, 0),
    part=_where_int32(won, part, stuff_part),
    segments=segments,
  )


def _where_int32(condition: Bool[Array, "*s"], yes: Array, no: Array | int) -> Int[Array, "*s"]:
  return jnp.where(condition, yes, no).astype(jnp.int32)
