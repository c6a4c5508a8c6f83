"""What the arguments of `jppf predict` name: images and videos, by file, folder or pattern."""

import glob
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from jppf_jax.photos import FORMATS

IMAGES = tuple(chain.from_iterable(FORMATS.values()))
VIDEOS = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".wmv")


class Inputs(NamedTuple):
  """Files to predict.

  Attributes:
    images: image files.
    videos: video files.
    notes: lines about files that were passed over.
    problems: lines about arguments that name nothing.
  """

  images: list[Path]
  videos: list[Path]
  notes: list[str]
  problems: list[str]


def find(arguments: Sequence[str]) -> Inputs:
  """Returns the files that arguments name, in their order; those of folders and patterns by name.

  Args:
    arguments: each is a file; a folder, for the images in it, but not in folders below; or a
      pattern such as `photos/*.jpg` or `photos/**/*.jpg`, for the images and videos that match. A
      file that folders or patterns find again counts once.
  """
  found = Inputs([], [], [], [])
  named = {Path(argument).resolve() for argument in arguments if Path(argument).is_file()}
  for argument in arguments:
    path = Path(argument)
    if path.is_dir():
      files = [file for file in sorted(path.iterdir()) if file.is_file()]
      wanted = [file for file in files if _is(file, IMAGES)]
      _add(found, argument, "holds no image", files, wanted, named)
    elif not path.exists() and glob.has_magic(argument):
      names = sorted(glob.glob(argument, recursive=True))  # noqa: PTH207 - any form of pattern
      files = [Path(name) for name in names if Path(name).is_file()]
      wanted = [file for file in files if _is(file, (*IMAGES, *VIDEOS))]
      _add(found, argument, "matches no image", files, wanted, named)
    else:
      _sort(found, [path])
  return found


def _is(path: Path, suffixes: Iterable[str]) -> bool:
  """Returns whether a file has one of the suffixes; hidden files do not count."""
  return path.suffix.lower() in suffixes and not path.name.startswith(".")


def _add(
  found: Inputs,
  argument: str,
  nothing: str,
  files: Sequence[Path],
  wanted: Sequence[Path],
  seen: set[Path],
) -> None:
  """Adds the wanted ones of the files of a folder or a pattern; each file once."""
  others = len(files) - len(wanted)
  passed_over = "1 other file" if others == 1 else f"{others} other files"
  if not wanted:
    found.problems.append(f"{argument} {nothing}" + (f" ({passed_over})." if others else "."))
  elif others:
    found.notes.append(f"{argument}: {passed_over} passed over")
  new = [file for file in wanted if file.resolve() not in seen]
  seen |= {file.resolve() for file in new}
  _sort(found, new)


def _sort(found: Inputs, files: Iterable[Path]) -> None:
  for file in files:
    (found.videos if _is(file, VIDEOS) else found.images).append(file)
