"""An image of any size to panoptic parts: fit into the working size, one compiled program, back to
its pixels.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

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
  """What the network says about an image (or a batch), by both fusions and by each head alone.

  Attributes:
    joint: by joint fusion.
    top_down: by EfficientPS fusion and top-down merging.
    semantic: the semantic head alone, train ids.
    part: the part head alone, part channels (0 = any background).
    detections: the instance head alone; `instances.instance_masks` draws them.
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
  """Returns both fusions and all heads, for a batch.

  Args:
    outputs: of the network in inference.
    spec: the taxonomy.
    size: height and width of the part of the padded image that counts.
    config: settings of the fusions.
    legacy: of the model, see `ops.masks.paste_weights`.
  """

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
    classes = jnp.argmax(upsample(semantic, size), -1).astype(jnp.int32)
    return Prediction(joint, top_down, classes, parts, detections)

  return jax.vmap(one)(outputs.semantic, outputs.part, outputs.detections)


class Predictor:
  """Segments images with one compiled program per working size (landscape and portrait).

  Args:
    model: the network.
    variables: its parameters and running statistics.
    spec: the taxonomy it was trained for.
    size: working size (H, W) of landscape images; portrait images use (W, H). Images are scaled to
      fit, keeping their aspect, and padded; results come back at the image's own size (ids by
      nearest neighbour).
    config: the fusion's settings.
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
    height, width = image.shape[:2]
    size = self._size if width >= height else self._size[::-1]
    fitted, covered = fit(image, size, self._padding)
    batch = jax.device_get(self._program(self._variables, fitted[None], size=size))
    found = jax.tree.map(lambda x: x[0], batch)
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
  padding = [(0, -side % 32) for side in size]
  color = jnp.array(mean_color(model.pixel_mean), jnp.uint8)
  shape = (image.shape[0], size[0] + padding[0][1], size[1] + padding[1][1], 3)
  padded = jnp.broadcast_to(color, shape).at[:, : size[0], : size[1]].set(image)
  outputs = model.apply(variables, padded, train=False)
  return fuse_both(outputs, spec=spec, size=size, config=config, legacy=model.legacy)


def fit(
  image: UInt8[np.ndarray, "H W 3"], size: tuple[int, int], color: tuple[int, ...]
) -> tuple[UInt8[np.ndarray, "h w 3"], tuple[int, int]]:
  """Scales `image` to fit into `size`, aspect kept, and pads it bottom and right with one colour.

  Returns:
    The canvas of exactly `size`, and how many of its rows and columns the image covers.
  """
  height, width = image.shape[:2]
  factor = min(size[0] / height, size[1] / width)
  covered = (
    max(1, min(size[0], round(height * factor))),
    max(1, min(size[1], round(width * factor))),
  )
  if covered != (height, width):
    image = np.asarray(Image.fromarray(image).resize(covered[::-1], Image.Resampling.BILINEAR))
  canvas = np.broadcast_to(np.array(color, np.uint8), (*size, 3)).copy()
  canvas[: covered[0], : covered[1]] = image
  return canvas, covered


def _restore(
  ids: Int[np.ndarray, "h w"], covered: tuple[int, int], size: tuple[int, int]
) -> Int[np.ndarray, "H W"]:
  """Crops the covered part of an id map and scales it to `size`, the image's own."""
  return nearest(np.asarray(ids)[: covered[0], : covered[1]], size)


def _restore_maps(found: PanopticParts, restore: Callable[[Array], np.ndarray]) -> PanopticParts:
  """Restores the three maps of a fusion's answer."""
  semantic, instance, part = map(restore, (found.semantic, found.instance, found.part))
  return PanopticParts(semantic, instance, part, found.segments)


def load_predictor(config: build.Config, weights: str | Path) -> Predictor:
  """Returns a predictor with the weights of a file, e.g. `runs/x/weights.safetensors`.

  Args:
    config: of the run that made the weights.
    weights: the file.

  Raises:
    WeightsError: there is no such file, or it does not fit the config's network.
  """
  network = build.inference(config)
  variables = load_weights(weights, build.variable_shapes(network.model))
  return Predictor(network.model, variables, network.spec, size=network.size, config=network.fusion)
