"""The joint fusion written plainly in PyTorch, to compare with."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from jppf_jax.fusion.canvas import things_of
from jppf_jax.fusion.config import PAPER
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.ops.masks import box_rectangle
from jppf_jax.structs import Array, Detections

Maps = tuple[Int[np.ndarray, "H W"], Int[np.ndarray, "H W"]]
Window = tuple[slice, slice]

_CELLS = 28  # of a mask, along each side


def torch_fusion(
  semantic_logits: Float[Array, "h w K"],
  part_logits: Float[Array, "h w O"],
  detections: Detections,
  *,
  spec: LabelSpec,
) -> Callable[[], Maps]:
  """Returns the joint fusion (with the settings of the paper) as a function without arguments.

  Softmax maps of all channels stand at the size of the image; a loop over the detections works on
  the window of each box. It returns the class and the instance of each pixel.

  Args:
    semantic_logits: raw, stride 4.
    part_logits: raw, stride 4, one background for all classes.
    detections: of this image.
    spec: the taxonomy, whose stuff has no parts.
  """
  import torch

  semantic, part, masks = (
    torch.tensor(np.asarray(array))
    for array in (semantic_logits, part_logits, detections.mask_logits)
  )
  size = 4 * semantic.shape[0], 4 * semantic.shape[1]
  good = np.asarray(detections.valid) & (np.asarray(detections.scores) > PAPER.score_threshold)
  things = np.array(things_of(detections, spec))
  boxes = np.asarray(detections.boxes, float)
  classes_of = torch.tensor(things)
  candidates = np.flatnonzero(good).tolist()

  def fuse() -> Maps:
    with torch.inference_mode():
      logits = _enlarged(semantic, size)
      probabilities = logits.softmax(0), _enlarged(part, size).softmax(0)
      placed = {n: _placed(masks[n], boxes[n], size) for n in candidates}
      pasted = {n: mask.paste() for n, mask in placed.items()}
      kept = _kept(placed, pasted, torch.zeros(size, dtype=torch.bool))
      kept.sort(key=lambda n: (not spec.class_parts[things[n]], n))
      best = torch.full(size, -torch.inf)
      slot = torch.zeros(size, dtype=torch.int32)
      for n in kept:
        _compete(n, placed[n], pasted[n], probabilities, things[n], spec, best, slot)
      stuff, background = probabilities[0][: spec.num_stuff], probabilities[1][:1]
      slot = torch.where(best >= _fused(stuff, background).max(0).values, slot, 0)
      classes = classes_of[(slot - 1).clamp(min=0).long()].masked_fill(slot == 0, 255)
      return _filled(logits.argmax(0), classes, spec).numpy(), slot.numpy()

  return fuse


class _Placed(NamedTuple):
  """A mask over its box: the window of the image that it reaches, and the weights of its cells."""

  window: Window
  rows: Any
  columns: Any
  mask: Any
  inside: Any  # 1 in the rectangle of the box

  def paste(self) -> Any:
    """Returns the pasted logits in the window."""
    return self.rows @ self.mask @ self.columns.T


def _placed(mask: Any, box: Float[np.ndarray, "4"], size: tuple[int, int]) -> _Placed:
  import torch

  rectangle = np.asarray(box_rectangle(box.astype(np.float32), size)).tolist()
  spans, weights, insides = [], [], []
  for axis in (1, 0):  # rows, then columns
    low, high = box[axis], box[axis + 2]
    margin = (high - low) / (2 * _CELLS) + 1
    first, last = max(int(low - margin), 0), min(int(high + margin) + 1, size[1 - axis])
    pixels = torch.arange(first, last)
    cells = _CELLS * (pixels + 0.5 - low) / max(high - 1 - low, 1e-6)
    distance = (cells[:, None] - (torch.arange(_CELLS) + 0.5)).abs()
    spans.append(slice(first, last))
    weights.append((1 - distance).clamp(min=0).float())
    insides.append((pixels >= rectangle[axis]) & (pixels < rectangle[axis + 2]))
  inside = (insides[0][:, None] & insides[1]).float()
  return _Placed((spans[0], spans[1]), weights[0], weights[1], mask, inside)


def _enlarged(logits: Any, size: tuple[int, int]) -> Any:
  import torch

  image = logits.permute(2, 0, 1)[None]
  return torch.nn.functional.interpolate(image, size=size, mode="bilinear")[0]


def _kept(placed: dict[int, _Placed], pasted: dict[int, Any], occupied: Any) -> list[int]:
  """The filter of the detections; `occupied` is an empty map."""
  kept = []
  for n, logits in pasted.items():
    window, mask = placed[n].window, logits > 0
    if (mask & occupied[window]).sum() <= PAPER.overlap_threshold * mask.sum():
      occupied[window] |= mask
      kept.append(n)
  return kept


def _compete(
  n: int,
  placed: _Placed,
  mli: Any,
  probabilities: tuple[Any, Any],
  thing: int,
  spec: LabelSpec,
  best: Any,
  slot: Any,
) -> None:
  """Writes the pixels that instance `n` wins into `best` and `slot`."""
  semantic, part = probabilities
  window = placed.window
  mls = semantic[thing][window] * placed.inside
  for channel in spec.class_parts[thing] or (0,):
    score = _fused(mli, mls, part[channel][window] * placed.inside)
    wins = score > best[window]
    best[window] = score.where(wins, best[window])
    slot[window] = slot[window].masked_fill(wins, n + 1)


def _fused(*terms: Any) -> Any:
  """Eq. 1."""
  return sum(term.sigmoid() for term in terms) * sum(terms)


def _filled(fill: Any, classes: Any, spec: LabelSpec) -> Any:
  """The classes of instances, and stuff with a sufficient area on the other pixels."""
  free = classes == 255
  areas = fill[free].bincount(minlength=spec.num_classes)
  areas[spec.num_stuff :] = 0
  stuff = fill.masked_fill(areas[fill] < PAPER.min_stuff_area, 255)
  return stuff.where(free, classes)
