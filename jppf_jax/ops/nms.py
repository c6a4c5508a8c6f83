"""Greedy non-maximum suppression with static shapes. Boxes as in `boxes.py`."""

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float, Int

from jppf_jax.ops.boxes import iou_matrix
from jppf_jax.structs import Array


def nms(
  boxes: Float[Array, "N 4"],
  scores: Float[Array, "N"],
  valid: Bool[Array, "N"],
  *,
  threshold: float,
  classes: Int[Array, "N"] | None = None,
  impl: str = "auto",
) -> Bool[Array, "N"]:
  """Returns which boxes survive, in the order of the input.

  Boxes are visited by descending score; of equal scores the earlier box comes first. A box survives
  unless it overlaps a survivor by *more* than `threshold` (strict, as EfficientPS's GPU kernel; at
  1.0 nothing is suppressed). Exact, not an approximation. Needs N^2 bytes. One image: batch it with
  `jax.vmap`.

  Args:
    boxes: the candidates. Empty ones overlap nothing, so they survive.
    scores: any real numbers.
    valid: which rows are boxes. Padding neither survives nor suppresses.
    threshold: intersection over union, 0..1.
    classes: if given, boxes suppress only boxes of their own class. Classes are compared; boxes are
      not shifted apart, which would lose precision.
    impl: "sequential" visits the boxes one by one: N cheap steps, best on CPU. "fixed_point"
      repeats whole-array rounds, as many as the longest chain of boxes that suppress each other:
      best on GPU and TPU. "auto" chooses by the platform the program is compiled for. All return
      the same.

  Raises:
    ValueError: `impl` is unknown.
  """
  if impl not in ("auto", "sequential", "fixed_point"):
    raise ValueError(f'impl must be "auto", "sequential" or "fixed_point"; got {impl!r}.')
  if len(boxes) == 0:
    return jnp.zeros(0, bool)
  descending = -jnp.asarray(scores, jnp.float32)
  order = jnp.argsort(descending, stable=True)
  boxes, valid = jnp.asarray(boxes)[order], jnp.asarray(valid)[order]
  overlaps = iou_matrix(boxes, boxes) > threshold
  if classes is not None:
    classes = jnp.asarray(classes)[order]
    overlaps &= classes[:, None] == classes
  suppresses = jnp.triu(overlaps, 1)  # [i, j]: i comes before j and overlaps it
  if impl == "sequential":
    survivors = _sequential(suppresses, valid)
  elif impl == "fixed_point":
    survivors = _fixed_point(suppresses, valid)
  else:
    choose = jax.lax.platform_dependent
    survivors = choose(suppresses, valid, cpu=_sequential, default=_fixed_point)
  return jnp.zeros_like(valid).at[order].set(survivors)


def _sequential(suppresses: Bool[Array, "N N"], valid: Bool[Array, "N"]) -> Bool[Array, "N"]:
  """Visits the boxes in order; each one that is still kept removes the boxes it suppresses."""

  def visit(i, kept):
    removed = suppresses[i] & kept[i]
    return kept & ~removed

  return jax.lax.fori_loop(0, len(valid), visit, valid)


def _fixed_point(suppresses: Bool[Array, "N N"], valid: Bool[Array, "N"]) -> Bool[Array, "N"]:
  """Repeats "a box survives if no survivor suppresses it" until nothing changes.

  After t rounds the first t boxes are final.
  """

  def one_round(state):
    kept, _ = state
    suppressed = jnp.any(suppresses & kept[:, None], axis=0)
    updated = valid & ~suppressed
    return updated, jnp.any(updated != kept)

  def changed(state):
    return state[1]

  survivors, _ = jax.lax.while_loop(changed, one_round, (valid, jnp.array(True)))
  return survivors
