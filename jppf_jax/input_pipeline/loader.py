"""Training batches; their order and their augmentations depend on the seed only."""

import dataclasses
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from typing import Any

import grain
import jax
import numpy as np
from absl import flags

from jppf_jax.input_pipeline import augment, color
from jppf_jax.input_pipeline.batch import stack, targets
from jppf_jax.input_pipeline.read import Example
from jppf_jax.input_pipeline.side_by_side import side_by_side
from jppf_jax.labels.spec import LabelSpec

TRIES = 10
MOST_BESIDE = 2


@dataclasses.dataclass(frozen=True)
class View(grain.transforms.RandomMap):
  """A random view of an example, with its targets.

  Attributes:
    spec: what the ids mean.
    size, scale, flip: as in `augment.random_view`.
    pad_uid, pad_color: label and colour of the padding, see `augment.pad`.
    max_objects, min_area: as in `batch.targets`.
    require_object: take another view, up to `TRIES` in all, until one shows an object. EfficientPS
      never trains on views without objects; ours train stuff by default. Differs from EfficientPS:
      it takes another image.
    color_jitter: strength of `color.jitter`; 0: none.
    beside: probability that a view shows two or three examples next to each other, the others drawn
      from `others`.
    others: examples to stand beside; needed if `beside` is above 0.
  """

  spec: LabelSpec
  size: tuple[int, int]
  scale: tuple[int | float, int | float]
  flip: bool
  max_objects: int
  min_area: int
  pad_uid: int = augment.VOID
  pad_color: tuple[int, int, int] = augment.MEAN_COLOR
  require_object: bool = False
  color_jitter: float = 0.0
  beside: float = 0.0
  others: grain.sources.RandomAccessDataSource | None = None

  def random_map(self, element: Example, rng: np.random.Generator) -> dict[str, Any]:
    """Returns the fields of `batch.targets` for a random view, with the image id."""
    for _ in range(TRIES if self.require_object else 1):
      fields = self._view(element, rng)
      if fields["valid"].any():
        break
    return {"image_id": element["image_id"], **fields}

  def _view(self, element: Example, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """One random view, padded to `size`, with its targets."""
    image, uids = self._group(element, rng)
    image, uids = augment.random_view(
      rng,
      image,
      uids,
      size=self.size,
      scale=self.scale,
      flip=self.flip,
      sides=self.spec.mirrored,
    )
    if self.color_jitter:
      image = color.jitter(rng, image, self.color_jitter)
    covered = uids.shape
    image, uids = augment.pad(image, uids, self.size, uid=self.pad_uid, color=self.pad_color)
    return targets(
      image,
      uids,
      self.spec,
      max_objects=self.max_objects,
      min_area=self.min_area,
      covered=covered,
    )

  def _group(self, element: Example, rng: np.random.Generator) -> augment.Labelled:
    """Returns an example, or by chance some next to each other."""
    if not self.beside or rng.random() >= self.beside:
      return element["image"], element["uids"]
    assert self.others is not None, "`beside` needs `others`"
    drawn = rng.integers(len(self.others), size=rng.integers(1, MOST_BESIDE + 1))
    group = [element, *(self.others[int(index)] for index in drawn)]
    return side_by_side([(one["image"], one["uids"]) for one in group])


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

  Each epoch has another order, with another view of each example. Order and views depend on `seed`
  and the position only, not on workers or threads. A batch may contain examples of two epochs. The
  position is `get_state()`, a small dict that counts batches; `set_state` or a grain checkpoint
  continues from there with the same bytes if the settings are the same. `close()` it if there are
  workers: their memory is freed then.

  Args:
    examples: one split, see `read.open_split`.
    view: how an example is augmented.
    batch_size: examples per batch of this process.
    seed: for order and views.
    process: (index, number) of processes; their batches, one after the other, are that of a single
      process with as many examples.
    workers: processes that read and augment. They pay off on many cores only: each takes seconds
      to start, and 200 MB.
    threads: threads that read and augment if there are no workers.
    buffered: batches that are prepared ahead and kept in memory.
  """
  index, count = process
  source = grain.MapDataset.source(examples)
  views = source.seed(seed).shuffle().repeat(None).random_map(view)
  batches = views.batch(batch_size, drop_remainder=True, batch_fn=stack)
  ahead = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=buffered)
  dataset = batches[index::count].to_iter_dataset(ahead)
  if workers:
    if not flags.FLAGS.is_parsed():
      flags.FLAGS.mark_as_parsed()  # grain insists; a notebook or a library user has no flags
    per_worker = max(1, buffered // workers)
    processes = grain.MultiprocessingOptions(num_workers=workers, per_worker_buffer_size=per_worker)
    dataset = dataset.mp_prefetch(processes, worker_init_fn=_start_worker).map(_copied)
  return iter(dataset)


def _copied(batch: tuple[Any, list[str]]) -> tuple[Any, list[str]]:
  """Returns a batch of a worker in memory of its own; what it shared with the worker is freed."""
  arrays, ids = batch
  return jax.tree.map(np.array, arrays), ids


def _start_worker(index: int, count: int) -> None:
  """Makes a worker process end with its parent, and only then.

  A terminal or a job scheduler sends its signals to all processes of a run. The parent decides what
  they mean, and needs its workers until it has saved.
  """
  del index, count
  for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
  parent = multiprocessing.parent_process()
  if parent is not None:
    threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
  """Ends this process when the one behind `sentinel` has ended, however it did."""
  multiprocessing.connection.wait([sentinel])
  os._exit(1)
