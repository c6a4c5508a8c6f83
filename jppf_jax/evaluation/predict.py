"""An image of any size to panoptic parts: scaled into the working size, one compiled program, and
scaled back to the image's own size.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Int, UInt8
from PIL import Image

from jppf_jax import build
from jppf_jax.checkpoints.weights import load_weights
from jppf_jax.evaluation.instances import in_image
from jppf_jax.fusion.canvas import upsample
from jppf_jax.fusion.config import FusionConfig
from jppf_jax.fusion.efficientps import efficientps_fusion
from jppf_jax.fusion.joint import joint_fusion
from jppf_jax.fusion.top_down import part_map, top_down_merge
from jppf_jax.input_pipeline.augment import mean_color
from jppf_jax.labels.resample import nearest
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.model import JPPF
from jppf_jax.structs import Array, Detections, Outputs, PanopticParts, struct


@struct
class Prediction:
  """Predictions for an image (or a batch): of both fusions, and of each head alone.

  Attributes:
    joint: of joint fusion.
    top_down: of EfficientPS fusion and top-down merging.
    semantic: of the semantic head alone, train ids.
    part: of the part head alone, part channels (0 = any background).
    detections: of the instance head alone; `instances.instance_masks` gives their masks.
  """

  joint: PanopticParts
  top_down: PanopticParts
  semantic: Int[Array, "*B H W"]
  part: Int[Array, "*B H W"]
  detections: Detections


def fuse_both(
  outputs: Outputs,
  *,
  spec: LabelSpec,
  size: tuple[int, int],
  config: FusionConfig,
  legacy: bool = True,
) -> Prediction:
  """Returns both fusions and the heads alone, for a batch.

  Args:
    outputs: of the network in inference.
    spec: the taxonomy.
    size: height and width of the results; the padded image is cut at the bottom and at the right.
    config: settings of the fusions.
    legacy: of the model, see `ops.masks.paste_weights`.

  Raises:
    ValueError: the outputs are those of training, which have no detections.
  """
  found = outputs.detections
  if found is None:
    raise ValueError("fuse_both needs detections; call the model with train=False.")

  def one(semantic: Array, part: Array, detections: Detections) -> Prediction:
    parts = part_map(part, spec=spec, size=size)
    joint = joint_fusion(
      semantic, part, detections, spec=spec, size=size, config=config, legacy=legacy
    )
    panoptic = efficientps_fusion(
      semantic,
      detections,
      spec=spec,
      size=size,
      score_threshold=config.score_threshold,
      overlap_threshold=config.overlap_threshold,
      min_stuff_area=config.min_stuff(size),
      legacy=legacy,
    )
    top_down = top_down_merge(panoptic, parts, spec=spec)
    class_logits = upsample(semantic, size)
    classes = jnp.argmax(class_logits, -1).astype(jnp.int32)
    return Prediction(joint, top_down, classes, parts, detections)

  return jax.vmap(one)(outputs.semantic, outputs.part, found)


class Predictor:
  """Segments images with one compiled program per working size (landscape and portrait).

  Args:
    model: the network.
    variables: its parameters and running statistics.
    spec: the taxonomy it was trained for.
    size: working size (H, W) of landscape images; portrait images use (W, H).
    config: settings of the fusions.
  """

  def __init__(
    self,
    model: JPPF,
    variables: Any,
    spec: LabelSpec,
    *,
    size: tuple[int, int],
    config: FusionConfig,
  ):
    self.spec = spec
    self._size = size
    self._padding = mean_color(model.pixel_mean)
    self._variables = jax.device_put(variables)
    self._program: Callable = jax.jit(
      partial(_program, model=model, spec=spec, config=config), static_argnames="size"
    )

  def __call__(self, image: UInt8[np.ndarray, "H W 3"]) -> Prediction:
    """Returns the prediction for one image, at the image's own size, in NumPy.

    The image is scaled to fit into the working size, aspect kept, and padded. Ids are scaled back
    by nearest neighbour, boxes exactly.

    Args:
      image: RGB, 0..255.
    """
    height, width = image.shape[:2]
    size = self._size if width >= height else self._size[::-1]
    fitted, covered = fit(image, size, self._padding)
    batch = self._program(self._variables, fitted[None], size=size)
    found = jax.tree.map(lambda x: x[0], jax.device_get(batch))
    restore = partial(_restore, covered=covered, size=(height, width))
    return Prediction(
      joint=_restore_maps(found.joint, restore),
      top_down=_restore_maps(found.top_down, restore),
      semantic=restore(found.semantic),
      part=restore(found.part),
      detections=in_image(found.detections, covered, (height, width)),
    )


def _program(
  variables: Any,
  image: Array,
  *,
  size: tuple[int, int],
  model: JPPF,
  spec: LabelSpec,
  config: FusionConfig,
) -> Prediction:
  """Pads a batch to multiples of 32 pixels, which the network needs, and predicts it."""
  height, width = size
  color = jnp.array(mean_color(model.pixel_mean), jnp.uint8)
  padded_size = (height + -height % 32, width + -width % 32)
  canvas = jnp.broadcast_to(color, (image.shape[0], *padded_size, 3))
  padded = canvas.at[:, :height, :width].set(image)
  # without `mutable`, apply returns what the model returns; its annotation allows a tuple as well
  outputs = cast(Outputs, model.apply(variables, padded, train=False))
  return fuse_both(outputs, spec=spec, size=size, config=config, legacy=model.legacy)


def fit(
  image: UInt8[np.ndarray, "H W 3"], size: tuple[int, int], color: tuple[int, ...]
) -> tuple[UInt8[np.ndarray, "h w 3"], tuple[int, int]]:
  """Scales `image` to fit into `size`, aspect kept, and pads it bottom and right with one colour.

  Args:
    image: RGB.
    size: height and width of the canvas.
    color: of the padding, RGB.

  Returns:
    The canvas, and how many of its rows and columns the image covers.
  """
  height, width = image.shape[:2]
  factor = min(size[0] / height, size[1] / width)
  rows = _side(height * factor, size[0])
  columns = _side(width * factor, size[1])
  if (rows, columns) != (height, width):
    scaled = Image.fromarray(image).resize((columns, rows), Image.Resampling.BILINEAR)
    image = np.asarray(scaled)
  canvas = np.full((*size, 3), color, np.uint8)
  canvas[:rows, :columns] = image
  return canvas, (rows, columns)


def _side(length: float, largest: int) -> int:
  """Returns a length as whole pixels, at least one."""
  return max(1, min(largest, round(length)))


def _restore(
  ids: Int[np.ndarray, "h w"], covered: tuple[int, int], size: tuple[int, int]
) -> Int[np.ndarray, "H W"]:
  """Crops the covered part of an id map and scales it to `size`, the image's own."""
  rows, columns = covered
  return nearest(np.asarray(ids)[:rows, :columns], size)


def _restore_maps(found: PanopticParts, restore: Callable[[Array], np.ndarray]) -> PanopticParts:
  """Restores the three maps of a fusion's answer."""
  return PanopticParts(
    semantic=restore(found.semantic),
    instance=restore(found.instance),
    part=restore(found.part),
    segments=found.segments,
  )


def load_predictor(config: build.Config, weights: str | Path) -> Predictor:
  """Returns a predictor with the weights of a file, e.g. `runs/x/weights.safetensors`.

  Args:
    config: of the run that made the weights.
    weights: the file.

  Raises:
    WeightsError: there is no such file.
    WeightsError: the weights do not fit the config's network.
  """
  network = build.inference(config)
  variables = load_weights(weights, build.variable_shapes(network.model))
  return Predictor(network.model, variables, network.spec, size=network.size, config=network.fusion)
