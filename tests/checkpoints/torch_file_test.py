import contextlib
import pickle
import re
import tracemalloc
import zipfile
from collections import OrderedDict

import numpy as np
import pytest

from jppf_jax.checkpoints.torch_file import UnsafeFile, read_state_dict, read_torch_file
from jppf_jax.checkpoints.weights import WeightsError, save_weights
from tests.checkpoints.torch_files import (
  Call,
  Name,
  Storage,
  data_of,
  pickled,
  save_legacy,
  save_zip,
  write_legacy,
  write_zip,
)

SAVE = {"zip": save_zip, "legacy": save_legacy}
TENSORS = OrderedDict(
  weight=np.arange(24, dtype=np.float32).reshape(2, 3, 4),
  half=np.ones(3, np.float16),
  empty=np.zeros((0, 3), np.float32),
  count=np.array(7, np.int64),
  mask=np.array([True, False]),
)


@pytest.fixture(params=SAVE)
def save(request):
  return SAVE[request.param]


def test_tensors_and_containers_are_read_as_they_were_saved(tmp_path, save):
  others = {"meta": {"epoch": 3, "classes": ("road", "car")}, "list": [1, None]}
  save(tmp_path / "x.pth", others | {"state_dict": TENSORS})
  content = read_torch_file(tmp_path / "x.pth")
  tensors = content.pop("state_dict")
  assert content == others
  assert list(tensors) == list(TENSORS)
  for name, expected in TENSORS.items():
    np.testing.assert_array_equal(tensors[name], expected, strict=True)


def test_a_checkpoint_gives_its_state_dict_without_the_prefix_of_parallel_training(tmp_path, save):
  state_dict = {"module.a.weight": TENSORS["weight"]}
  save(tmp_path / "x.pth", {"meta": {}, "state_dict": state_dict, "optimizer": {}})
  assert list(read_state_dict(tmp_path / "x.pth")) == ["a.weight"]


def test_safetensors_are_read_too(tmp_path):
  path, weight = tmp_path / "x.safetensors", TENSORS["weight"]
  save_weights(path, {"a": {"weight": weight}}, {})
  np.testing.assert_array_equal(read_state_dict(path)["a/weight"], weight)


@pytest.mark.parametrize(
  "content", [[1, 2], {}, {"a": TENSORS["weight"], "b": 1}, {3: TENSORS["weight"]}]
)
def test_a_file_without_tensors_by_name_is_an_error(tmp_path, save, content):
  save(tmp_path / "x.pth", content)
  with pytest.raises(WeightsError, match="tensors by name"):
    read_state_dict(tmp_path / "x.pth")


@pytest.mark.parametrize(
  "attack",
  [
    Call(Name("os", "system"), ("touch was_here",)),
    Call(Name("builtins", "exec"), ("open('was_here', 'w')",)),
    Call(Name("builtins", "getattr"), (Name("os", "system"), "__call__")),
  ],
)
def test_a_malicious_file_is_refused_and_nothing_of_it_runs(tmp_path, save, attack, monkeypatch):
  monkeypatch.chdir(tmp_path)
  save(tmp_path / "x.pth", {"state_dict": TENSORS, "more": attack})
  with pytest.raises(UnsafeFile, match=r"refused: it asks to load \w+\.\w+, .* Nothing was run"):
    read_torch_file(tmp_path / "x.pth")
  assert not (tmp_path / "was_here").exists()


def test_the_attack_works_on_a_plain_unpickler(tmp_path):
  marker = tmp_path / "was_here"
  main, _ = pickled(Call(Name("os", "system"), (f"touch {marker}",)))
  pickle.loads(main)
  assert marker.exists()


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_an_unknown_name_is_refused_in_each_pickle_protocol(tmp_path, protocol):
  write_zip(tmp_path / "x.pth", pickle.dumps({"f": zipfile.ZipFile}, protocol), {})
  with pytest.raises(UnsafeFile, match="zipfile.ZipFile"):
    read_torch_file(tmp_path / "x.pth")


