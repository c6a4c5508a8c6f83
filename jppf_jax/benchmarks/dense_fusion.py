"""Joint fusion as one would first write it, to compare with: all maps at the size of the image."""

from functools import reduce

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float, Int

from jppf_jax.fusion.canvas import assemble, things_of
from jppf_jax.fusion.channels import part_channels
from jppf_jax.fusion.config import PAPER
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.ops.masks import box_rectangle, paste, paste_reach
from jppf_jax.ops.resize import resize_bilinear
from jppf_jax.structs import Array, Detections, PanopticParts

State = tuple[jax.Array, jax.Array, jax.Array]  # best score, detection and part of each pixel


def scan_fusion(
  semantic_logits: Float[Array, "h w K"],
  part_logits: Float[Array, "h w O"],
  detections: Detections,
  *,
  spec: LabelSpec,
) -> PanopticParts:
  """Returns the joint fusion (with the settings of the paper) by a `jax.lax.scan` over the
  detections, each with masks and fused logits of the whole image.

  Args:
    semantic_logits: raw, stride 4.
    part_logits: raw, stride 4, one background for all classes.
    detections: of this image.
    spec: the taxonomy, whose stuff has no parts.
  """
  size = 4 * semantic_logits.shape[0], 4 * semantic_logits.shape[1]
  logits = resize_bilinear(semantic_logits, size)
  semantic = jax.nn.softmax(logits, axis=-1)
  part = jax.nn.softmax(resize_bilinear(part_logits, size), axis=-1)
  things = things_of(detections, spec)
  kept = _kept(detections, size)
  table = part_channels(spec)

  def look(carry: State, n: jax.Array) -> tuple[State, None]:
    best, slot, label = carry
    box = detections.boxes[n]
    mli = paste(detections.mask_logits[n], box, size)
    inside = _within(box_rectangle(box, size), size)
    competes = kept[n] & (inside | _reach(box, size))
    mls = jnp.where(inside, semantic[..., things[n]], 0)
    for m in range(table.channels.shape[1]):
      channel, name, valid = (jnp.asarray(t)[things[n], m] for t in table[:3])
      fused = _fused(mli, mls, jnp.where(inside, part[..., channel], 0))
      wins = competes & valid & (fused > best)
      best, slot, label = jax.tree.map(
        lambda new, old: jnp.where(wins, new, old),  # noqa: B023 (called at once)
        (fused, n, name),
        (best, slot, label),
      )
    return (best, slot, label), None

  flp_first = jnp.argsort(~jnp.asarray(table.partitionable)[things], stable=True)
  none = jnp.full(size, -1, jnp.int32)
  start = jnp.full(size, -jnp.inf), none, none
  (best, slot, label), _ = jax.lax.scan(look, start, flp_first.astype(jnp.int32))
  stuff = _fused(semantic[..., : spec.num_stuff], part[..., :1]).max(-1)
  return assemble(
    jnp.where(best >= stuff, slot, -1),
    label,
    jnp.argmax(logits, axis=-1),
    jnp.zeros(size, jnp.int32),
    detections,
    spec=spec,
    min_stuff_area=PAPER.min_stuff_area,
  )


def _kept(detections: Detections, size: tuple[int, int]) -> Bool[Array, "D"]:
  """The filter of the detections, with masks of the whole image."""

  def look(occupied: jax.Array, n: jax.Array) -> tuple[jax.Array, jax.Array]:
    mask = paste(detections.mask_logits[n], detections.boxes[n], size) > 0
    covered = (mask & occupied).sum()
    few_covered = covered <= PAPER.overlap_threshold * mask.sum()
    good = detections.valid[n] & (detections.scores[n] > PAPER.score_threshold)
    keep = good & few_covered
    return occupied | (mask & keep), keep

  _, kept = jax.lax.scan(look, jnp.zeros(size, bool), jnp.arange(detections.valid.size))
  return kept


def _fused(*terms: Float[Array, "..."]) -> Float[Array, "..."]:
  """Eq. 1."""
  confidence = reduce(jnp.add, [jax.nn.sigmoid(term) for term in terms])
  return confidence * reduce(jnp.add, terms)


def _reach(box: Float[Array, "4"], size: tuple[int, int]) -> Bool[Array, "H W"]:
  x0, y0, x1, y1 = box
  rows = paste_reach(y0, y1, cells=28, length=size[0])
  columns = paste_reach(x0, x1, cells=28, length=size[1])
  return rows[:, None] & columns


def _within(box: Int[Array, "4"], size: tuple[int, int]) -> Bool[Array, "H W"]:
  x0, y0, x1, y1 = box
  y, x = jnp.arange(size[0])[:, None], jnp.arange(size[1])
  return (y >= y0) & (y < y1) & (x >= x0) & (x < x1)
