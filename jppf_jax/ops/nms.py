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

  Boxes are visited by descending score, the earlier one first where scores are equal. A box
  survives unless it overlaps a survivor by *more* than `threshold` (strict, as EfficientPS's GPU
  kernel; at 1.0 nothing is ever suppressed). Exact, not an approximation. Takes N^2 bytes. One
  image: batch it with `jax.vmap`.

  Args:
    boxes: the candidates. Empty ones overlap nothing, so they survive.
    scores: any real numbers.
    valid: which rows are boxes. Padding neither survives nor suppresses.
    threshold: intersection over union, 0..1.
    classes: if given, boxes suppress only boxes of their own class (compared, not shifted apart: no
      precision is lost).
    impl: "sequential" visits the boxes one by one: N cheap steps, best on CPU. "fixed_point"
      repeats whole-array rounds, as many as the longest chain of boxes that suppress each other:
      best on GPU and TPU. "auto" takes the one that fits the platform the program is compiled for.
      All return the same.

  Raises:
    ValueError: an unknown `impl`.
  """
  if impl not in ("auto", "sequential", "fixed_point"):
    raise ValueError(f'impl must be "auto", "sequential" or "fixed_point"; got {impl!r}.')
  if len(boxes) == 0:
    return jnp.zeros(0, bool)
  order = jnp.argsort(-jnp.asarray(scores, jnp.float32), stable=True)
  boxes, ordered_valid = jnp.asarray(boxes)[order], jnp.asarray(valid)[order]
  overlaps = iou_matrix(boxes, boxes) > threshold
  if classes is not None:
    classes = jnp.asarray(classes)[order]
    overlaps &= classes[:, None] == classes
  suppresses = jnp.triu(overlaps, 1)  # [i, j]: i comes before j and overlaps it
  if impl == "auto":
    survivors = jax.lax.platform_dependent(
      suppresses, ordered_valid, cpu=_sequential, default=_fixed_point
    )
  else:
    survivors = {"sequential": _sequential, "fixed_point": _fixed_point}[impl](
      suppresses, ordered_valid
    )
  return jnp.zeros_like(ordered_valid).at[order].set(survivors)


def _sequential(suppresses: Bool[Array, "N N"], valid: Bool[Array, "N"]) -> Bool[Array, "N"]:
  """When box i is reached its fate is settled; if it survived, it removes those it suppresses."""
  return jax.lax.fori_loop(0, len(valid), lambda i, kept: kept & ~(suppresses[i] & kept[i]), valid)


def _fixed_point(suppresses: Bool[Array, "N N"], valid: Bool[Array, "N"]) -> Bool[Array, "N"]:
  """Repeats "survives if no survivor suppresses it" until nothing changes; t rounds settle the
  first t boxes.
  """

  def one_round(state):
    kept, _ = state
    updated = valid & ~jnp.any(suppresses & kept[:, None], axis=0)
    return updated, jnp.any(updated != kept)

  return jax.lax.while_loop(lambda state: state[1], one_round, (valid, jnp.array(True)))[0]
