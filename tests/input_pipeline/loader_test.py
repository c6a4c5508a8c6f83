import dataclasses
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jppf_jax.checkpoints.store import Checkpoints
from jppf_jax.input_pipeline import datasets, loader, read
from jppf_jax.labels.spec import LabelSpec
from tests.data import raw_files
from tests.input_pipeline.two_hosts import SPEC, VIEW, digest

ROOT = Path(__file__).parents[2]
SIDES = st.integers(8, 40)
STATE = {"weights": np.zeros(2, np.float32)}


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
  root = tmp_path_factory.mktemp("cpp")
  raw_files.write_cpp(root / "raw", {"train": 7, "val": 1})
  with pytest.warns(UserWarning):
    folders = {"data_dir": root / "built", "manual_dir": root / "raw"}
    folder = datasets.build("cityscapes_panoptic_parts", **folders)
  opened = read.open_split(folder, "train", cache=True)
  opened.folder = folder
  return opened


def take(iterator, count):
  return [next(iterator) for _ in range(count)]


def assert_equal(first, second):
  for (batch, ids), (expected, expected_ids) in zip(first, second, strict=True):
    assert ids == expected_ids
    jax.tree.map(np.testing.assert_array_equal, batch, expected)


def iterator(examples, **changes):
  return loader.train_iterator(examples, VIEW, **{"batch_size": 2, "seed": 0, **changes})


def test_batches_have_static_shapes_and_know_their_images(examples):
  batch, ids = next(iterator(examples))
  assert batch.image.shape == (2, 16, 32, 3) and batch.boxes.shape == (2, 5, 4) and len(ids) == 2
  assert all(image_id.startswith("town_") for image_id in ids)


def groups(examples, **changes):
  view = dataclasses.replace(VIEW, others=examples, **changes)
  batches = take(loader.train_iterator(examples, view, batch_size=2, seed=0), 6)
  assert_equal(batches, take(loader.train_iterator(examples, view, batch_size=2, seed=0), 6))
  return np.concatenate([batch.image for batch, _ in batches])


def test_examples_stand_beside_each_other_and_change_colours_where_asked(examples):
  plain, again = groups(examples), groups(examples, beside=0.0, color_jitter=0.0)
  np.testing.assert_array_equal(plain, again)
  always, some = groups(examples, beside=1.0), groups(examples, beside=0.5)
  assert (always != plain).any((1, 2, 3)).all()
  in_groups = (some == always).all((1, 2, 3))  # the same chance decides, then the same draws follow
  assert 0 < in_groups.sum() < len(plain)
  assert (groups(examples, color_jitter=0.5) != plain).any((1, 2, 3)).all()


@pytest.mark.parametrize(
  "shape, expected", [((60, 40), (24, 21)), ((30, 70), (15, 35)), ((9, 9), (21, 21))]
)
def test_a_view_says_how_much_of_it_is_image(shape, expected):
  uids = np.full(shape, 7, np.int32)
  example = {"image_id": "a", "image": np.full((*shape, 3), 9, np.uint8), "uids": uids}
  view = loader.View(SPEC, (24, 40), (0.875, 0.875), False, max_objects=2, min_area=1)
  fields = view.random_map(example, np.random.default_rng(0))
  rows, columns = fields["covered"]
  assert (rows, columns) == expected and fields["covered"].dtype == np.int32
  is_image = (fields["image"] == 9).all(-1)
  assert is_image[:rows, :columns].all() and is_image.sum() == rows * columns


def test_a_mirrored_view_teaches_the_part_of_the_other_side():
  person = {"id": 2, "color": [9, 9, 9], "parts": {"left arm": [1], "right arm": [2]}}
  content = {"things": {"person": person}, "mirror": [["left arm", "right arm"]]}
  spec = LabelSpec.from_dict(content, name="people")
  uids = np.zeros((16, 16), np.int32)
  uids[:, :6], uids[:, 10:] = 2_001_02, 2_001_01  # seen from the front
  example = {"image_id": "a", "image": np.zeros((16, 16, 3), np.uint8), "uids": uids}
  view = loader.View(spec, size=(16, 16), scale=(1, 1), flip=True, max_objects=2, min_area=1)
  for seed in range(20):
    part = view.random_map(example, np.random.default_rng(seed))["part"]
    assert (part[:, :6] == 2).all() and (part[:, 10:] == 1).all()


def test_views_without_objects_are_kept_unless_objects_are_required():
  uids = np.full((64, 64), 7, np.int32)
  uids[:28, :28] = 26_001
  example = {"image_id": "corner", "image": np.zeros((64, 64, 3), np.uint8), "uids": uids}
  settings = {"size": (16, 16), "scale": (4, 4), "flip": False, "max_objects": 2, "min_area": 1}
  shown = {}
  for required in (False, True):
    view = loader.View(SPEC, **settings, require_object=required)
    rngs = map(np.random.default_rng, range(40))
    shown[required] = np.mean([view.random_map(example, rng)["valid"].any() for rng in rngs])
  assert 0.15 < shown[False] < 0.6 and shown[True] > 0.9


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.tuples(SIDES, SIDES), st.integers(1, 12))
def test_every_view_has_tight_boxes_and_only_parts_of_its_classes(seed, size, min_area):
  image, uids = raw_files.scene(seed, (24, 32))
  view = dataclasses.replace(VIEW, size=size, min_area=min_area)
  example = {"image_id": "", "image": image, "uids": uids}
  fields = view.random_map(example, np.random.default_rng(seed))
  known = fields["semantic"] < 255
  assert set(np.unique(fields["semantic"][known])) <= set(np.unique(SPEC.decode(uids).semantic))
  with_part = known & (fields["part"] > 0) & (fields["part"] < 255)
  assert SPEC.part_matrix[fields["semantic"][with_part], fields["part"][with_part]].all()
  for row, box in enumerate(fields["boxes"][fields["valid"]]):
    y, x = np.nonzero(fields["instance"] == row + 1)
    assert len(y) >= min_area and box.tolist() == [x.min(), y.min(), x.max() + 1, y.max() + 1]
    assert (fields["semantic"][y, x] == SPEC.num_stuff + fields["labels"][row] - 1).all()
  assert fields["instance"].max() == fields["valid"].sum()


