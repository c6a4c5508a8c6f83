"""Turns the tensors of a PyTorch network into ours, strictly: every name and every shape must be as
expected.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from flax import traverse_util

from jppf_jax.checkpoints.weights import WeightsError, differences, shapes_of

Shape = tuple[int, ...]


class Layout(NamedTuple):
  """How one tensor is stored over there.

  Attributes:
    shape: from our shape to theirs.
    array: from their array to ours; the second argument is our shape.
  """

  shape: Callable[[Shape], Shape]
  array: Callable[[np.ndarray, Shape], np.ndarray]


SAME = Layout(lambda ours: ours, lambda x, _: x)
# outputs, inputs, rows, columns -> rows, columns, inputs, outputs; for depthwise kernels "inputs"
# is 1 in both
CONV = Layout(
  lambda ours: (ours[3], ours[2], ours[0], ours[1]), lambda x, _: x.transpose(2, 3, 1, 0)
)
# inputs, outputs, rows, columns -> rows, columns, inputs, outputs; not flipped, see
# `DoubleResolution`
TRANSPOSED_CONV = Layout(
  lambda ours: (ours[2], ours[3], ours[0], ours[1]), lambda x, _: x.transpose(2, 3, 0, 1)
)
DENSE = Layout(lambda ours: ours[::-1], lambda x, _: x.T)
# a 1 x 1 convolution that is a matrix with us
POINTWISE = Layout(lambda ours: (*ours[::-1], 1, 1), lambda x, _: x[:, :, 0, 0].T)


def flattened(bins: int) -> Layout:
  """A dense layer that reads a flattened [bins bins C] map; theirs is flattened as [C bins bins]."""

  def array(x: np.ndarray, ours: Shape) -> np.ndarray:
    return x.reshape(len(x), -1, bins, bins).transpose(2, 3, 1, 0).reshape(ours)

  return Layout(DENSE.shape, array)


class Source(NamedTuple):
  """Where one of our tensors comes from."""

  name: str
  layout: Layout = SAME


_LEAVES = {
  "kernel": "weight",
  "scale": "weight",
  "bias": "bias",
  "mean": "running_mean",
  "var": "running_var",
}


def tensor_of(module: str, leaf: str, layout: Layout = SAME) -> Source:
  """The PyTorch tensor of our leaf (`kernel`, `scale`, ...) in a module of theirs; `layout` is that
  of kernels.
  """
  return Source(f"{module}.{_LEAVES[leaf]}", layout if leaf == "kernel" else SAME)


@dataclasses.dataclass(frozen=True)
class Imported:
  """What came out of a file.

  Attributes:
    variables: `{"params": ..., "batch_stats": ...}`, float32.
    used: number of tensors of the file that they were made from.
    skipped: names of the others, by the reason why.
  """

  variables: Any
  used: int
  skipped: dict[str, list[str]]


def convert(
  found: dict[str, np.ndarray],
  template: Any,
  source_of: Callable[[tuple[str, ...]], Source],
  skip: Callable[[str], str | None],
) -> Imported:
  """Makes our variables out of the tensors of a file.

  Args:
    found: their tensors, by name.
    template: our variables, arrays or shapes.
    source_of: from the path of one of ours, without "params" or "batch_stats", to where it comes
      from.
    skip: why a tensor that nothing reads may be passed over; None if it may not.

  Raises:
    WeightsError: tensors are missing, left over or of another shape; all are listed.
  """
  wanted = {path: tuple(leaf.shape) for path, leaf in traverse_util.flatten_dict(template).items()}
  sources = {path: source_of(path[1:]) for path in wanted}
  theirs = {source.name: source.layout.shape(wanted[path]) for path, source in sources.items()}
  reasons = {name: skip(name) for name in sorted(found.keys() - theirs.keys())}
  skipped: dict[str, list[str]] = {}
  for name, reason in reasons.items():
    if reason is not None:
      skipped.setdefault(reason, []).append(name)
  shapes = {name: shape for name, shape in shapes_of(found).items() if reasons.get(name) is None}
  problems = differences(shapes, theirs, whose="expected")
  if any(problems):
    missing, left_over, other_shape = map(len, problems)
    raise WeightsError(
      f"the tensors are not those of this network:{problems}\nIn all {missing} missing, {left_over} left over and "
      f"{other_shape} of another shape, of {len(theirs)}. Is it the right variant?"
    )
  flat = {}
  for path, source in sources.items():
    array = source.layout.array(found[source.name], wanted[path])
    flat[path] = np.ascontiguousarray(array, np.float32).reshape(wanted[path])
  return Imported(traverse_util.unflatten_dict(flat), len(theirs), skipped)


def counters(name: str) -> str | None:
  """Why PyTorch's count of batches is skipped; None for all other tensors."""
  return "counters of batches" if name.endswith(".num_batches_tracked") else None
