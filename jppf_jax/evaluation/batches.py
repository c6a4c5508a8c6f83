"""Images in batches that share a compiled program, so that each program is compiled once."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from jaxtyping import UInt8

from jppf_jax.evaluation.frames import Size, frame_of
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
  """Yields the photos in lists whose images share a program (`frames.Frame.program`); only the last
  list of each is shorter than `batch_size`.

  Args:
    photos: in any order; at most `batch_size` - 1 for each program wait.
    batch_size: images in a list.
    size: the working size, see `frames.frame_of`.
  """
  waiting: dict[tuple[Size, Size | None], list[Photo]] = {}
  for photo in photos:
    group = waiting.setdefault(frame_of(photo.image.shape[:2], size).program, [])
    group.append(photo)
    if len(group) == batch_size:
      yield list(group)
      group.clear()
  yield from filter(None, waiting.values())


def answers(
  program: Program[Answer], images: Sequence[UInt8[np.ndarray, "H W 3"]], batch_size: int
) -> list[Answer]:
  """Returns the answers for at most `batch_size` images that share a program.

  A short batch is filled with repeats of its last image, whose answers are dropped: another number
  of images would be another program to compile.
  """
  missing = batch_size - len(images)
  filled = [*images, *[images[-1]] * missing]
  return program.batch(filled)[: len(images)]
