"""A network whose answers are known in every view of an image: it finds the red rectangle."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.model import JPPF
from jppf_jax.ops.boxes import BOX_HEAD_STDS, encode, iou_matrix
from jppf_jax.structs import Proposals, RPNOutputs

SPEC = LabelSpec.from_dict(
  {
    "stuff": {"floor": {"id": 1, "color": [1, 1, 1]}},
    "things": {
      "person": {"id": 2, "color": [2, 2, 2], "parts": {"left arm": [1], "right arm": [2]}}
    },
    "mirror": [["left arm", "right arm"]],
  },
  name="people with arms",
)
RPN_ERROR = (-3.0, -1.0, 2.0, 1.0)  # pixels of the view


def _same(pixels, *, train):
  return pixels


def _pyramid(pixels, *, train):
  return {4: pixels}


def _red(pyramid):
  """The red channel as the objectness of a level that is named by its height."""
  pixels = pyramid[4]
  count, height, width, _ = pixels.shape
  return RPNOutputs({height: pixels[..., 0].reshape(count, height * width)}, {})


def _classes(pyramid, *, train):
  red = _cells(pyramid[4])[..., 0]
  return jnp.stack([jnp.zeros_like(red), (red - 128) / 16], -1)


def _parts(pyramid, *, train):
  growth = jnp.gradient(_cells(pyramid[4])[..., 2], axis=2)
  return jnp.stack([jnp.zeros_like(growth) - 1, growth, -growth], -1)


def boxes_found(pooled, shift=0):
  """What the box head says of the object; by `shift` of its widths too far right in each view."""
  pixels, boxes = pooled
  true = _object(pixels[..., 0])[:, None]
  is_object = jax.vmap(iou_matrix)(boxes, true)[..., 0] > 0.5
  logits = jnp.where(is_object[..., None], jnp.array([0.0, 4]), jnp.array([4.0, 0]))
  width = true[..., 2] - true[..., 0]
  pixels_too_far = jnp.reshape(shift, (-1, 1)) * width
  said = true + pixels_too_far[..., None] * jnp.array([1, 0, 1, 0])
  deltas = encode(boxes, jnp.broadcast_to(said, boxes.shape), BOX_HEAD_STDS)
  return logits, jnp.stack([deltas, deltas], 2)


def _masks(pooled, valid, *, train):
  pixels, boxes = pooled
  assert valid.shape == boxes.shape[:2]

  def read(image, box):
    steps = (jnp.arange(28) + 0.5) / 28
    x, y = box[0] + steps * (box[2] - box[0]), box[1] + steps * (box[3] - box[1])
    return image[y.astype(int)[:, None], x.astype(int), 1]

  green = jax.vmap(jax.vmap(read, (None, 0)))(pixels, boxes)
  logits = (green - 128) / 16
  return jnp.stack([0 * logits, logits], -1)


class ViewNetwork(JPPF):
  """Stands for `JPPF`. What it says of a view is true of that view, not of the image.

  A pixel is a person if its red is above 128. Its part is the left arm where blue grows to the
  right, and the right arm where it falls. The RPN finds the person, with an error to the left, and
  the whole image; the box head corrects the error. The mask head reads green.
  """

  encoder: Any = _same
  fpn: Any = _pyramid
  semantic_head: Any = _classes
  part_head: Any = _parts
  rpn_head: Any = _red
  box_head: Any = boxes_found
  mask_head: Any = _masks
  eval_proposals: int = 4
  max_detections: int = 3
  legacy: bool = False

  def apply(self, variables, *arguments, method):  # in place of flax's
    assert not variables
    return method(self, *arguments)

  @nn.nowrap
  def normalise(self, image):
    return image.astype(jnp.float32)

  @nn.nowrap
  def propose(self, rpn, anchors, size, count):
    height, width = size[:, 0], size[:, 1]
    zero = jnp.zeros_like(width)
    everything = jnp.stack([zero, zero, width, height], -1).astype(jnp.float32)
    ((rows, flat),) = rpn.objectness.items()
    boxes = _object(flat.reshape(len(flat), rows, -1)) + jnp.array(RPN_ERROR)
    boxes = jnp.stack([boxes, everything], 1)
    scores = jnp.broadcast_to(jnp.array([0.9, 0.6, 0, 0]), (len(flat), count))
    return Proposals(jnp.pad(boxes, ((0, 0), (0, count - 2), (0, 0))), scores, scores > 0)

  @nn.nowrap
  def pool(self, pyramid, boxes, *, bins):
    return pyramid[4], boxes


def _cells(pixels):
  count, height, width, _ = pixels.shape
  return pixels.reshape(count, height // 4, 4, width // 4, 4, 3).mean((2, 4))


def _object(red):
  """The box around the red pixels of each image."""
  red = red > 128

  def ends(some):
    return jnp.argmax(some, 1), some.shape[1] - jnp.argmax(some[:, ::-1], 1)

  (y0, y1), (x0, x1) = ends(red.any(2)), ends(red.any(1))
  return jnp.stack([x0, y0, x1, y1], -1).astype(jnp.float32)
