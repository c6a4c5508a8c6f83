"""Generated street scenes with the ids of Cityscapes Panoptic Parts.

Any number of scenes of any size, from a seed.
"""

import collections
import dataclasses
import io
import multiprocessing
import os
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from etils import epath
from jaxtyping import Int32
from PIL import Image

from jppf_jax.street_scenes.scene import make_scene
from jppf_jax.street_scenes.write import scene_seed
from jppf_jax_data.builder import DatasetBuilder, Example, Survey, check_splits

# the official names of the splits, which the seed of each scene depends on
FOLDERS = {"train": "train", "validation": "val"}

Job = tuple[str, int, tuple[int, int], int]  # split, seed, size, index
Scene = tuple[bytes, Int32[np.ndarray, "H W"]]  # PNG file, uids


@dataclasses.dataclass
class SyntheticConfig(tfds.core.BuilderConfig):
  """Number and size of the scenes.

  Attributes:
    name: made from the other fields if empty; see `parse`.
    size: rows and columns.
    train, validation: number of scenes in each split; no scene is in both.
    seed: of the whole dataset.
  """

  name: str = ""
  size: tuple[int, int] = (192, 384)
  train: int = 48
  validation: int = 24
  seed: int = 0

  def __post_init__(self):
    rows, columns = self.size
    counts = f"train{self.train}_validation{self.validation}"
    self.name = self.name or f"{rows}x{columns}_{counts}_seed{self.seed}"

  @classmethod
  def parse(cls, name: str) -> "SyntheticConfig":
    """Returns the config with this name, e.g. "192x384_train48_validation24_seed0".

    Raises:
      ValueError: the name has another form.
    """
    numbers = re.fullmatch(r"(\d+)x(\d+)_train(\d+)_validation(\d+)_seed(\d+)", name)
    if not numbers:
      raise ValueError(f"Expected ROWSxCOLUMNS_trainN_validationN_seedN, got {name!r}.")
    rows, columns, train, validation, seed = map(int, numbers.groups())
    return cls(size=(rows, columns), train=train, validation=validation, seed=seed)


class Builder(DatasetBuilder):
  """Generated street scenes, with the same features as cityscapes_panoptic_parts.

  The scenes are drawn by `jppf_jax.street_scenes`.
  """

  BUILDER_CONFIGS = [SyntheticConfig()]  # noqa: RUF012
  SPEC = "cpp_grouped"
  RAW_FILES = False
  OPTIONS = "synthetic"

  @classmethod
  def configured(cls, options: str | Mapping[str, Any]) -> SyntheticConfig:
    """Returns the config for a name ("192x384_train48_validation24_seed0") or for its fields.

    Raises:
      ValueError: the name has another form.
    """
    if isinstance(options, str):
      return SyntheticConfig.parse(options) if options else SyntheticConfig()
    return SyntheticConfig(**options)

  def survey(self, manual_dir: epath.Path | None) -> Survey:
    """Returns the number of scenes of each split; see `DatasetBuilder`."""
    check_splits(self.name, self.splits)
    config = self.builder_config
    counts = {"train": config.train, "validation": config.validation}
    return Survey({split: counts[split] for split in self.splits})

  def examples(self, manual_dir: epath.Path | None) -> dict[str, Iterator[Example]]:
    """Makes the scenes of each split on all cores; see `DatasetBuilder`."""
    counts = self.survey(None).counts
    return {split: self._draw(split, count) for split, count in counts.items()}

  def _draw(self, split: str, count: int) -> Iterator[Example]:
    config = self.builder_config
    jobs = [(split, config.seed, config.size, index) for index in range(count)]
    for index, (image, uids) in enumerate(_on_all_cores(jobs)):
      image_id = f"{split}_{index:06d}"
      yield {"image_id": image_id, "image": image, "uids": self._accept(uids)}


def _scene(job: Job) -> Scene:
  """Makes one scene, the same as `write_cpp` writes for this seed, split and index."""
  split, seed, size, index = job
  image, uids = make_scene(scene_seed(seed, FOLDERS[split], index), size=size)
  file = io.BytesIO()
  # level 6 takes three times as long and saves only 2 %
  Image.fromarray(image).save(file, format="PNG", compress_level=3)
  return file.getvalue(), uids.astype(np.int32)


def _on_all_cores(jobs: list[Job], *, least: int = 8) -> Iterator[Scene]:
  """Yields the scenes of all jobs in order, with a bounded number of scenes in memory.

  Args:
    jobs: what to make.
    least: scenes per process for which starting it pays off.
  """
  workers = min(os.cpu_count() or 1, len(jobs) // least)
  if workers < 2:
    yield from map(_scene, jobs)
    return
  done = 0
  try:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
      window: collections.deque[Future[Scene]] = collections.deque()
      for job in jobs:
        window.append(pool.submit(_scene, job))
        if len(window) > 4 * workers:
          yield window.popleft().result()
          done += 1
      while window:
        yield window.popleft().result()
        done += 1
  except BrokenProcessPool:
    # a script without `if __name__ == "__main__"`, or a machine that allows no processes
    yield from map(_scene, jobs[done:])
