import shutil

import grain
import jax
import numpy as np
import pytest

from jppf_jax.checkpoints.store import CheckpointError, Checkpoints, checksums
from tests import tiny


def state(value: float) -> dict:
  kernel = np.full((64, 64), value, np.float32)
  return {"step": np.int32(value), "params": {"kernel": kernel, "bias": np.zeros(3)}}


def saved(path, *values) -> Checkpoints:
  checkpoints = Checkpoints(path, keep=3)
  for value in values:
    checkpoints.save(value, state(value), {"note": "test"})
  checkpoints.wait()
  return checkpoints


def test_restores_the_newest_with_its_record(tmp_path):
  checkpoints = saved(tmp_path, 1, 2)
  step, restored = checkpoints.restore(state(0))
  assert step == 2
  jax.tree.map(np.testing.assert_array_equal, restored, state(2))
  assert checkpoints.record(2)["note"] == "test"


def test_an_empty_folder_restores_nothing(tmp_path):
  assert Checkpoints(tmp_path).restore(state(0)) is None


def test_keeps_only_the_newest(tmp_path):
  assert saved(tmp_path, 1, 2, 3, 4, 5).steps() == [3, 4, 5]


def test_a_template_may_be_shapes_only(tmp_path):
  template = jax.eval_shape(lambda: jax.tree.map(jax.numpy.asarray, state(0)))
  template["params"]["bias"] = np.zeros(3)
  assert saved(tmp_path, 1).restore(template)[0] == 1


def flip_bytes(folder) -> None:
  """Inverts four bytes in the middle of the largest file."""
  file = tiny.largest_file(folder)
  content = bytearray(file.read_bytes())
  middle = len(content) // 2
  few = slice(middle, middle + 4)
  content[few] = bytes(255 - byte for byte in content[few])
  file.write_bytes(content)


def truncate(folder) -> None:
  """Cuts the largest file after ten bytes."""
  file = tiny.largest_file(folder)
  file.write_bytes(file.read_bytes()[:10])


def delete_state(folder) -> None:
  shutil.rmtree(folder / "state")


def edit_record(folder) -> None:
  """Changes a value of the record; it stays valid JSON."""
  file = folder / "record" / "metadata"
  file.write_text(file.read_text().replace('"test"', '"text"'))


def take_record_of_another(folder) -> None:
  """Replaces the record by that of step 1, whose checksum is right."""
  shutil.copytree(folder.parent / "1" / "record", folder / "record", dirs_exist_ok=True)


DAMAGES = [flip_bytes, truncate, delete_state, edit_record, take_record_of_another]


@pytest.mark.parametrize("damage", DAMAGES)
def test_if_a_checkpoint_is_damaged_the_one_before_is_restored(tmp_path, damage):
  saved(tmp_path, 1, 2).close()
  damage(tmp_path / "2")
  step, restored = Checkpoints(tmp_path).restore(state(0))
  assert step == 1
  jax.tree.map(np.testing.assert_array_equal, restored, state(1))


def test_damaged_checkpoints_are_set_aside_and_their_steps_saved_again(tmp_path):
  saved(tmp_path, 1, 2, 3).close()
  for _ in range(2):
    for step in (2, 3):
      flip_bytes(tmp_path / f"{step}")
    resumed = Checkpoints(tmp_path)
    assert resumed.restore(state(0))[0] == 1
    for step in (2, 3):
      resumed.save(step, state(step), {})
    resumed.close()
    step, restored = Checkpoints(tmp_path).restore(state(0))
    assert step == 3
    jax.tree.map(np.testing.assert_array_equal, restored, state(3))
  aside = {path.name for path in tmp_path.iterdir() if not path.name.isdigit()}
  assert aside == {"damaged_2", "damaged_2_2", "damaged_3", "damaged_3_2"}


def test_looking_at_damaged_checkpoints_changes_nothing(tmp_path):
  saved(tmp_path, 1, 2).close()
  flip_bytes(tmp_path / "2")
  assert Checkpoints(tmp_path, read_only=True).restore(state(0))[0] == 1
  flip_bytes(tmp_path / "1")
  with pytest.raises(CheckpointError, match="None of the checkpoints"):
    Checkpoints(tmp_path).restore(state(0))  # all are damaged: nothing is thrown away
  assert {path.name for path in tmp_path.iterdir()} == {"1", "2"}