@pytest.mark.parametrize("state", [{"mark": 1}, (None, {"mark": 1})])
@pytest.mark.parametrize("name", ["_rebuild_tensor_v2", "_rebuild_parameter"])
def test_a_file_cannot_set_attributes_of_what_it_may_call(tmp_path, name, state):
  load_name = b"ctorch._utils\n" + name.encode() + b"\n"  # GLOBAL
  push_state = pickle.dumps(state, 0).removesuffix(b".")
  write_zip(tmp_path / "x.pth", load_name + push_state + b"b.", {})  # BUILD
  with pytest.raises(WeightsError, match="object has no attribute"):
    read_torch_file(tmp_path / "x.pth")


@pytest.mark.parametrize(
  "offset, size, stride",
  [
    (1, (6,), (1,)),
    (0, (2, 3), (4, 1)),
    (0, (3,), (-1,)),
    (-1, (2,), (1,)),
    (0, (10**6,), (0,)),
    (0, (2, 3), (1,)),
  ],
)
def test_a_tensor_outside_of_its_storage_is_refused(tmp_path, offset, size, stride):
  storage = Storage(np.arange(6, dtype=np.float32), "0")
  rebuild = Name("torch._utils", "_rebuild_tensor_v2")
  main, _ = pickled(Call(rebuild, (storage, offset, size, stride)))
  write_zip(tmp_path / "x.pth", main, {"0": storage.array.tobytes()})
  with pytest.raises(WeightsError, match="reaches outside of its storage"):
    read_torch_file(tmp_path / "x.pth")


def test_a_truncated_file_is_refused(tmp_path, save):
  path = tmp_path / "x.pth"
  save(path, TENSORS)
  whole = path.read_bytes()
  for length in range(0, len(whole), 37):
    path.write_bytes(whole[:length])
    with pytest.raises(WeightsError, match="x.pth"):
      read_torch_file(path)


def test_compressed_big_endian_and_incomplete_files_are_refused(tmp_path):
  path = tmp_path / "x.pth"
  save_zip(path, TENSORS, compression=zipfile.ZIP_DEFLATED)
  with pytest.raises(WeightsError, match="compressed"):
    read_torch_file(path)
  main, storages = pickled(TENSORS)
  write_zip(path, main, data_of(storages), byteorder=b"big")
  with pytest.raises(WeightsError, match="big-endian"):
    read_torch_file(path)
  write_zip(path, main, dict.fromkeys(data_of(storages), b""))
  with pytest.raises(WeightsError, match="a storage has 0 bytes instead of 96"):
    read_torch_file(path)


HUGE = 1_700_000_000
PROTOCOL, MARK = b"\x80\x05", b"("


def little(number, size):
  return number.to_bytes(size, "little")


