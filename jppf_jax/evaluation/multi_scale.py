"""Multi-scale testing: the network sees an image at several scales, and mirrored.

The paper's tables have rows for it and say no more. As EfficientPS (scales 0.75 to 2, and each of
them mirrored) and the customary scheme for two-stage detectors:

1. Each scale of the photo, and its mirrored copy, goes through encoder, pyramid and the heads for
   classes and parts. Their probabilities are averaged at the pixels of the answer
   (`fusion.frame.upsample`); left and right parts of a mirrored view are exchanged.
2. The proposals of all views are merged by non-maximum suppression.
3. The box head sees each of them in each view. Probabilities and box deltas are averaged; then come
   the score threshold and non-maximum suppression.
4. The mask head sees each detection in each view. The mask probabilities are averaged, and become
   logits again.

Memory is that of the pyramids of all views together.
"""

import dataclasses
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
from jaxtyping import Float, Int, UInt8

from jppf_jax.evaluation.frames import Frame
from jppf_jax.evaluation.together import Together, merged
from jppf_jax.labels.sides import exchanged_outputs
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.model import JPPF
from jppf_jax.ops.nms import nms
from jppf_jax.structs import (
  Array,
  AveragedOutputs,
  Detections,
  LogitView,
  LogitViews,
  Proposals,
  Pyramid,
)


def scaled_frame(frame: Frame, scale: float) -> Frame:
  """Returns the frame in which the network sees an image at a scale of the working size.

  Args:
    frame: of the image at the working size.
    scale: 1 returns an equal frame.
  """
  size, covered = _scaled(frame.size, scale), _scaled(frame.covered, scale)
  return dataclasses.replace(frame, size=size, covered=covered)


def _scaled(sides: tuple[int, int], scale: float) -> tuple[int, int]:
  """Scales two sides; larger ones stay larger, or become equal."""
  rows, columns = (max(1, round(scale * side)) for side in sides)
  return rows, columns


class Shot(NamedTuple):
  """A batch of images at one scale.

  Attributes:
    image: RGB, 0..255, padded to multiples of 32.
    covered: rows and columns that each image covers.
    scale: of the working size; static.
  """

  image: UInt8[Array, "B H W 3"]
  covered: Int[Array, "B 2"]
  scale: float


class _View(NamedTuple):
  """What the network made of one scale. Mirrored copies are the second half of its batch.

  Attributes:
    pyramid: features.
    covered: rows and columns that each image covers.
    factors: pixels of the view per pixel of the working size, `x y x y`.
    semantic: logits.
    part: logits.
    proposals: in pixels of the view; None if there is no instance head.
    scale: see `Shot`.
  """

  pyramid: Pyramid
  covered: Int[Array, "V 2"]
  factors: Float[Array, "V 1 4"]
  semantic: Float[Array, "V h w K"]
  part: Float[Array, "V h w O"]
  proposals: Proposals | None
  scale: float


def averaged_outputs(
  model: JPPF | Together,
  variables: Any,
  shots: Sequence[Shot],
  size: Int[Array, "B 2"],
  *,
  flip: bool,
  spec: LabelSpec,
) -> AveragedOutputs:
  """Returns what the network predicts for a batch that it sees several times; runs in jit.

  Args:
    model: the network, or several together.
    variables: its parameters and running statistics.
    shots: the same images at each scale.
    size: rows and columns that each image covers at the working size, in which the boxes are.
    flip: whether each shot is seen mirrored as well.
    spec: the taxonomy; says which parts are left and right.
  """
  if isinstance(model, Together):
    each = [
      averaged_outputs(network, of_network, shots, size, flip=flip, spec=spec)
      for network, of_network in zip(model.networks, model.split(variables))
    ]
    return merged(model.networks, each)
  found = model.apply(variables, shots, size, flip, exchanged_outputs(spec), method=_see)
  return cast(AveragedOutputs, found)


def _see(
  model: JPPF,
  shots: Sequence[Shot],
  size: Int[Array, "B 2"],
  flip: bool,
  exchange: tuple[int, ...],
) -> AveragedOutputs:
  """`averaged_outputs` with a model that has its variables."""
  views = [_look(model, shot, size, flip) for shot in shots]
  count = len(size)
  detections = None
  if model.rpn_head is not None:
    proposals = _merged_proposals(model, views, count)
    detections = _detections(model, views, proposals, size)
  return AveragedOutputs(
    semantic=_logit_views(views, [view.semantic for view in views], count, ()),
    part=_logit_views(views, [view.part for view in views], count, exchange),
    detections=detections,
  )


def _look(model: JPPF, shot: Shot, size: Int[Array, "B 2"], flip: bool) -> _View:
  """Runs what does not depend on other views."""
  image, covered = jnp.asarray(shot.image), jnp.asarray(shot.covered)
  if flip:
    image = jnp.concatenate([image, mirrored_images(image, covered)])
    covered, size = jnp.concatenate([covered, covered]), jnp.concatenate([size, size])
  pyramid = model.fpn(model.encoder(model.normalise(image), train=False), train=False)
  semantic, part = model.logits(pyramid, train=False)
  proposals = None
  if model.rpn_head is not None:
    anchors = model.anchors((image.shape[1], image.shape[2]))
    rpn = model.rpn_head(pyramid)
    proposals = model.propose(rpn, anchors, covered, model.eval_proposals)
  rows_and_columns = covered / size
  factors = jnp.tile(rows_and_columns[:, ::-1], 2)[:, None].astype(jnp.float32)
  return _View(pyramid, covered, factors, semantic, part, proposals, shot.scale)


