import grain
import jax
import numpy as np
import pytest

from jppf_jax.checkpoints.store import Checkpoints
from jppf_jax.training.parallel import RUNNERS, make_runner
from jppf_jax.training.prefetch import DevicePrefetch
from tests.training.parallel_test import step


def example(index):
  rng = np.random.default_rng(index)
  return {
    "x": rng.normal(size=(4, 3)).astype(np.float32),
    "y": rng.normal(size=4).astype(np.float32),
  }, [f"{index}"]


def host_batches():
  return iter(grain.MapDataset.range(10).repeat(None).map(example).to_iter_dataset())


def ids_of(batches, count):
  return [next(batches)[1] for _ in range(count)]


def test_at_most_one_batch_waits_on_the_devices():
  put = []
  batches = DevicePrefetch(host_batches(), lambda batch: put.append(batch) or len(put))
  assert not put
  for count in range(1, 4):
    batches.fetch()
    batches.fetch()
    assert len(put) == count
    assert next(batches) == (count, [f"{count - 1}"])
  assert next(batches) == (4, ["3"])  # without asking for it first


@pytest.mark.parametrize("fetched", [False, True])
def test_the_position_is_that_of_the_batches_taken_whatever_waits(fetched):
  reference = ids_of(host_batches(), 12)
  batches = DevicePrefetch(host_batches(), lambda batch: batch)
  for taken in range(8):
    if fetched:
      batches.fetch()
    resumed = DevicePrefetch(host_batches(), lambda batch: batch)
    resumed.fetch()  # what waits belongs to another position, and goes
    resumed.set_state(batches.get_state())
    assert resumed.get_state() == batches.get_state()
    assert ids_of(resumed, 4) == reference[taken : taken + 4]
    assert ids_of(batches, 1) == reference[taken : taken + 1]


def test_the_host_batches_stay_open():
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
      batch, _ = next(batches)
      assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(batch))
      state, _ = runner(state, batch)
      batches.fetch()
    return runner.get_state(state)

  start, total = {"w": np.zeros(3, np.float32)}, 5
  expected = work(start, DevicePrefetch(host_batches(), runner.put_batch), total)
  for stop in range(1, total):
    batches = DevicePrefetch(host_batches(), runner.put_batch)
    checkpoints = Checkpoints(tmp_path / f"{stop}")
    checkpoints.save(stop, work(start, batches, stop), {}, batches)
    checkpoints.close()
    host = host_batches()
    _, state = Checkpoints(tmp_path / f"{stop}", read_only=True).restore(start, host)
    resumed = work(state, DevicePrefetch(host, runner.put_batch), total - stop)
    np.testing.assert_array_equal(resumed["w"], expected["w"])
