"""Batches for training, in an order and with augmentations that depend on the seed only, and for evaluation."""

import dataclasses
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import grain
import numpy as np
from absl import flags

from jppf_jax.input_pipeline import augment
from jppf_jax.input_pipeline.batch import blank, stack, targets
from jppf_jax.input_pipeline.read import Example
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import Batch

TRIES = 10


@dataclasses.dataclass(frozen=True)
class View(grain.transforms.RandomMap):
  """A random view of an example, with its targets.

  Attributes:
    spec: what the ids mean.
    size, scale, flip, pad_uid: as in `augment.random_view`.
    max_objects, min_area: as in `batch.targets`.
    require_object: draw again, up to `TRIES` times, until a view shows an object. EfficientPS never trains on views
      without one; ours keep teaching stuff by default. Differs from EfficientPS: it draws another image.
  """

  spec: LabelSpec
  size: tuple[int, int]
  scale: tuple[int | float, int | float]
  flip: bool
  max_objects: int
  min_area: int
  pad_uid: int = augment.VOID
  require_object: bool = False

  def random_map(self, element: Example, rng: np.random.Generator) -> dict[str, Any]:
    options = {"size": self.size, "scale": self.scale, "flip": self.flip, "pad_uid": self.pad_uid}
    for _ in range(TRIES if self.require_object else 1):
      image, uids = augment.random_view(rng, element["image"], element["uids"], **options)
      fields = targets(image, uids, self.spec, max_objects=self.max_objects, min_area=self.min_area)
      if fields["valid"].any():
        break
    return {"image_id": element["image_id"], **fields}


def train_iterator(
  examples: grain.sources.RandomAccessDataSource,
  view: View,
  *,
  batch_size: int,
  seed: int,
  process: tuple[int, int] = (0, 1),
  workers: int = 0,
  threads: int = 2,
  buffered: int = 4,
) -> grain.DatasetIterator:
  """Returns an endless iterator over (`Batch` of NumPy arrays, image ids).

  Every epoch has another order and every example another view in it; both depend on `seed` and the position only, not
  on workers or threads. A batch may straddle two epochs. The position is `get_state()`, a small dict that counts
  batches; `set_state` or a grain checkpoint continues from there with the same bytes, provided the settings are the
  same.

  Args:
    examples: one split, see `read.open_split`.
    view: how an example is augmented.
    batch_size: of this process.
    seed: of order and views.
    process: (index, number) of processes; each reads its own share of the examples.
    workers: processes that read and augment. They help on many cores only: each costs seconds to start and 200 MB.
    threads: reading and augmenting ahead, where there are no workers.
    buffered: batches held in memory ahead of their use.

  Raises:
    ValueError: fewer examples than processes.
  """
  index, count = process
  if len(examples) < count:
    raise ValueError(f"{len(examples)} examples cannot be divided among {count} processes; use fewer processes.")
  shuffled = grain.MapDataset.source(examples).seed(seed).shuffle()
  share = shuffled[index::count].repeat(None).random_map(view)
  batches = share.batch(batch_size, drop_remainder=True, batch_fn=stack)
  ahead = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=buffered)
  dataset = batches.to_iter_dataset(ahead)
  if workers:
    if not flags.FLAGS.is_parsed():
      flags.FLAGS.mark_as_parsed()  # grain insists; a notebook or a library user has no flags
    per_worker = max(1, buffered // workers)
    dataset = dataset.mp_prefetch(grain.MultiprocessingOptions(num_workers=workers, per_worker_buffer_size=per_worker))
  return iter(dataset)


class EvaluationBatch(NamedTuple):
  """Whole images with everything that scoring needs.

  Attributes:
    batch: images and targets at the evaluation size; blank rows at the end of the last one.
    image_ids: one per image, without the blank rows.
    uids: labels as stored, [H W] each, at their own size.
    contents: rows and columns of each padded image that are image; the rest is padding.
  """

  batch: Batch
  image_ids: list[str]
  uids: list[np.ndarray]
  contents: list[tuple[int, int]]


def evaluation_batches(
  examples: grain.sources.RandomAccessDataSource,
  spec: LabelSpec,
  *,
  size: tuple[int, int],
  batch_size: int,
  max_objects: int,
  process: tuple[int, int] = (0, 1),
  threads: int = 2,
) -> Iterator[EvaluationBatch]:
  """Yields every example once, in stored order; with several processes each yields its share, in as many batches.

  At most two batches are held ahead of their use.
  """
  index, count = process
  share = range(index, len(examples), count)
  batches = -(-len(range(0, len(examples), count)) // batch_size)  # of the largest share: all processes step together

  def load(position: int) -> tuple[dict[str, Any], np.ndarray, tuple[int, int]]:
    example = examples[position]
    image, uids, content = augment.whole_view(example["image"], example["uids"], size=size)
    fields = targets(image, uids, spec, max_objects=max_objects)
    return {"image_id": example["image_id"], **fields}, example["uids"], content

  with ThreadPoolExecutor(threads) as pool:
    groups = deque(share[i * batch_size : (i + 1) * batch_size] for i in range(batches))
    ahead = deque()
    while groups or ahead:
      while groups and len(ahead) < 3:
        ahead.append([pool.submit(load, position) for position in groups.popleft()])
      loaded = [future.result() for future in ahead.popleft()]
      padding = [blank(size, max_objects)] * (batch_size - len(loaded))
      batch, ids = stack([fields for fields, _, _ in loaded] + padding)
      yield EvaluationBatch(batch, ids[: len(loaded)], [uids for _, uids, _ in loaded], [c for _, _, c in loaded])