def pickle_that_claims(kind):
  """A pickle of few bytes that an unpickler would allocate gigabytes for."""
  match kind:
    case "a number for an object":
      return PROTOCOL + b"]r" + little(HUGE // 16, 4) + b"."
    case "bytes":
      return PROTOCOL + b"\x8e" + little(HUGE, 8) + b"abc."
    case "a bytearray":
      return PROTOCOL + b"\x96" + little(HUGE, 8) + b"abc."
    case "copies of a text":
      text = b"X" + little(10**5, 4) + b"x" * 10**5
      call = b"ctorch\nSize\n" + text + b"q\x01\x85R"
      again = b"ctorch\nSize\nh\x01\x85R"
      return PROTOCOL + MARK + call + 2000 * again + b"t."
  raise ValueError(kind)


KINDS = ["a number for an object", "bytes", "a bytearray", "copies of a text"]


def refused_within(path, megabytes):
  """Returns the message, after checking how much memory was allocated before the refusal."""
  tracemalloc.start()
  try:
    with pytest.raises(WeightsError) as error:
      read_torch_file(path)
    _, peak = tracemalloc.get_traced_memory()
  finally:
    tracemalloc.stop()
  assert peak < megabytes * 1e6
  assert len(str(error.value)) < 1000
  return str(error.value)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("write", [write_zip, write_legacy])
def test_a_small_pickle_that_claims_to_be_large_is_refused_before_it_is(tmp_path, write, kind):
  rest = {} if write is write_zip else b""
  write(tmp_path / "x.pth", pickle_that_claims(kind), rest)
  refused_within(tmp_path / "x.pth", 3)


def test_a_storage_that_claims_to_be_large_is_refused_before_it_is_read(tmp_path):
  path = tmp_path / "x.pth"
  save_legacy(path, {"a": np.ones(5, np.float32)})
  content = path.read_bytes()
  assert content.count(b"K\x05") >= 1  # the number of elements, one byte
  numel = content.replace(b"K\x05", b"J" + little(HUGE // 4, 4))
  path.write_bytes(numel.replace(little(5, 8), little(HUGE // 4, 8)))
  assert "truncated or damaged" in refused_within(path, 1)


def test_a_member_that_claims_to_be_large_is_refused_before_it_is_read(tmp_path):
  path = tmp_path / "x.pth"
  write_zip(path, pickled({})[0], {"0": b"x" * 1234})
  path.write_bytes(path.read_bytes().replace(little(1234, 4), little(HUGE, 4)))
  assert re.search(r"its members claim 17000\d{5} bytes, the file has", refused_within(path, 1))


def test_a_missing_file_is_named(tmp_path):
  with pytest.raises(WeightsError, match=r"no weights file at .*nowhere\.pth"):
    read_torch_file(tmp_path / "nowhere.pth")


def test_a_damaged_file_gives_our_error_or_other_numbers_and_nothing_else(tmp_path, save):
  path, rng = tmp_path / "x.pth", np.random.default_rng(0)
  save(path, {"state_dict": TENSORS, "meta": {"epoch": 1}})
  whole = path.read_bytes()
  for _ in range(400):
    damaged = bytearray(whole)
    for place in rng.integers(0, len(whole), rng.integers(1, 4)):
      damaged[place] = rng.integers(0, 256)
    path.write_bytes(damaged)
    with contextlib.suppress(WeightsError):
      read_torch_file(path)


def test_a_name_in_place_of_a_storage_is_refused(tmp_path):
  string_as_persistent_id = b"\x80\x02X\x05\x00\x00\x00helloQ."
  write_legacy(tmp_path / "x.pth", string_as_persistent_id, b"")
  with pytest.raises(WeightsError, match="no storage of numbers"):
    read_torch_file(tmp_path / "x.pth")


@pytest.mark.parametrize("new_format", [True, False])
def test_files_written_by_pytorch_are_read(tmp_path, new_format):
  torch = pytest.importorskip("torch")
  base = torch.arange(12.0).reshape(3, 4)
  content = {
    "transposed": base.t()[1:],
    "shared": base,
    "parameter": torch.nn.Parameter(torch.ones(2)),
    "bfloat16": torch.ones(3, dtype=torch.bfloat16),
    "state": torch.nn.BatchNorm2d(3).state_dict(),
  }
  torch.save(content, tmp_path / "x.pth", _use_new_zipfile_serialization=new_format)
  found = read_torch_file(tmp_path / "x.pth")
  np.testing.assert_array_equal(found["transposed"], base.t()[1:])
  np.testing.assert_array_equal(found["shared"], base)
  np.testing.assert_array_equal(found["parameter"], np.ones(2))
  np.testing.assert_array_equal(found["bfloat16"], np.ones(3))
  assert list(found["state"]) == list(content["state"])


def test_pytorch_reads_what_the_tests_write(tmp_path, save):
  torch = pytest.importorskip("torch")
  save(tmp_path / "x.pth", dict(TENSORS))
  content = torch.load(tmp_path / "x.pth", weights_only=True)
  for name, found in content.items():
    np.testing.assert_array_equal(found.numpy(), TENSORS[name])
