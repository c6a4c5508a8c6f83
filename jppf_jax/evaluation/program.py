"""The network and what is made of its outputs, as one compiled program for images of any size."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Generic, TypeVar, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, Shaped, UInt8

from jppf_jax.build import MultiScale
from jppf_jax.evaluation.frames import Frame, Size, checked, fit, frame_of
from jppf_jax.evaluation.kept import Kept, as_text
from jppf_jax.evaluation.multi_scale import Shot, averaged_outputs, scaled_frame
from jppf_jax.evaluation.together import Together
from jppf_jax.fusion.config import FusionConfig
from jppf_jax.input_pipeline.augment import mean_color
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.model import JPPF
from jppf_jax.structs import Array, AveragedOutputs, Outputs

Answer = TypeVar("Answer")


class Program(ABC, Generic[Answer]):
  """Predicts images with one compiled program for each canvas: those of `size`, of `size` turned,
  and a few larger ones for images with more pixels, see `frames.frame_of`.

  Subclasses say what is made of the outputs of the network, and how it is brought to the size of an
  image.

  Args:
    model: the network, or several together.
    variables: its parameters and running statistics.
    spec: the taxonomy it was trained for.
    size: working size (H, W); see `frames.working_size` for images of the other orientation.
    config: settings of the fusions.
    testing: what the network sees of an image; None: the image alone.
    kept: has traced programs of earlier starts, and keeps those of this one; None: each is traced.
  """

  def __init__(
    self,
    model: JPPF | Together,
    variables: Any,
    spec: LabelSpec,
    *,
    size: tuple[int, int],
    config: FusionConfig,
    testing: MultiScale | None = None,
    kept: Kept | None = None,
  ):
    self.model, self.spec, self.size, self.config = model, spec, size, config
    self.testing = testing or MultiScale()
    self.variables = jax.device_put(variables)
    self._compiled = jax.jit(self.compute, static_argnames="canvas")
    self._compiled_views = jax.jit(self.compute_views, static_argnames="canvas")
    self._kept = kept
    self._loaded: dict[Any, Callable[..., Answer]] = {}

  @property
  def parameters(self) -> int:
    """The number of parameters of the network, or of all networks."""
    return sum(leaf.size for leaf in jax.tree.leaves(self.variables["params"]))

  @abstractmethod
  def answer(
    self,
    outputs: Outputs | AveragedOutputs,
    size: tuple[int, int],
    covered: Int[Array, "B 2"],
    zoom: Float[Array, "B 2"] | None,
  ) -> Answer:
    """Returns what is made of the outputs for a batch; runs in jit.

    Args:
      outputs: of the network.
      size: height and width of the answer.
      covered: rows and columns of the answer that each image covers.
      zoom: pixels of the answer per pixel of the network, rows and columns; None: 1.
    """

  @abstractmethod
  def restore(self, answer: Answer, frame: Frame) -> Answer:
    """Returns the answer for one image at the image's own size; in NumPy."""

  def compute(
    self,
    variables: Any,
    image: UInt8[Array, "B H W 3"],
    covered: Int[Array, "B 2"],
    answered: Int[Array, "B 2"] | None = None,
    canvas: tuple[int, int] | None = None,
  ) -> Answer:
    """Returns the answer for a batch of images, each in a frame of one working size.

    Runs in jit; it normalises the pixels, runs the network and fuses.

    Args:
      variables: parameters and running statistics.
      image: RGB, padded at the bottom and on the right.
      covered: rows and columns that each image covers; the rest has no influence on the answer.
      answered: rows and columns of the answer that each image covers; None: those of the input.
      canvas: height and width of the answer, static; None: those of the input.
    """
    height, width = image.shape[1:3]
    padded = self._padded(image)
    # without `mutable`, apply returns what the model returns; its annotation allows a tuple as well
    found = self.model.apply(variables, padded, train=False, covered=covered)
    outputs = cast(Outputs, found)
    if answered is None:
      return self.answer(outputs, (height, width), covered, None)
    zoom = answered / jnp.asarray(covered)
    return self.answer(outputs, canvas or (height, width), answered, zoom.astype(jnp.float32))

  def compute_views(
    self,
    variables: Any,
    images: tuple[UInt8[Array, "B _h _w 3"], ...],
    covered: tuple[Int[Array, "B 2"], ...],
    size: Int[Array, "B 2"],
    answered: Int[Array, "B 2"],
    canvas: tuple[int, int],
  ) -> Answer:
    """Returns the answer for a batch of images that the network sees at several scales.

    Runs in jit; see `multi_scale`.

    Args:
      variables: parameters and running statistics.
      images: at each of the scales of `testing`, as in `compute`.
      covered: rows and columns of each of them that the images cover.
      size: rows and columns that each image covers at the working size.
      answered: rows and columns of the answer that each image covers.
      canvas: height and width of the answer, static.
    """
    shots = [
      Shot(self._padded(image), sides, scale)
      for image, sides, scale in zip(images, covered, self.testing.scales)
    ]
    outputs = averaged_outputs(
      self.model, variables, shots, size, flip=self.testing.flip, spec=self.spec
    )
    zoom = answered / jnp.asarray(size)
    return self.answer(outputs, canvas, answered, zoom.astype(jnp.float32))

  def _padded(self, image: UInt8[Array, "B H W 3"]) -> UInt8[Array, "B _h _w 3"]:
    """Pads with the mean colour to sides that are multiples of 32."""
    height, width = image.shape[1:3]
    color = jnp.array(mean_color(self.model.pixel_mean), jnp.uint8)
    multiples_of_32 = (height + -height % 32, width + -width % 32)
    padding = jnp.broadcast_to(color, (image.shape[0], *multiples_of_32, 3))
    return padding.at[:, :height, :width].set(image)

  def __call__(self, image: Shaped[Array, "..."]) -> Answer:
    """Returns the answer for one image, at the image's own size, in NumPy.

    The image is scaled to fit into the working size, aspect kept, and padded. The answer for an
    image that is larger than the working size is computed at the image's own pixels; that for a
    smaller one is scaled by nearest neighbour. Areas of segments are in the image's own pixels.

    Args:
      image: RGB, uint8 [H W 3], 0..255.

    Raises:
      ValueError: the array is no such image.
    """
    return self.batch([image])[0]

  def batch(self, images: Sequence[Shaped[Array, "..."]]) -> list[Answer]:
    """Returns the answers for several images; those that share a canvas are computed together.

    Each number of images is compiled once for each canvas.

    Args:
      images: RGB, uint8 [H W 3], 0..255, of any sizes.

    Raises:
      ValueError: one of the arrays is no such image.
    """
    pixels = [checked(image) for image in images]
    frames = [frame_of(image.shape[:2], self.size) for image in pixels]
    together: dict[Any, list[int]] = {}
    for place, frame in enumerate(frames):
      together.setdefault(frame.program, []).append(place)
    answers: dict[int, Answer] = {}
    for places in together.values():
      group = [pixels[place] for place in places]
      found = self._of_one_program(group, [frames[place] for place in places])
      answers.update(zip(places, found, strict=True))
    return [answers[place] for place in range(len(pixels))]

  def _of_one_program(self, images: list[np.ndarray], frames: list[Frame]) -> list[Answer]:
    """Returns the answers for images whose frames share a program."""
    fitted, covered = self._fitted(images, frames)
    answered = np.array([frame.answered for frame in frames], np.int32)
    _, canvas = frames[0].program
    arrays: tuple[Any, ...] = (fitted, covered)
    if not self.testing.is_single:
      scaled = [[scaled_frame(frame, scale) for frame in frames] for scale in self.testing.scales]
      shots = tuple(zip(*(self._fitted(images, of_scale) for of_scale in scaled)))
      arrays, canvas = (*shots, covered, answered), frames[0].canvas
    elif canvas is not None:
      arrays = (*arrays, answered)
    on_device = jax.device_put(arrays)
    batch = self._program(on_device, canvas)(self.variables, *on_device)
    found = jax.device_get(batch)
    rows = [jax.tree.map(lambda x, n=n: x[n], found) for n in range(len(frames))]
    return [self.restore(row, frame) for row, frame in zip(rows, frames)]

  def _fitted(
    self, images: list[np.ndarray], frames: list[Frame]
  ) -> tuple[UInt8[np.ndarray, "B h w 3"], Int[np.ndarray, "B 2"]]:
    """Returns images in their frames, and what they cover of them."""
    color = mean_color(self.model.pixel_mean)
    fitted = np.stack([fit(image, frame, color) for image, frame in zip(images, frames)])
    return fitted, np.array([frame.covered for frame in frames], np.int32)

  def _program(self, images: tuple[Any, ...], canvas: Size | None) -> Callable[..., Answer]:
    """Returns `compute`, or `compute_views`, as a compiled program for one canvas and batches like
    this one.
    """
    is_single = self.testing.is_single
    if self._kept is None:
      return partial(self._compiled if is_single else self._compiled_views, canvas=canvas)
    place = canvas, *(image.shape for image in jax.tree.leaves(images))
    if place not in self._loaded:
      compute: Callable[..., Answer] = self.compute if is_single else self.compute_views
      arguments = self.variables, *images
      about = self._about(canvas)
      self._loaded[place] = self._kept.program(partial(compute, canvas=canvas), arguments, about)
    return self._loaded[place]

  def _about(self, canvas: Size | None) -> str:
    """Returns what a program depends on besides the shapes of its arguments."""
    own = type(self).__qualname__, repr(self.model), as_text(self.spec), as_text(self.config)
    return "\n".join([*own, repr(self.testing), repr(canvas)])