def mirrored_images(
  image: UInt8[Array, "B H W 3"], covered: Int[Array, "B 2"]
) -> UInt8[Array, "B H W 3"]:
  """Returns each image mirrored left to right; its padding stays where it is."""
  columns = jnp.arange(image.shape[2])
  width = covered[:, 1, None]
  source = jnp.where(columns < width, width - 1 - columns, columns)
  return jnp.take_along_axis(image, source[:, None, :, None], axis=2)


def mirrored_boxes(
  boxes: Float[Array, "B R 4"], covered: Int[Array, "B 2"]
) -> Float[Array, "B R 4"]:
  """Returns boxes of images as boxes of the mirrored images, and the reverse."""
  width = covered[:, 1, None]
  x0, y0, x1, y1 = jnp.moveaxis(boxes, -1, 0)
  return jnp.stack([width - x1, y0, width - x0, y1], -1)


def _in_view(view: _View, boxes: Float[Array, "B R 4"]) -> Float[Array, "V R 4"]:
  """Boxes of the working size as boxes of a view."""
  count = len(boxes)
  scaled = boxes * view.factors[:count]
  if len(view.covered) == count:
    return scaled
  return jnp.concatenate([scaled, mirrored_boxes(scaled, view.covered[:count])])


def _of_view(view: _View, boxes: Float[Array, "V R 4"], count: int) -> list[Float[Array, "B R 4"]]:
  """Boxes of a view as boxes of the working size: those of the images, and of their mirrored
  copies.
  """
  plain, mirrored = boxes[:count], boxes[count:]
  if len(mirrored):
    mirrored = mirrored_boxes(mirrored, view.covered[:count])
  return [part / view.factors[:count] for part in (plain, mirrored) if len(part)]


def _halves(values: Array, count: int) -> list[Array]:
  """What belongs to the images, and to their mirrored copies if there are any."""
  return [half for half in (values[:count], values[count:]) if len(half)]


def _merged_proposals(model: JPPF, views: list[_View], count: int) -> Proposals:
  """The best proposals of all views, in pixels of the working size."""
  boxes, scores, valid = [], [], []
  for view in views:
    assert view.proposals is not None
    boxes += _of_view(view, view.proposals.boxes, count)
    scores += _halves(view.proposals.scores, count)
    valid += _halves(view.proposals.valid, count)
  return merge_proposals(
    Proposals(*(jnp.concatenate(parts, 1) for parts in (boxes, scores, valid))),
    threshold=model.proposal_nms,
    count=model.eval_proposals,
  )


def merge_proposals(found: Proposals, *, threshold: float, count: int) -> Proposals:
  """Returns the best proposals that survive non-maximum suppression, best first.

  Args:
    found: of all views, in one frame.
    threshold: overlap above which the lower score is dropped.
    count: rows of the result.
  """

  kept = jax.vmap(partial(nms, threshold=threshold))(found.boxes, found.scores, found.valid)
  ranked = jnp.where(kept, found.scores, -jnp.inf)
  scores, best = jax.lax.top_k(ranked, min(count, ranked.shape[1]))
  valid = scores > -jnp.inf
  boxes = jnp.take_along_axis(found.boxes, best[..., None], 1)
  return Proposals(
    boxes=jnp.where(valid[..., None], boxes, 0), scores=jnp.where(valid, scores, 0), valid=valid
  )


def _detections(
  model: JPPF, views: list[_View], proposals: Proposals, size: Int[Array, "B 2"]
) -> Detections:
  """The detections among the proposals, each seen in all views."""
  assert model.box_head is not None and model.mask_head is not None
  count = len(size)
  probabilities, deltas = [], []
  for view in views:
    pooled = model.pool(view.pyramid, _in_view(view, proposals.boxes), bins=7)
    class_logits, of_view = model.box_head(pooled)
    probabilities += _halves(jax.nn.softmax(class_logits), count)
    plain, *mirrored = _halves(of_view, count)
    deltas += [plain, *(each * jnp.array([-1.0, 1, 1, 1]) for each in mirrored)]
  logits = jnp.log(_mean(probabilities))
  found = model.detect(proposals, logits, _mean(deltas), size)
  masks = []
  for view in views:
    features = model.pool(view.pyramid, _in_view(view, found.boxes), bins=14)
    copies = len(view.covered) // count
    valid, channels = (jnp.tile(x, (copies, 1)) for x in (found.valid, found.labels))
    of_classes = model.mask_head(features, valid, train=False)
    own = jnp.take_along_axis(of_classes, channels[:, :, None, None, None], -1)[..., 0]
    plain, *mirrored = _halves(own, count)
    masks += [plain, *(each[..., ::-1] for each in mirrored)]
  mask_logits = mean_mask_logits(jnp.stack(masks))
  return Detections(found.boxes, found.labels, found.scores, mask_logits, found.valid)


def _mean(values: list[Array]) -> jax.Array:
  return jnp.stack(values).mean(0)


def mean_mask_logits(logits: Float[Array, "V *s"]) -> Float[Array, "*s"]:
  """Returns the logits of the mean of the probabilities of several views, for any logits."""
  inside = jax.nn.logsumexp(jax.nn.log_sigmoid(logits), axis=0)
  outside = jax.nn.logsumexp(jax.nn.log_sigmoid(-logits), axis=0)
  return inside - outside


def _logit_views(
  views: list[_View], logits: list[Array], count: int, exchange: tuple[int, ...]
) -> LogitViews:
  """The logits of a head in all views, as the fusion reads them."""
  found = []
  for view, of_view in zip(views, logits):
    covered = view.covered[:count]
    plain, *mirrored = _halves(of_view, count)
    found.append(LogitView(plain, covered, view.scale))
    found += [LogitView(each, covered, view.scale, True, exchange) for each in mirrored]
  return LogitViews(tuple(found))
