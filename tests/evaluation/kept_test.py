"""Entries that later starts find, and those that they must not."""

import dataclasses
import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jppf_jax.checkpoints.weights import WeightsError, load_weights, save_weights
from jppf_jax.evaluation import kept as module
from jppf_jax.evaluation.kept import Kept, as_text
from jppf_jax.labels.registry import load_spec
from jppf_jax.structs import Segments

WEIGHTS = {"params": {"scale": np.float32(3)}}
ROW = np.arange(4, dtype=np.int32)


def double(weights, row):
  areas = (row * weights["params"]["scale"]).astype(jnp.int32)
  return Segments(labels=row, scores=row / 4, areas=areas, valid=row > 0)


def never(*_):
  raise AssertionError("traced again")


def entries(folder):
  return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def folder(tmp_path):
  """A folder with one entry: `double` for `WEIGHTS` and `ROW`."""
  folder = tmp_path / "kept"
  Kept(folder).program(double, (WEIGHTS, ROW), "double")
  return folder


def test_the_next_start_has_the_program_without_tracing(folder):
  before = entries(folder)
  program = Kept(folder).program(never, (WEIGHTS, ROW), "double")
  found, expected = program(WEIGHTS, ROW), double(WEIGHTS, jnp.asarray(ROW))
  assert isinstance(found, Segments)
  jax.tree.map(np.testing.assert_array_equal, found, expected)
  assert entries(folder) == before and len(before) == 1


def test_the_caller_hears_of_what_is_compiled(folder):
  heard = []
  kept = Kept(folder, on_new=lambda: heard.append("new"))
  kept.program(double, (WEIGHTS, ROW), "double")
  assert not heard
  kept.program(double, (WEIGHTS, ROW[:2]), "double")
  assert heard == ["new"]


def test_weights_are_arguments(folder):
  other = {"params": {"scale": np.float32(5)}}
  found = Kept(folder).program(never, (other, ROW), "double")(other, ROW)
  np.testing.assert_array_equal(found.areas, 5 * ROW)


@pytest.mark.parametrize(
  "arguments, about",
  [
    ((WEIGHTS, ROW), "another config"),
    ((WEIGHTS, np.arange(5, dtype=np.int32)), "double"),
    ((WEIGHTS, ROW.astype(np.float32)), "double"),
    (({"params": {"scale": np.ones(4, np.float32)}}, ROW), "double"),
    (({"params": {"size": np.float32(3)}}, ROW), "double"),
  ],
)
def test_another_program_is_not_taken_for_it(folder, arguments, about):
  with pytest.raises(AssertionError, match="traced again"):
    Kept(folder).program(never, arguments, about)


def test_another_version_code_or_setting_is_another_environment(folder, monkeypatch, tmp_path):
  before = module._environment()
  assert module._environment() == before
  with jax.default_matmul_precision("highest"):
    assert module._environment() != before
  monkeypatch.setattr(jax, "__version__", "0.0.1")
  assert module._environment() != before
  monkeypatch.undo()
  (tmp_path / "code.py").write_text("x = 1\n")
  monkeypatch.setattr("jppf_jax.__file__", str(tmp_path / "__init__.py"))
  changed = module._environment()
  environments = [before, changed]
  (tmp_path / "code.py").write_text("x = 2\n")
  environments.append(module._environment())
  (tmp_path / "code.py").rename(tmp_path / "other.py")
  environments.append(module._environment())
  (tmp_path / "below").mkdir()
  (tmp_path / "below/code.py").touch()
  environments.append(module._environment())
  assert len({*map(str, environments)}) == 5
  with pytest.raises(AssertionError, match="traced again"):
    Kept(folder).program(never, (WEIGHTS, ROW), "double")


def test_another_device_has_programs_of_its_own(folder, monkeypatch):
  before = module._device()
  assert before.startswith("cpu ") and module._device() == before
  monkeypatch.setattr(module, "_device", lambda: "another")
  with pytest.raises(AssertionError, match="traced again"):
    Kept(folder).program(never, (WEIGHTS, ROW), "double")


