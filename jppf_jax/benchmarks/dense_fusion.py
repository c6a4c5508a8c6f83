"""Joint fusion as one would first write it, to compare with: all maps at the size of the image."""

from collections.abc import Callable
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from jppf_jax.fusion.canvas import assemble, things_of
from jppf_jax.fusion.channels import part_channels
from jppf_jax.fusion.config import PAPER
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.ops.masks import box_rectangle, paste, paste_reach
from jppf_jax.ops.resize import resize_bilinear
from jppf_jax.structs import Array, Detections, PanopticParts

Maps = tuple[Int[np.ndarray, "H W"], Int[np.ndarray, "H W"]]
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


def torch_fusion(
  semantic_logits: Float[Array, "h w K"],
  part_logits: Float[Array, "h w O"],
  detections: Detections,
  *,
  spec: LabelSpec,
) -> Callable[[], Maps]:
  """Returns the same fusion written plainly in PyTorch, as a function without arguments.

  Softmax maps of all channels stand at the size of the image; a loop over the detections works on
  the window of each box. It returns the class and the instance of each pixel.

  Args:
    semantic_logits: this and the others are as in `scan_fusion`.
    part_logits: raw, stride 4.
    detections: of this image.
    spec: the taxonomy.
  """
  import torch

  tensor = lambda x: torch.from_numpy(np.array(x))  # noqa: E731
  inputs = tensor(semantic_logits), tensor(part_logits)
  masks, boxes = tensor(detections.mask_logits), np.asarray(detections.boxes, float)
  good = np.asarray(detections.valid) & (np.asarray(detections.scores) > PAPER.score_threshold)
  things = np.asarray(things_of(detections, spec))
  size = 4 * semantic_logits.shape[0], 4 * semantic_logits.shape[1]

  def up(logits: Any) -> Any:
    image = logits.permute(2, 0, 1)[None]
    return torch.nn.functional.interpolate(image, size=size, mode="bilinear")[0]

  def axis_weights(low: float, high: float, first: int, last: int) -> Any:
    centres = torch.arange(first, last) + 0.5
    u = 28 * (centres - low) / max(high - 1 - low, 1e-6)
    distance = (u[:, None] - (torch.arange(28) + 0.5)).abs()
    return (1 - distance).clamp(min=0)

  def window_of(box: np.ndarray) -> tuple[slice, slice, Any]:
    x0, y0, x1, y1 = box
    margin_x, margin_y = (x1 - x0) / 56 + 1, (y1 - y0) / 56 + 1
    left, right = max(int(x0 - margin_x), 0), min(int(x1 + margin_x) + 1, size[1])
    top, bottom = max(int(y0 - margin_y), 0), min(int(y1 + margin_y) + 1, size[0])
    return slice(top, bottom), slice(left, right), (top, bottom, left, right)

  def pasted(n: int) -> tuple[tuple[slice, slice], Any]:
    rows, columns, (top, bottom, left, right) = window_of(boxes[n])
    x0, y0, x1, y1 = boxes[n].tolist()
    across = axis_weights(x0, x1, left, right)
    return (rows, columns), axis_weights(y0, y1, top, bottom) @ masks[n] @ across.T

  def fused(*terms: Any) -> Any:
    return sum(torch.sigmoid(term) for term in terms) * sum(terms)

  def fuse() -> Maps:
    with torch.inference_mode():
      logits = up(inputs[0])
      semantic, part = logits.softmax(0), up(inputs[1]).softmax(0)
      occupied = torch.zeros(size, dtype=torch.bool)
      best = torch.full(size, -torch.inf)
      slot = torch.zeros(size, dtype=torch.int32)
      kept = []
      for n in np.flatnonzero(good).tolist():
        window, mli = pasted(n)
        mask = mli > 0
        if (mask & occupied[window]).sum() <= PAPER.overlap_threshold * mask.sum():
          occupied[window] |= mask
          kept.append(n)
      for n in sorted(kept, key=lambda n: (not spec.class_parts[things[n]], n)):
        window, mli = pasted(n)
        inside = torch.zeros_like(mli)
        x0, y0, x1, y1 = np.asarray(box_rectangle(boxes[n].astype(np.float32), size)).tolist()
        top, left = window[0].start, window[1].start
        inside[y0 - top : y1 - top, x0 - left : x1 - left] = 1
        mls = semantic[things[n]][window] * inside
        for channel in spec.class_parts[things[n]] or (0,):
          score = fused(mli, mls, part[channel][window] * inside)
          wins = score > best[window]
          best[window] = torch.where(wins, score, best[window])
          slot[window] = torch.where(wins, int(n) + 1, slot[window])
      stuff = fused(semantic[: spec.num_stuff], part[:1]).max(0).values
      fill = logits.argmax(0)
      slot = torch.where(best >= stuff, slot, 0)
      areas = torch.bincount(fill[slot == 0], minlength=spec.num_classes)
      areas[spec.num_stuff :] = 0
      stuff_or_void = torch.where(areas[fill] >= PAPER.min_stuff_area, fill, 255)
      classes = torch.from_numpy(things)[(slot - 1).clamp(min=0).long()]
      return torch.where(slot > 0, classes, stuff_or_void).numpy(), slot.numpy()

  return fuse