def test_a_step_that_would_be_skipped_is_an_error(tmp_path):
  checkpoints = saved(tmp_path, 5)
  for step in (4, 5):
    with pytest.raises(CheckpointError, match=f"step {step} is not after step 5"):
      checkpoints.save(step, state(step), {})


class Position(grain.DatasetIterator):
  """An iterator that is only its position."""

  def __init__(self, place=0):
    super().__init__()
    self.place = place

  def __next__(self):
    raise StopIteration

  def get_state(self):
    return {"next_index": self.place}

  def set_state(self, state):
    self.place = state["next_index"]


@pytest.mark.parametrize("damage", ["edited", "of another step", "missing", "no JSON"])
def test_a_position_in_the_data_that_is_not_the_saved_one_is_refused(tmp_path, damage):
  checkpoints = Checkpoints(tmp_path)
  for step in (1, 2):
    checkpoints.save(step, state(step), {}, Position(10 * step))
  checkpoints.close()
  first, second = sorted(tmp_path.glob("*/data/process_0*"))
  match damage:
    case "edited":
      second.write_text(second.read_text().replace("20", "21"))
    case "of another step":
      shutil.copy(first, second)
    case "missing":
      second.unlink()
    case "no JSON":
      second.write_text("[]")
  position = Position()
  assert Checkpoints(tmp_path).restore(state(0), position)[0] == 1
  assert position.place == 10
  assert (tmp_path / "damaged_2").is_dir()


@pytest.mark.parametrize("damage", [False, True])
def test_a_position_of_another_number_of_processes_is_restored(tmp_path, damage):
  checkpoints = Checkpoints(tmp_path)
  for step in (1, 2):
    checkpoints.save(step, state(step), {}, Position(10 * step))
  checkpoints.close()
  saved_alone = tmp_path / "2" / "data" / "process_0-of-1.json"
  for process in range(4):
    shutil.copy(saved_alone, saved_alone.with_name(f"process_{process}-of-4.json"))
  saved_alone.unlink()
  if damage:
    first = saved_alone.with_name("process_0-of-4.json")
    first.write_text(first.read_text().replace("20", "21"))
  position = Position()
  assert Checkpoints(tmp_path).restore(state(0), position)[0] == (1 if damage else 2)
  assert position.place == (10 if damage else 20)


def test_who_refuses_a_record_ends_the_search_and_nothing_is_set_aside(tmp_path):
  saved(tmp_path, 1, 2).close()
  seen = []

  def accept(record):
    seen.append(record["step"])
    raise ValueError("of another run")

  with pytest.raises(ValueError, match="of another run"):
    Checkpoints(tmp_path).restore(state(0), accept=accept)
  assert seen == [2]
  assert {path.name for path in tmp_path.iterdir()} == {"1", "2"}


def test_an_incomplete_checkpoint_is_ignored(tmp_path):
  saved(tmp_path, 1).close()
  (tmp_path / "2.orbax-checkpoint-tmp").mkdir()
  assert Checkpoints(tmp_path).restore(state(0))[0] == 1


@pytest.mark.parametrize(
  "other",
  [
    {"step": np.int32(0)},
    state(0) | {"params": {"kernel": np.zeros((2, 2), np.float32), "bias": np.zeros(3)}},
  ],
)
def test_another_architecture_is_an_error_that_says_what_to_do(tmp_path, other):
  checkpoints = saved(tmp_path, 1)
  with pytest.raises(CheckpointError, match=r"1 is of another network or optimizer: .*--workdir"):
    checkpoints.restore(other)


def test_a_full_disk_is_an_error_and_earlier_checkpoints_stay(tmp_path, monkeypatch):
  checkpoints = saved(tmp_path, 1)

  def full(*args, **kwargs):
    raise OSError(28, "No space left on device")

  monkeypatch.setattr(checkpoints._manager, "save", full)
  with pytest.raises(CheckpointError, match="No space left.*Earlier checkpoints are untouched"):
    checkpoints.save(2, state(2), {})
  assert checkpoints.restore(state(0))[0] == 1


def test_checksums_depend_on_values_types_and_shapes():
  zeros = np.zeros(4, np.float32)
  arrays = {"zeros": zeros, "ints": np.zeros(4, np.int32), "ones": np.ones(4, np.float32)}
  found = checksums(arrays | {"square": zeros.reshape(2, 2)})
  assert len(found) == len(set(found.values())) == 4
