import contextlib

import grain
import jax
import numpy as np
import pytest

from jppf_jax.checkpoints.store import Checkpoints
from jppf_jax.training.parallel import RUNNERS, make_runner
from jppf_jax.training.prefetch import DevicePrefetch
from tests.training.parallel_test import random_batch, step


def example(index):
  return random_batch(np.random.default_rng(index), 4), [f"{index}"]


def host_batches():
  endless = grain.MapDataset.range(10).repeat(None)
  return iter(endless.map(example).to_iter_dataset())


def ids_of(batches, count):
  return [next(batches)[-1] for _ in range(count)]


def test_at_most_one_batch_waits_on_the_devices():
  put = []
  batches = DevicePrefetch(host_batches(), put.append)
  assert not put
  for index in range(3):
    batches.fetch()
    batches.fetch()
    assert len(put) == index + 1
    assert next(batches)[-1] == [f"{index}"]
  assert next(batches)[-1] == ["3"]  # without a fetch


@pytest.mark.parametrize("fetched", [False, True])
def test_the_position_is_that_of_the_batches_taken_whatever_waits(fetched):
  reference = ids_of(host_batches(), 12)
  batches = DevicePrefetch(host_batches(), lambda batch: batch)
  for taken in range(8):
    if fetched:
      batches.fetch()
    resumed = DevicePrefetch(host_batches(), lambda batch: batch)
    resumed.fetch()  # this batch belongs to another position and must be dropped
    resumed.set_state(batches.get_state())
    assert resumed.get_state() == batches.get_state()
    assert ids_of(resumed, 4) == reference[taken : taken + 4]
    assert ids_of(batches, 1) == [reference[taken]]


def test_closing_does_not_close_the_host_batches():
  batches = host_batches()
  DevicePrefetch(batches, lambda batch: batch).close()
  assert ids_of(batches, 1) == [["0"]]


@pytest.mark.parametrize("name", RUNNERS)
def test_a_run_stopped_after_any_step_and_restored_from_its_checkpoint_ends_with_the_same_bytes(
  name, tmp_path
):
  runner = make_runner(name, step)

  def work(state, batches, steps):
    state = runner.put_state(state)
    for _ in range(steps):
      batch, *_ = next(batches)
      assert all(isinstance(array, jax.Array) for array in batch.values())
      state, _ = runner(state, batch)
      batches.fetch()
    return runner.get_state(state)

  start, total = {"w": np.zeros(3, np.float32)}, 5
  expected = work(start, DevicePrefetch(host_batches(), runner.put_batch), total)
  for stop in range(1, total):
    batches = DevicePrefetch(host_batches(), runner.put_batch)
    folder = tmp_path / f"{stop}"
    with contextlib.closing(Checkpoints(folder)) as checkpoints:
      checkpoints.save(stop, work(start, batches, stop), {}, batches)
    host = host_batches()
    _, state = Checkpoints(folder, read_only=True).restore(start, host)
    resumed = work(state, DevicePrefetch(host, runner.put_batch), total - stop)
    np.testing.assert_array_equal(resumed["w"], expected["w"])
