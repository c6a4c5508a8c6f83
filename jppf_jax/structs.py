"""The structs that the stages exchange, and the legend of the axis letters.

Axes: `B` batch, `H W` image, `h w` feature map, `C` channels, `K` semantic classes, `P` part
channels (0 = background), `O` outputs of the part head (P or more: `labels/spec.py`), `T` thing
classes, `N` anchors of all levels, `R` regions (proposals), `M` regions with a mask target, `G`
ground-truth objects, `D` detections. Pyramids are dicts keyed by stride, finest first.

Boxes are `x0 y0 x1 y1`, image pixels, float32, continuous (a pixel's centre is at +0.5). Padding is
marked by a `valid` mask beside the array. Region classes are 0 = background, 1..T = things, as the
channels of the box head; the train id of region class `t` is `num_stuff + t - 1`.
"""

import dataclasses
import inspect
from collections.abc import Iterable
from typing import Any, TypeVar, dataclass_transform

import jax
import numpy as np
from jax import export
from jaxtyping import Bool, Float, Int, UInt8

from jppf_jax.panoptic import IGNORE as IGNORE  # of train ids in structs, too

Array = jax.Array | np.ndarray
Pyramid = dict[int, Float[Array, "_b _h _w _c"]]  # {4: [B, H/4, W/4, c4], 8: ...}

_T = TypeVar("_T")


@dataclass_transform(frozen_default=True)
def struct(cls: type[_T]) -> type[_T]:
  """Makes a frozen dataclass that is a pytree; `dataclasses.replace` gives a changed copy. Programs
  that `jax.export` writes know it by its name.

  Fields with a default other than None are static: they are no leaves, but part of the tree.

  JAX rebuilds it without calling `__init__`: inside `vmap` the fields have lost an axis, and in a
  tree of shapes or specs they are no arrays at all. So annotations are checked (in tests) only when
  our own code builds one.
  """
  made = dataclasses.dataclass(frozen=True)(cls)
  names = list(inspect.get_annotations(made))
  statics = [name for name in names if getattr(made, name, None) is not None]
  children_of = [name for name in names if name not in statics]

  def flatten(
    value: _T,
  ) -> tuple[list[tuple[jax.tree_util.GetAttrKey, Any]], tuple[Any, ...]]:
    keys = map(jax.tree_util.GetAttrKey, children_of)
    children = (getattr(value, name) for name in children_of)
    return list(zip(keys, children)), tuple(getattr(value, name) for name in statics)

  def unflatten(static: tuple[Any, ...], children: Iterable[Any]) -> _T:
    value = object.__new__(made)
    for name, child in zip(children_of + statics, [*children, *static], strict=True):
      object.__setattr__(value, name, child)
    return value

  jax.tree_util.register_pytree_with_keys(made, flatten, unflatten)
  if not statics:  # those with static fields stay inside of programs
    export.register_pytree_node_serialization(
      made,
      serialized_name=f"{made.__module__}.{made.__qualname__}",
      serialize_auxdata=lambda _: b"",
      deserialize_auxdata=lambda _: (),
    )
  return made


@struct
class Batch:
  """Images with their ground truth, padded to static shapes.

  Attributes:
    image: RGB, 0..255; normalised on the device.
    semantic: train ids, stuff first, 255 = ignore.
    part: part outputs of the label spec (the part channels, and further backgrounds if there are
      any), 255 = ignore.
    instance: 0 = none, g = row g - 1 of `boxes`. The mask of an object is `instance == g`; masks
      are never stored as [G H W].
    boxes: tight boxes of the visible pixels.
    labels: region classes 1..T; 0 in padding.
    valid: which rows of `boxes` and `labels` are objects.
    covered: rows and columns that each image covers, from the top left; the rest is padding.
  """

  image: UInt8[Array, "B H W 3"]
  semantic: Int[Array, "B H W"]
  part: Int[Array, "B H W"]
  instance: Int[Array, "B H W"]
  boxes: Float[Array, "B G 4"]
  labels: Int[Array, "B G"]
  valid: Bool[Array, "B G"]
  covered: Int[Array, "B 2"]


@struct
class RPNOutputs:
  """Objectness logits and box deltas per level, flattened over y, x, anchor (anchor fastest).

  Attributes:
    objectness: logits, by stride.
    deltas: box deltas, by stride.
  """

  objectness: dict[int, Float[Array, "_b _n"]]
  deltas: dict[int, Float[Array, "_b _n 4"]]


@struct
class RPNTargets:
  """The sampled anchors and what they should predict; levels concatenated, finest first.

  Attributes:
    positive: sampled anchors that belong to an object.
    negative: sampled anchors that are background.
    deltas: towards the object; 0 for anchors that are not positive.
  """

  positive: Bool[Array, "B N"]
  negative: Bool[Array, "B N"]
  deltas: Float[Array, "B N 4"]


