"""An image of any size to panoptic parts: fit into the working size, one compiled program, back to
its pixels.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Int, UInt8
from PIL import Image

from jppf_jax.evaluation.instances import in_image
from jppf_jax.fusion.canvas import upsample
from jppf_jax.fusion.config import FusionConfig
from jppf_jax.fusion.efficientps import efficientps_fusion
from jppf_jax.fusion.joint import joint_fusion
from jppf_jax.fusion.top_down import part_map, top_down_merge
from jppf_jax.input_pipeline.augment import mean_color
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.model import JPPF
from jppf_jax.structs import Array, Detections, Outputs, PanopticParts


@dataclass(frozen=True)
class Prediction:
  """What the network says about one image, in the image's own pixels (NumPy).

  Attributes:
    joint: by joint fusion.
    top_down: by EfficientPS fusion and top-down merging.
    semantic: the semantic head alone, train ids.
    part: the part head alone, part channels (0 = any background).
    detections: the instance head alone, boxes in the image's own pixels; `instances.instance_masks`
      draws them.
  """

  joint: PanopticParts
  top_down: PanopticParts
  semantic: Int[np.ndarray, "H W"]
  part: Int[np.ndarray, "H W"]
  detections: Detections


def fuse_both(
  outputs: Outputs, *, spec: LabelSpec, size: tuple[int, int], config: FusionConfig
) -> dict[str, Any]:
  """Both fusions and all heads, for a batch; `size` (H, W) is the part of the padded image that
  counts.
  """

  def one(semantic: Array, part: Array, detections: Any) -> dict[str, Any]:
    parts = part_map(part, spec=spec, size=size)
    panoptic = efficientps_fusion(
      semantic,
      detections,
      spec=spec,
      size=size,
      score_threshold=config.score_threshold,
      overlap_threshold=config.overlap_threshold,
      min_stuff_area=config.min_stuff(size),
      legacy=config.legacy,
    )
    return {
      "joint": joint_fusion(semantic, part, detections, spec=spec, size=size, config=config),
      "top_down": top_down_merge(panoptic, parts, spec=spec),
      "semantic": jnp.argmax(upsample(semantic, size), -1).astype(jnp.int32),
      "part": parts,
      "detections": detections,
    }

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
    result = jax.device_get(self._program(self._variables, fitted[None], size=size))
    result = jax.tree.map(lambda x: x[0], result)
    restore = partial(_restore, covered=covered, size=(height, width))
    maps = {name: restore(result[name]) for name in ("semantic", "part")}
    panoptic = {
      name: result[name].replace(
        semantic=restore(result[name].semantic),
        instance=restore(result[name].instance),
        part=restore(result[name].part),
      )
      for name in ("joint", "top_down")
    }
    detections = in_image(result["detections"], covered, (height, width))
    return Prediction(**panoptic, **maps, detections=detections)


def _program(
  variables: Any,
  image: Array,
  *,
  size: tuple[int, int],
  model: JPPF,
  spec: LabelSpec,
  config: FusionConfig,
) -> dict[str, Any]:
  padding = [(0, -side % 32) for side in size]
  color = jnp.array(mean_color(model.pixel_mean), jnp.uint8)
  shape = (image.shape[0], size[0] + padding[0][1], size[1] + padding[1][1], 3)
  padded = jnp.broadcast_to(color, shape).at[:, : size[0], : size[1]].set(image)
  outputs = model.apply(variables, padded, train=False)
  return fuse_both(outputs, spec=spec, size=size, config=config)


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
  """Crops the covered part of an id map and scales it to `size` by nearest neighbour (pixel
  centres).
  """
  rows = ((np.arange(size[0]) + 0.5) * covered[0] / size[0]).astype(int)
  columns = ((np.arange(size[1]) + 0.5) * covered[1] / size[1]).astype(int)
  return np.asarray(ids)[rows[:, None], columns[None]]