def test_a_program_that_cannot_be_exported_is_only_compiled(tmp_path, monkeypatch):
  def refuse(_):
    raise ValueError("Cannot serialize code with custom calls")

  monkeypatch.setattr(module.export, "export", refuse)
  found = Kept(tmp_path).program(double, (WEIGHTS, ROW), "double")(WEIGHTS, ROW)
  np.testing.assert_array_equal(found.areas, 3 * ROW)
  assert not entries(tmp_path)


def shortened(content):
  return content[:-1]


def changed(content):
  return content[:40] + bytes([content[40] ^ 1]) + content[41:]


def foreign(_):
  content = b"StableHLO of some other JAX"
  return module.hashlib.sha256(content).digest() + content


def emptied(_):
  return b""


@pytest.mark.parametrize("damage", [shortened, changed, foreign, emptied])
def test_a_damaged_entry_is_made_again(folder, damage):
  [path] = folder.iterdir()
  whole = path.read_bytes()
  path.write_bytes(damage(whole))
  found = Kept(folder).program(double, (WEIGHTS, ROW), "double")(WEIGHTS, ROW)
  np.testing.assert_array_equal(found.areas, 3 * ROW)
  assert entries(folder) == [path.name]
  Kept(folder).program(never, (WEIGHTS, ROW), "double")


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path):
  (tmp_path / "file").touch()
  found = Kept(tmp_path / "file").program(double, (WEIGHTS, ROW), "double")(WEIGHTS, ROW)
  np.testing.assert_array_equal(found.areas, 3 * ROW)


def test_an_entry_that_is_read_counts_as_used(folder):
  [path] = folder.iterdir()
  module.os.utime(path, (1, 1))
  Kept(folder).program(never, (WEIGHTS, ROW), "double")
  assert path.stat().st_mtime > 1


def test_many_starts_may_write_at_once(tmp_path):
  def start():
    found.append(Kept(tmp_path).shapes(lambda: {"a": {"b": ROW}}, "shapes"))

  found = []
  threads = [threading.Thread(target=start) for _ in range(8)]
  for thread in threads:
    thread.start()
  for thread in threads:
    thread.join()
  assert [shapes["a"]["b"].shape for shapes in found] == [(4,)] * 8
  assert len(entries(tmp_path)) == 1


def test_shapes_are_found_once_for_what_they_depend_on(tmp_path):
  tree = {"params": {"a": {"kernel": np.zeros((3, 1), np.float32)}, "b": ROW}}
  for compute in (lambda: tree, never):
    found = Kept(tmp_path).shapes(compute, "a network")
    assert found == jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), tree)
  with pytest.raises(AssertionError, match="traced again"):
    Kept(tmp_path).shapes(never, "another network")
  [path] = tmp_path.iterdir()
  path.write_bytes(path.read_bytes().replace(b"[3, 1]", b"[7, 1]"))  # still JSON, but damaged
  assert Kept(tmp_path).shapes(lambda: tree, "a network") == found


def test_a_wrong_file_gets_the_same_message_from_kept_shapes(tmp_path):
  tree = {"params": {"a": {"kernel": ROW[None].astype(np.float32)}}}
  wrong = {"params": {"a": {"kernel": np.ones((2, 4)), "bias": np.ones(4)}}}
  save_weights(tmp_path / "w.safetensors", wrong, {})
  messages = []
  for template in (tree, *(Kept(tmp_path).shapes(lambda: tree, "a network") for _ in range(2))):
    with pytest.raises(WeightsError, match=r"left over params/a/bias .*\n.*model \(1, 4\)") as e:
      load_weights(tmp_path / "w.safetensors", template)
    messages.append(str(e.value))
  assert len(messages) == 3 and len(set(messages)) == 1


def test_text_differs_where_an_array_or_a_value_does():
  spec = load_spec("cpp")
  assert as_text(spec) == as_text(load_spec("cpp"))
  tables = spec.sid_to_train.copy()
  assert as_text(tables) == as_text(spec.sid_to_train)
  tables[3] = 7
  assert as_text(tables) != as_text(spec.sid_to_train)
  assert as_text(tables) != as_text(tables.astype(np.int64))
  assert as_text(tables) != as_text(tables[None])
  assert as_text(dataclasses.replace(spec, name="other")) != as_text(spec)
