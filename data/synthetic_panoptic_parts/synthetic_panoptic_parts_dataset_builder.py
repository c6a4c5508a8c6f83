"""Generated street scenes with the ids of Cityscapes Panoptic Parts: any number, any size, from a
seed.
"""

import collections
import dataclasses
import io
import multiprocessing
import os
import re
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from jppf_jax_data.pairs_builder import dataset_info

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


class Builder(tfds.core.GeneratorBasedBuilder):
  """Same features as cityscapes_panoptic_parts, so the same code reads both.

  The one builder that needs our own package: the scenes come from `jppf_jax.street_scenes`,
  imported when the first scene is made.
  """

  VERSION = tfds.core.Version("1.0.0")
  RELEASE_NOTES = {"1.0.0": "Raw uids."}  # noqa: RUF012 (TFDS reads it from the class)
  BUILDER_CONFIGS = [SyntheticConfig()]  # noqa: RUF012
  SPEC = "cpp_grouped"

  on_example: Callable[[], None] | None = None

  def _info(self) -> tfds.core.DatasetInfo:
    return dataset_info(self, description=__doc__)

  def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict:
    return {split: self._generate_examples(split) for split in FOLDERS}

  def _generate_examples(self, split: str):
    config = self.builder_config
    jobs = [(split, config.seed, config.size, index) for index in range(getattr(config, split))]
    for job, (image, uids) in zip(jobs, _on_all_cores(jobs)):
      image_id = f"{split}_{job[3]:06d}"
      yield image_id, {"image_id": image_id, "image": image, "uids": uids}
      if self.on_example is not None:
        self.on_example()


def _scene(job: tuple[str, int, tuple[int, int], int]) -> tuple[bytes, np.ndarray]:
  """Makes one scene: the one that `write_cpp` writes for this seed, split and index, whatever the
  number of scenes.
  """
  from jppf_jax.street_scenes.scene import make_scene
  from jppf_jax.street_scenes.write import scene_seed

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
