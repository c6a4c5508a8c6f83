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
from jaxtyping import Int, Shaped, UInt8
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
from jppf_jax.structs import Array, Detections, Outputs, PanopticParts, Segments, struct


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
  covered: Int[Array, "B 2"] | None = None,
  legacy: bool = True,
) -> Prediction:
  """Returns both fusions and the heads alone, for a batch.

  Nothing outside of an image influences a pixel inside.

  Args:
    outputs: of the network in inference.
    spec: the taxonomy.
    size: height and width of the results; the padded image is cut at the bottom and at the right.
    config: settings of the fusions.
    covered: rows and columns of the results that each image covers, from the top left. None: all.
    legacy: of the model, see `ops.masks.paste_weights`.

  Raises:
    ValueError: the outputs are those of training, which have no detections.
  """
  found = outputs.detections
  if found is None:
    raise ValueError("fuse_both needs detections; call the model with train=False.")

  def one(
    semantic: Array, part: Array, detections: Detections, covered: Array | None
  ) -> Prediction:
    parts = part_map(part, spec=spec, size=size, covered=covered)
    joint = joint_fusion(
      semantic,
      part,
      detections,
      spec=spec,
      size=size,
      covered=covered,
      config=config,
      legacy=legacy,
    )
    panoptic = efficientps_fusion(
      semantic,
      detections,
      spec=spec,
      size=size,
      covered=covered,
      score_threshold=config.score_threshold,
      overlap_threshold=config.overlap_threshold,
      min_stuff_area=config.min_stuff(size if covered is None else covered),
      legacy=legacy,
    )
    top_down = top_down_merge(panoptic, parts, spec=spec)
    class_logits = upsample(semantic, size, covered)
    classes = jnp.argmax(class_logits, -1).astype(jnp.int32)
    return Prediction(joint, top_down, classes, parts, detections)

  return jax.vmap(one)(outputs.semantic, outputs.part, found, covered)


class Predictor:
  """Segments images with one compiled program per working size: `size`, and `size` turned.

  Args:
    model: the network.
    variables: its parameters and running statistics.
    spec: the taxonomy it was trained for.
    size: working size (H, W); see `working_size` for images of the other orientation.
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

  def __call__(self, image: Shaped[Array, "..."]) -> Prediction:
    """Returns the prediction for one image, at the image's own size, in NumPy.

    The image is scaled to fit into the working size, aspect kept, and padded. Ids are scaled back
    by nearest neighbour, boxes exactly; areas of segments are counted in the image's own pixels.

    Args:
      image: RGB, uint8 [H W 3], 0..255.

    Raises:
      ValueError: the array is no such image.
    """
    image = _checked(np.asarray(image))
    height, width = image.shape[:2]
    size = working_size((height, width), self._size)
    fitted, covered = fit(image, size, self._padding)
    rows_and_columns = np.array([covered], np.int32)
    batch = self._program(self._variables, fitted[None], rows_and_columns, size=size)
    found = jax.tree.map(lambda x: x[0], jax.device_get(batch))
    restore = partial(_restore, covered=covered, size=(height, width))
    return Prediction(
      joint=_restore_maps(found.joint, restore),
      top_down=_restore_maps(found.top_down, restore),
      semantic=restore(found.semantic),
      part=restore(found.part),
      detections=in_image(found.detections, covered, (height, width)),
    )


def _checked(image: np.ndarray) -> UInt8[np.ndarray, "H W 3"]:
  """Returns an array that is an RGB image; raises ValueError for any other."""
  if image.dtype == np.uint8 and image.ndim == 3 and image.shape[-1] == 3 and image.size:
    return image
  advice = "read files with jppf_jax.photos.read_image"
  if image.dtype != np.uint8 and image.size:
    advice = "give the values 0..255 as uint8, e.g. (255 * image).round().astype(np.uint8) for 0..1"
  raise ValueError(
    f"Expected an RGB image, uint8 [H W 3]; got {image.dtype} {list(image.shape)}: {advice}."
  )


def working_size(image_size: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
  """Returns the working size (H, W) of an image: `size`, or `size` turned if that is portrait and
  the image is landscape, or the other way round.

  So the long side of an image is fitted to the long side of `size`, as in training
  (`augment.random_view`), and portrait photos have the scale of landscape ones. Square images are
  not turned.

  Args:
    image_size: height and width of the image.
    size: height and width that the config gives.
  """
  height, width = image_size
  is_other_way = (height - width) * (size[0] - size[1]) < 0
  return size[::-1] if is_other_way else size


def _program(
  variables: Any,
  image: Array,
  covered: Array,
  *,
  size: tuple[int, int],
  model: JPPF,
  spec: LabelSpec,
  config: FusionConfig,
) -> Prediction:
  """Pads a batch to multiples of 32 pixels, which the network needs, and predicts it.

  `covered` says how much of each image is no padding already.
  """
  height, width = size
  color = jnp.array(mean_color(model.pixel_mean), jnp.uint8)
  padded_size = (height + -height % 32, width + -width % 32)
  canvas = jnp.broadcast_to(color, (image.shape[0], *padded_size, 3))
  padded = canvas.at[:, :height, :width].set(image)
  # without `mutable`, apply returns what the model returns; its annotation allows a tuple as well
  outputs = cast(Outputs, model.apply(variables, padded, train=False, covered=covered))
  return fuse_both(
    outputs, spec=spec, size=size, config=config, covered=covered, legacy=model.legacy
  )


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
  """Restores the three maps of a fusion's answer, and counts the segments in them."""
  instance = restore(found.instance)
  return PanopticParts(
    semantic=restore(found.semantic),
    instance=instance,
    part=restore(found.part),
    segments=_recounted(found.segments, instance),
  )


def _recounted(segments: Segments, instance: Int[np.ndarray, "H W"]) -> Segments:
  """Returns the table of segments with the areas in this map; empty ones are not valid."""
  pixels = np.bincount(instance.ravel(), minlength=1 + len(segments.areas))
  areas = pixels[1:].astype(np.int32)
  valid = areas > 0
  return Segments(
    labels=np.where(valid, segments.labels, 0),
    scores=np.where(valid, segments.scores, 0),
    areas=areas,
    valid=valid,
  )


def load_predictor(config: build.Config, weights: str | Path) -> Predictor:
  """Returns a predictor with the weights of a file, e.g. `runs/x/weights.safetensors`.

  Args:
    config: of the run that made the weights.
    weights: the file.

  Raises:
    WeightsError: there is no such file.
    WeightsError: the weights do not fit the config's network, or were made for another taxonomy.
  """
  network = build.inference(config)
  variables = load_weights(weights, build.variable_shapes(network.model), network.meaning)
  return Predictor(network.model, variables, network.spec, size=network.size, config=network.fusion)
