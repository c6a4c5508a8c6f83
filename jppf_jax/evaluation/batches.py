"""Images in batches of one size and orientation, so that each orientation is compiled once."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from jaxtyping import UInt8

from jppf_jax.evaluation.frames import Size, working_size
from jppf_jax.evaluation.program import Program

Answer = TypeVar("Answer")


class Photo(NamedTuple):
  """An image that is to be predicted.

  Attributes:
    name: of its results.
    image: RGB.
    source: where it comes from, for messages.
  """

  name: str
  image: UInt8[np.ndarray, "H W 3"]
  source: str


def in_batches(photos: Iterable[Photo], batch_size: int, size: Size) -> Iterator[list[Photo]]:
  """Yields the photos in lists whose images have one orientation; only the last lists of each are
  shorter than `batch_size`.

  Args:
    photos: in any order; at most `batch_size` - 1 of each orientation wait.
    batch_size: images in a list.
    size: the working size, see `frames.working_size`.
  """
  waiting: dict[Size, list[Photo]] = {}
  for photo in photos:
    group = waiting.setdefault(working_size(photo.image.shape[:2], size), [])
    group.append(photo)
    if len(group) == batch_size:
      yield list(group)
      group.clear()
  yield from filter(None, waiting.values())


def answers(
  program: Program[Answer], images: Sequence[UInt8[np.ndarray, "H W 3"]], batch_size: int
) -> list[Answer]:
  """Returns the answers for at most `batch_size` images of one orientation.

  A short batch is filled with repeats of its last image, whose answers are dropped: another number
  of images would be another program to compile.
  """
  missing = batch_size - len(images)
  filled = [*images, *[images[-1]] * missing]
  return program.batch(filled)[: len(images)]