def test_every_epoch_shows_every_example_once_in_another_order_and_view(examples):
  seen = []
  for batch, ids in take(iterator(examples), 7):
    seen += zip(ids, batch.image)
  first, second = dict(seen[:7]), dict(seen[7:])
  assert set(first) == set(second) and len(first) == 7 and list(first) != list(second)
  assert not any((first[image_id] == second[image_id]).all() for image_id in first)


def test_order_and_views_depend_on_the_seed_and_not_on_threads(examples):
  reference = take(iterator(examples), 5)
  assert_equal(take(iterator(examples, threads=4, buffered=9), 5), reference)
  assert [ids for _, ids in take(iterator(examples, seed=1), 5)] != [ids for _, ids in reference]


def test_after_any_batch_the_saved_position_continues_with_the_same_bytes(examples):
  whole, positions = iterator(examples), []
  for _ in range(9):  # more than two epochs
    positions.append(json.dumps(whole.get_state()))
    next(whole)
  reference = take(iterator(examples), 12)
  resumed = iterator(examples)
  for stop in np.random.default_rng(0).permutation(9):  # back and forth
    resumed.set_state(json.loads(positions[stop]))
    assert_equal(take(resumed, 3), reference[stop : stop + 3])


@pytest.mark.parametrize("stop", [0, 3])
def test_the_position_is_restored_from_a_checkpoint(examples, tmp_path, stop):
  whole, resumed = iterator(examples), iterator(examples)
  take(whole, stop)
  take(resumed, 2)
  restore(save(tmp_path, whole), resumed)
  assert_equal(take(resumed, 4), take(whole, 4))


def save(folder, data_iterator):
  checkpoints = Checkpoints(folder)
  checkpoints.save(1, STATE, {}, data_iterator)
  checkpoints.close()
  return folder


def restore(folder, data_iterator):
  assert Checkpoints(folder, read_only=True).restore(STATE, data_iterator)[0] == 1


def test_worker_processes_give_the_same_batches_and_resume_exactly(examples, tmp_path):
  reference = take(iterator(examples), 6)
  workers = iterator(examples, workers=2)
  assert_equal(take(workers, 3), reference[:3])
  save(tmp_path, workers)
  assert_equal(take(workers, 2), reference[3:5])  # what was made ahead is not lost
  restore(tmp_path, workers)  # stops the processes and starts new ones, as a new run would
  for worker in multiprocessing.active_children():
    os.kill(worker.pid, signal.SIGTERM)  # as a job scheduler does; the parent decides
  assert_equal(take(workers, 3), reference[3:])
  processes = multiprocessing.active_children()
  workers.close()
  assert processes and not any(process.is_alive() for process in processes)


def test_a_worker_ends_when_its_parent_was_killed(monkeypatch):
  read, write = os.pipe()  # the system closes `write` when the parent dies
  statuses, ended = [], threading.Event()
  monkeypatch.setattr(os, "_exit", lambda status: (statuses.append(status), ended.set()))
  monkeypatch.setattr(signal, "signal", lambda number, handler: statuses.append(handler))
  monkeypatch.setattr(multiprocessing, "parent_process", lambda: SimpleNamespace(sentinel=read))
  loader._start_worker(0, 2)
  assert statuses == [signal.SIG_IGN] * 3 and not ended.wait(0.1)
  os.close(write)
  assert ended.wait(10)
  os.close(read)


def test_two_hosts_save_in_one_checkpoint_and_each_resumes_with_its_bytes(examples, tmp_path):
  script = [sys.executable, "-m", "tests.input_pipeline.two_hosts"]
  options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
  hosts = []
  for index in range(2):
    command = [*script, str(examples.folder), str(tmp_path), str(index)]
    hosts.append(subprocess.Popen(command, cwd=ROOT, **options))
  for index, host in enumerate(hosts):
    printed, errors = host.communicate(timeout=300)
    assert host.returncode == 0, errors
    alone = take(iterator(examples, process=(index, 2)), 6)
    digests = printed.partition("next: ")[2].split()[:3]  # gloo prints too
    assert digests == [digest(*pair) for pair in alone[3:]]


@pytest.mark.parametrize("count", [2, 3, 12])  # 12: more than there are examples
def test_processes_together_read_the_batches_of_one(examples, count):
  whole = take(iterator(examples, batch_size=12), 3)
  shares = [iterator(examples, process=(k, count), batch_size=12 // count) for k in range(count)]
  for batch, ids in whole:
    parts = [next(share) for share in shares]
    assert [name for _, names in parts for name in names] == ids
    together = jax.tree.map(lambda *arrays: np.concatenate(arrays), *(part for part, _ in parts))
    jax.tree.map(np.testing.assert_array_equal, together, batch)


def test_a_run_goes_on_with_another_number_of_processes(examples):
  alone = iterator(examples, batch_size=4)
  take(alone, 2)
  state, expected = alone.get_state(), take(alone, 1)[0][1]
  found = []
  for index in range(2):
    share = iterator(examples, process=(index, 2), batch_size=2)
    share.set_state(state)
    found += next(share)[1]
  assert found == expected
