import contextlib
import pickle
import zipfile
from collections import OrderedDict

import numpy as np
import pytest

from jppf_jax.checkpoints.torch_file import UnsafeFile, read_state_dict, read_torch_file
from jppf_jax.checkpoints.weights import WeightsError, save_weights
from tests.checkpoints.torch_files import (
  Call,
  Name,
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


def test_tensors_and_containers_come_back(tmp_path, save):
  save(
    tmp_path / "x.pth",
    {"meta": {"epoch": 3, "classes": ("road", "car")}, "state_dict": TENSORS, "list": [1, None]},
  )
  content = read_torch_file(tmp_path / "x.pth")
  assert content["meta"] == {"epoch": 3, "classes": ("road", "car")} and content["list"] == [
    1,
    None,
  ]
  assert list(content["state_dict"]) == list(TENSORS)
  for name, expected in TENSORS.items():
    found = content["state_dict"][name]
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


def test_a_checkpoint_is_unwrapped_and_the_prefix_of_parallel_training_dropped(tmp_path, save):
  save(
    tmp_path / "x.pth",
    {"meta": {}, "state_dict": {"module.a.weight": TENSORS["weight"]}, "optimizer": {}},
  )
  assert list(read_state_dict(tmp_path / "x.pth")) == ["a.weight"]


def test_safetensors_are_read_too(tmp_path):
  save_weights(tmp_path / "x.safetensors", {"a": {"weight": TENSORS["weight"]}}, {})
  np.testing.assert_array_equal(
    read_state_dict(tmp_path / "x.safetensors")["a/weight"], TENSORS["weight"]
  )


@pytest.mark.parametrize(
  "content", [[1, 2], {}, {"a": TENSORS["weight"], "b": 1}, {3: TENSORS["weight"]}]
)
def test_what_is_not_tensors_by_name_is_said(tmp_path, save, content):
  save(tmp_path / "x.pth", content)
  with pytest.raises(WeightsError, match="tensors by name"):
    read_state_dict(tmp_path / "x.pth")


@pytest.mark.parametrize(
  "module, name", [("os", "system"), ("builtins", "exec"), ("builtins", "getattr")]
)
def test_a_malicious_file_is_refused_and_nothing_of_it_runs(tmp_path, save, module, name):
  marker = tmp_path / "was_here"
  arguments = {
    "system": (f"touch {marker}",),
    "exec": (f"open({str(marker)!r}, 'w')",),
    "getattr": (Name("os", "system"), "__call__"),
  }[name]
  save(tmp_path / "x.pth", {"state_dict": TENSORS, "more": Call(Name(module, name), arguments)})
  with pytest.raises(
    UnsafeFile, match=r"x.pth is refused: it asks to load \w+\.\w+, .* Nothing was run"
  ):
    read_torch_file(tmp_path / "x.pth")
  assert not marker.exists()


def test_the_attack_would_work_on_a_bare_unpickler(tmp_path):
  marker = tmp_path / "was_here"
  main, _ = pickled(Call(Name("os", "system"), (f"touch {marker}",)))
  pickle.loads(main)
  assert marker.exists()


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_every_way_to_ask_for_a_name_is_closed(tmp_path, protocol):
  write_zip(tmp_path / "x.pth", pickle.dumps({"f": zipfile.ZipFile}, protocol), {})
  with pytest.raises(UnsafeFile, match="zipfile.ZipFile"):
    read_torch_file(tmp_path / "x.pth")


@pytest.mark.parametrize("state", [{"mark": 1}, (None, {"mark": 1})])
@pytest.mark.parametrize("name", ["_rebuild_tensor_v2", "_rebuild_parameter"])
def test_a_file_cannot_leave_anything_on_what_it_may_call(tmp_path, name, state):
  build = (
    b"ctorch._utils\n" + name.encode() + b"\n" + pickle.dumps(state, 0)[:-1] + b"b."
  )  # GLOBAL, state, BUILD
  write_zip(tmp_path / "x.pth", build, {})
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
  main, storages = pickled(np.arange(6, dtype=np.float32))
  rebuild = Name("torch._utils", "_rebuild_tensor_v2")
  main, _ = pickled(Call(rebuild, (storages[0], offset, size, stride)))
  write_zip(tmp_path / "x.pth", main, {"0": storages[0].array.tobytes()})
  with pytest.raises(WeightsError, match="reaches outside of its storage"):
    read_torch_file(tmp_path / "x.pth")


def test_truncated_compressed_and_foreign_files_are_refused(tmp_path, save):
  path = tmp_path / "x.pth"
  save(path, TENSORS)
  whole = path.read_bytes()
  for length in range(0, len(whole), 37):
    path.write_bytes(whole[:length])
    with pytest.raises(WeightsError, match="x.pth"):
      read_torch_file(path)
  save_zip(path, TENSORS, compression=zipfile.ZIP_DEFLATED)
  with pytest.raises(WeightsError, match="compressed"):
    read_torch_file(path)
  write_zip(path, *_main_and_data(TENSORS), byteorder=b"big")
  with pytest.raises(WeightsError, match="big-endian"):
    read_torch_file(path)
  write_zip(path, pickled(TENSORS)[0], {str(i): b"" for i in range(9)})
  with pytest.raises(WeightsError, match=r"a storage has 0 bytes instead of 96"):
    read_torch_file(path)
  with pytest.raises(WeightsError, match="no weights file at .*nowhere.pth"):
    read_torch_file(tmp_path / "nowhere.pth")


def test_a_damaged_file_gives_our_error_or_other_numbers_and_nothing_else(tmp_path, save):
  path = tmp_path / "x.pth"
  save(path, {"state_dict": TENSORS, "meta": {"epoch": 1}})
  whole, rng = bytearray(path.read_bytes()), np.random.default_rng(0)
  for _ in range(400):
    damaged = bytearray(whole)
    for place in rng.integers(0, len(whole), rng.integers(1, 4)):
      damaged[place] = rng.integers(0, 256)
    path.write_bytes(damaged)
    with contextlib.suppress(WeightsError):
      read_torch_file(path)


def test_a_name_in_place_of_a_storage_is_refused(tmp_path):
  write_legacy(
    tmp_path / "x.pth", b"\x80\x02X\x05\x00\x00\x00helloQ.", b""
  )  # a persistent id that is a string
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
  np.testing.assert_array_equal(found["bfloat16"].astype(np.float32), np.ones(3))
  assert list(found["state"]) == list(content["state"])


def test_pytorch_reads_what_the_tests_write(tmp_path, save):
  torch = pytest.importorskip("torch")
  save(tmp_path / "x.pth", dict(TENSORS))
  for name, found in torch.load(tmp_path / "x.pth", weights_only=True).items():
    np.testing.assert_array_equal(found.numpy(), TENSORS[name])


def _main_and_data(content):
  main, storages = pickled(content)
  return main, {storage.key: storage.array.tobytes() for storage in storages}
