"""Generated street scenes with the ids of Cityscapes Panoptic Parts: any number, any size, from a
seed.
"""

import collections
import dataclasses
import io
import multiprocessing
import os
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from etils import epath
from PIL import Image

from jppf_jax.street_scenes.scene import make_scene
from jppf_jax.street_scenes.write import scene_seed
from jppf_jax_data.builder import DatasetBuilder, Example, Survey

FOLDERS = {
  "train": "train",
  "validation": "val",
}  # as official files name the splits; part of a scene's seed


@dataclasses.dataclass
class SyntheticConfig(tfds.core.BuilderConfig):
  """How many scenes of which size.

  Attributes:
    size: rows and columns.
    train, validation: scenes in each split; no scene stands in both.
    seed: of the whole set.
  """

  name: str = ""
  size: tuple[int, int] = (192, 384)
  train: int = 48
  validation: int = 24
  seed: int = 0

  def __post_init__(self):
    rows, columns = self.size
    self.name = (
      self.name or f"{rows}x{columns}_train{self.train}_validation{self.validation}_seed{self.seed}"
    )

  @classmethod
  def parse(cls, name: str) -> "SyntheticConfig":
    """Returns the config of that name, e.g. "192x384_train48_validation24_seed0"; raises ValueError
    for other names.
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
    """Returns the config for a name ("192x384_train48_validation24_seed0") or for its fields."""
    if isinstance(options, str):
      return SyntheticConfig.parse(options) if options else SyntheticConfig()
    return SyntheticConfig(**options)

  def survey(self, manual_dir: epath.Path | None) -> Survey:
    config = self.builder_config
    counts = {"train": config.train, "validation": config.validation}
    return Survey({split: counts[split] for split in self.splits})

  def examples(self, manual_dir: epath.Path | None) -> dict[str, Iterator[Example]]:
    return {split: self._draw(split, count) for split, count in self.survey(None).counts.items()}

  def _draw(self, split: str, count: int) -> Iterator[Example]:
    config = self.builder_config
    jobs = [(split, config.seed, config.size, index) for index in range(count)]
    for index, (image, uids) in enumerate(_on_all_cores(jobs)):
      image_id = f"{split}_{index:06d}"
      yield {"image_id": image_id, "image": image, "uids": self._accept(uids)}


def _scene(job: tuple[str, int, tuple[int, int], int]) -> tuple[bytes, np.ndarray]:
  """Makes one scene: the one that `write_cpp` writes for this seed, split and index, whatever the
  number of scenes.
  """
  split, seed, size, index = job
  image, uids = make_scene(scene_seed(seed, FOLDERS[split], index), size=size)
  file = io.BytesIO()
  Image.fromarray(image).save(
    file, format="PNG", compress_level=3
  )  # level 6 takes three times as long for 2 %
  return file.getvalue(), uids.astype(np.int32)


def _on_all_cores(jobs: list, *, least: int = 8):
  """Maps `_scene` in order, with a bounded number of scenes in memory; a process must have `least`
  of them to pay.
  """
  workers = min(os.cpu_count() or 1, len(jobs) // least)
  if workers < 2:
    yield from map(_scene, jobs)
    return
  done = 0
  try:
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
      window = collections.deque()
      for job in jobs:
        window.append(pool.submit(_scene, job))
        if len(window) > 4 * workers:
          yield window.popleft().result()
          done += 1
      while window:
        yield window.popleft().result()
        done += 1
  except (
    BrokenProcessPool
  ):  # a script without `if __name__ == "__main__"`, or a machine that allows no processes
    yield from map(_scene, jobs[done:])
