"""Frames of videos, read with imageio, whose decoder is optional."""

from collections.abc import Iterator
from pathlib import Path

from jppf_jax.evaluation.batches import Photo

_DIGITS = 6  # of the numbers that frames are named by


class VideoError(ValueError):
  """A video cannot be read; the message says why, and what to install."""


def frames(path: Path, *, every: int = 1) -> Iterator[Photo]:
  """Yields frames of a video: RGB, named by their number from 0, as "000012".

  Args:
    path: the file.
    every: 1 for all frames, N for frames 0, N, 2 N and so on.

  Raises:
    VideoError: there is no such file, it is damaged, or the decoder is not installed.
  """
  if not path.is_file():
    raise VideoError(f"There is no video at {path}.")
  number = -1
  try:
    import imageio.v3 as imageio

    for number, image in enumerate(imageio.imiter(path, plugin="FFMPEG")):
      if number % every == 0:
        yield Photo(f"{number:0{_DIGITS}d}", image, f"{path}, frame {number}")
  except ImportError as error:
    raise VideoError(
      f"{path} is a video; to read videos, install a decoder: pip install 'jppf_jax[video]'."
    ) from error
  except (OSError, ValueError, RuntimeError) as error:
    reason = str(error).strip().splitlines()[0].rstrip(".")
    raise VideoError(f"{path} cannot be read as a video: {reason}.") from error
  if number < 0:
    raise VideoError(f"{path} has no frames.")
