"""Turns the tensors of a PyTorch network into ours; all names and shapes must be as expected."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from flax import traverse_util

from jppf_jax.checkpoints.weights import WeightsError, differences, shapes_of

Shape = tuple[int, ...]


class Layout(NamedTuple):
  """How PyTorch stores one tensor.

  Attributes:
    shape: from our shape to theirs.
    array: from their array to ours; the second argument is our shape.
  """

  shape: Callable[[Shape], Shape]
  array: Callable[[np.ndarray, Shape], np.ndarray]


def permuted(*axes: int) -> Layout:
  """Returns the layout whose axis `i` is our axis `axes[i]`."""
  inverse = np.argsort(axes)

  def shape(ours: Shape) -> Shape:
    return tuple(ours[axis] for axis in axes)

  def array(theirs: np.ndarray, ours: Shape) -> np.ndarray:
    del ours
    return theirs.transpose(inverse)

  return Layout(shape, array)


def flattened(bins: int) -> Layout:
  """Returns the layout of a dense layer that reads a flattened [bins bins C] map.

  PyTorch flattens it as [C bins bins].
  """

  def array(theirs: np.ndarray, ours: Shape) -> np.ndarray:
    outputs = len(theirs)
    unflattened = theirs.reshape(outputs, -1, bins, bins)
    return unflattened.transpose(2, 3, 1, 0).reshape(ours)

  return Layout(DENSE.shape, array)


def _pointwise_shape(ours: Shape) -> Shape:
  inputs, outputs = ours
  return outputs, inputs, 1, 1


SAME = Layout(lambda ours: ours, lambda theirs, _: theirs)
# theirs: outputs, inputs, rows, columns; ours: rows, columns, inputs, outputs. The "inputs" of a
# depthwise kernel are 1 in both.
CONV = permuted(3, 2, 0, 1)
# theirs: inputs, outputs, rows, columns; not flipped, see `DoubleResolution`
TRANSPOSED_CONV = permuted(2, 3, 0, 1)
DENSE = permuted(1, 0)
# theirs: a 1 x 1 convolution; ours: a matrix
POINTWISE = Layout(_pointwise_shape, lambda theirs, _: theirs[:, :, 0, 0].T)


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
  """Returns where one of our leaves comes from.

  Args:
    module: name of the PyTorch module.
    leaf: `kernel`, `bias`, `scale`, `mean` or `var`.
    layout: of the kernel; all other leaves have the same shape on both sides.
  """
  return Source(f"{module}.{_LEAVES[leaf]}", layout if leaf == "kernel" else SAME)


@dataclasses.dataclass(frozen=True)
class Imported:
  """Variables made from a file.

  Attributes:
    variables: `{"params": ..., "batch_stats": ...}`, float32.
    used: number of tensors of the file that were used.
    skipped: names of the others, keyed by the reason.
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
  """Returns our variables, made from the tensors of a file.

  Args:
    found: their tensors, by name.
    template: our variables, arrays or shapes.
    source_of: where one of our tensors comes from, given its path without "params" or
      "batch_stats".
    skip: the reason why a tensor that nothing reads may be skipped; None if it may not.

  Raises:
    WeightsError: tensors are missing, left over or of another shape; all are listed.
  """
  wanted = {path: tuple(leaf.shape) for path, leaf in traverse_util.flatten_dict(template).items()}
  sources = {path: source_of(path[1:]) for path in wanted}
  expected = {source.name: source.layout.shape(wanted[path]) for path, source in sources.items()}
  shapes = shapes_of(found)
  skipped: dict[str, list[str]] = {}
  for name in sorted(shapes.keys() - expected.keys()):
    reason = skip(name)
    if reason is not None:
      skipped.setdefault(reason, []).append(name)
      del shapes[name]
  problems = differences(shapes, expected, whose="expected")
  if any(problems):
    missing, left_over, other_shape = map(len, problems)
    raise WeightsError(
      f"the tensors are not those of this network:{problems}\n"
      f"In all {missing} missing, {left_over} left over and {other_shape} of another shape, "
      f"of {len(expected)}. Is it the right variant?"
    )
  flat = {}
  for path, source in sources.items():
    shape = wanted[path]
    array = source.layout.array(found[source.name], shape)
    flat[path] = np.ascontiguousarray(array, np.float32).reshape(shape)
  return Imported(traverse_util.unflatten_dict(flat), len(expected), skipped)


def counters(name: str) -> str | None:
  """Returns why PyTorch's counters of batches are skipped; None for all other tensors."""
  return "counters of batches" if name.endswith(".num_batches_tracked") else None