@struct
class Proposals:
  """Class-agnostic boxes of the RPN, best first.

  Attributes:
    boxes: clipped to the image.
    scores: objectness, in [0, 1]; 0 in padding.
    valid: False in padding.
  """

  boxes: Float[Array, "B R 4"]
  scores: Float[Array, "B R"]
  valid: Bool[Array, "B R"]


@struct
class RegionTargets:
  """Regions sampled for training, positives first, and what the box and the mask head should
  predict.

  Attributes:
    boxes: the regions.
    valid: False in padding.
    labels: region classes, 0 = background.
    deltas: towards the matched object, with the standard deviations of the box head; 0 for regions
      that are not positive.
    mask_boxes: the first M regions; M is the largest possible number of positives.
    mask_valid: which of them are positive.
    mask_labels: their region classes.
    masks: targets in {0, 1}.
  """

  boxes: Float[Array, "B R 4"]
  valid: Bool[Array, "B R"]
  labels: Int[Array, "B R"]
  deltas: Float[Array, "B R 4"]
  mask_boxes: Float[Array, "B M 4"]
  mask_valid: Bool[Array, "B M"]
  mask_labels: Int[Array, "B M"]
  masks: Float[Array, "B M 28 28"]


@struct
class RegionOutputs:
  """Predictions of the box head and the mask head; channel 0 of the class axis is background.

  Attributes:
    class_logits: `T1` is T + 1, the thing classes and the background.
    deltas: box deltas per class.
    mask_logits: per class.
  """

  class_logits: Float[Array, "B R T1"]
  deltas: Float[Array, "B R T1 4"]
  mask_logits: Float[Array, "B M 28 28 T1"]


@struct
class Detections:
  """Final instances, best first.

  Attributes:
    boxes: clipped to the image.
    labels: region classes 1..T; 0 in padding.
    scores: probabilities of the class.
    mask_logits: raw logits of the class.
    valid: False in padding.
  """

  boxes: Float[Array, "*B D 4"]
  labels: Int[Array, "*B D"]
  scores: Float[Array, "*B D"]
  mask_logits: Float[Array, "*B D 28 28"]
  valid: Bool[Array, "*B D"]


@struct
class Outputs:
  """What the network predicts for a batch.

  Attributes:
    semantic: logits at stride 4, float32; no channel if there is no semantic head.
    part: logits at stride 4, float32; no channel if there is no part head.
    rpn: of all anchors; this and all that follows is None if there is no instance head.
    proposals: the best boxes of the RPN.
    regions: of the sampled regions; in training only.
    region_targets: targets of these regions; in training only.
    detections: in inference only.
  """

  semantic: Float[Array, "B h w K"]
  part: Float[Array, "B h w O"]
  rpn: RPNOutputs | None = None
  proposals: Proposals | None = None
  regions: RegionOutputs | None = None
  region_targets: RegionTargets | None = None
  detections: Detections | None = None


@struct
class LogitView:
  """Logits of an image that the network saw at another scale, or mirrored.

  Attributes:
    logits: at stride 4 of the view.
    covered: rows and columns of the view that the image covers, from the top left.
    scale: about how many pixels of the view one pixel of the working size is; static.
    mirrored: whether the view shows the image mirrored left to right; static.
    exchange: the channel of the image for which each channel of a mirrored view speaks; static.
      Empty: itself.
  """

  logits: Float[Array, "*B h w C"]
  covered: Int[Array, "*B 2"]
  scale: float = 1.0
  mirrored: bool = False
  exchange: tuple[int, ...] = ()


@struct
class LogitViews:
  """Logits of several views of the same images: they stand for the mean of their probabilities at
  each pixel of a result, see `fusion.frame.upsample`.
  """

  views: tuple[LogitView, ...]

  @property
  def shape(self) -> tuple[int, ...]:
    """Shape of the logits of the first view."""
    return self.views[0].logits.shape


@struct
class AveragedOutputs:
  """What the network predicts for a batch of which it saw several views.

  Attributes:
    semantic: logits of each view.
    part: logits of each view.
    detections: of all views together; None if there is no instance head.
  """

  semantic: LogitViews
  part: LogitViews
  detections: Detections | None


@struct
class Segments:
  """The instances that won pixels in a fusion; row n belongs to detection n.

  Attributes:
    labels: train ids; 0 in padding.
    scores: of the detections; 0 in padding.
    areas: pixels won; 0 in padding.
    valid: False for detections that won no pixel.
  """

  labels: Int[Array, "*B D"]
  scores: Float[Array, "*B D"]
  areas: Int[Array, "*B D"]
  valid: Bool[Array, "*B D"]


@struct
class PanopticParts:
  """The answer: class, instance and part of each pixel.

  Attributes:
    semantic: train ids, 255 = void.
    instance: 0 for stuff and void, else 1 + the row of the detection.
    part: part channels; 0 = void or a class without parts, 255 = part unknown.
    segments: the instances as a table.
  """

  semantic: Int[Array, "*B H W"]
  instance: Int[Array, "*B H W"]
  part: Int[Array, "*B H W"]
  segments: Segments
