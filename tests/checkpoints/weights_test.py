import json
import struct

import jax
import numpy as np
import pytest
from safetensors.numpy import save_file

from jppf_jax.checkpoints.weights import (
  WeightsError,
  load_weights,
  provenance,
  read_about,
  read_weights,
  save_weights,
)

VARIABLES = {
  "params": {
    "encoder": {"kernel": np.arange(6, dtype=np.float32).reshape(2, 3)},
    "bias": np.ones(2, np.float32),
  },
  "batch_stats": {"mean": np.zeros(2, np.float32)},
}


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_what_was_saved_is_loaded_as_float32(tmp_path, dtype):
  save_weights(tmp_path / "w.safetensors", VARIABLES, {"steps": 3}, dtype=dtype)
  loaded = load_weights(tmp_path / "w.safetensors", VARIABLES)
  jax.tree.map(np.testing.assert_array_equal, loaded, VARIABLES)
  assert loaded["batch_stats"]["mean"].dtype == np.float32
  assert read_weights(tmp_path / "w.safetensors")[1] == {"steps": 3}
  assert not list(tmp_path.glob("*.partial"))


def test_every_difference_is_listed(tmp_path):
  save_weights(tmp_path / "w.safetensors", VARIABLES, {})
  template = {
    "params": {"encoder": {"kernel": np.zeros((2, 4))}, "scale": np.zeros(1)},
    "batch_stats": VARIABLES["batch_stats"],
  }
  with pytest.raises(WeightsError) as error:
    load_weights(tmp_path / "w.safetensors", template)
  for line in (
    "missing params/scale (1,)",
    "left over params/bias (2,)",
    "params/encoder/kernel has shape (2, 3), the model (2, 4)",
  ):
    assert line in str(error.value)


@pytest.mark.parametrize("content", [b"", b"not safetensors at all", b"\xff" * 64])
def test_a_file_of_another_kind_is_refused(tmp_path, content):
  path = tmp_path / "w.safetensors"
  path.write_bytes(content)
  with pytest.raises(WeightsError, match="not a readable safetensors file"):
    read_weights(path)


def test_the_error_for_a_file_of_pytorch_names_the_command_that_imports_it(tmp_path):
  path = tmp_path / "model.pth"
  path.write_bytes(b"PK")
  with pytest.raises(WeightsError, match=r"model.pth is not .* go through `jppf import-weights`"):
    read_weights(path)


def test_a_weights_file_has_the_permissions_of_any_other_new_file(tmp_path):
  other, weights = tmp_path / "other", tmp_path / "w.safetensors"
  other.touch()
  save_weights(weights, VARIABLES, {})
  assert weights.stat().st_mode == other.stat().st_mode


def test_a_missing_file_is_named(tmp_path):
  with pytest.raises(WeightsError, match="no weights file at .*nowhere"):
    read_weights(tmp_path / "nowhere.safetensors")


def write_raw(path, dtype, content, shape):
  """Writes a safetensors file of one tensor, in any number format."""
  entry = {"dtype": dtype, "shape": shape, "data_offsets": [0, len(content)]}
  header = json.dumps({"a": entry}).encode()
  path.write_bytes(struct.pack("<Q", len(header)) + header + content)


@pytest.mark.parametrize(
  "dtype, size", [("F8_E4M3", 1), ("F8_E5M2", 1), ("F8_E8M0", 1), ("C64", 8)]
)
def test_a_number_format_that_is_no_usual_one_is_refused(tmp_path, dtype, size):
  path = tmp_path / "w.safetensors"
  write_raw(path, dtype, bytes(4 * size), [4])
  with pytest.raises(WeightsError, match=rf"number format .*: a \({dtype}\)"):
    read_weights(path)


def test_bfloat16_is_read(tmp_path):
  path = tmp_path / "w.safetensors"
  write_raw(path, "BF16", b"\x80\x3f\x00\xc0", [2])
  np.testing.assert_array_equal(read_weights(path)[0]["a"], np.array([1, -2], np.float32))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_values_that_are_not_finite_are_refused_and_the_tensors_named(tmp_path, value):
  path = tmp_path / "w.safetensors"
  tensors = {f"t{k}": np.ones(3) for k in range(9)}
  for name in ("t1", "t4"):
    tensors[name][1] = value
  save_file(tensors, path)
  with pytest.raises(WeightsError, match="NaN or infinite values in 2 tensors: t1, t4"):
    read_weights(path)


@pytest.mark.parametrize("dtype, value", [("float16", 7e4), ("float32", np.nan)])
def test_what_could_not_be_read_again_is_not_written(tmp_path, dtype, value):
  variables = {"batch_stats": {"var": np.array([1, value], np.float32)}}
  with pytest.raises(WeightsError, match=f"as {dtype}: .* in 1 tensors: batch_stats/var"):
    save_weights(tmp_path / "w.safetensors", variables, {}, dtype=dtype)
  assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["{", "[1]", "3", "null"])
def test_damaged_metadata_are_an_error(tmp_path, text):
  path = tmp_path / "w.safetensors"
  save_file({"a": np.ones(1)}, path, {"about": text})
  for read in (read_about, read_weights):
    with pytest.raises(WeightsError, match="metadata of .* are damaged"):
      read(path)


MEANING = {
  "network": {
    "encoder": "b0",
    "width": 1.0,
    "depth": 1.0,
    "pixel_mean": [1.0, 2.0, 3.0],
    "pixel_std": [1.0, 1.0, 1.0],
    "heads": ["semantic", "part", "instance"],
  },
  "taxonomy": {},
}


def test_weights_of_another_encoder_of_equal_shapes_are_refused(tmp_path):
  other = {**MEANING, "network": MEANING["network"] | {"encoder": "lite0"}}
  path = tmp_path / "w.safetensors"
  save_weights(path, VARIABLES, {"meaning": other})
  load_weights(path, VARIABLES, other)
  with pytest.raises(WeightsError, match="encoder is 'lite0' .*'b0'") as error:
    load_weights(path, VARIABLES, MEANING)
  assert "Set --config.model.encoder=lite0, or use the config" in str(error.value)


def test_what_older_weights_do_not_say_is_logged_and_they_load(tmp_path, caplog):
  path = tmp_path / "w.safetensors"
  save_weights(path, VARIABLES, {"config": {"model": {"encoder": "b0", "width": 1, "depth": 1}}})
  load_weights(path, VARIABLES, MEANING)
  assert (
    "not compared with the config, because it is not stored: pixel_mean, pixel_std" in caplog.text
  )


@pytest.mark.parametrize(
  "about, origin",
  [
    (
      {"steps": 7, "config": {"data": {"name": "/x/robots_dataset_builder.py"}}},
      "trained 7 steps on robots",
    ),
    ({"from": "timm", "file": "b5.pth"}, "imported from timm, b5.pth"),
    ({}, "the file does not say what they were trained on"),
    ({"steps": 7, "config": []}, "the file does not say what they were trained on"),
  ],
)
def test_weights_say_where_they_come_from(about, origin):
  assert provenance(about) == origin


def test_the_same_weights_give_the_same_bytes_and_notes_in_order(tmp_path):
  variables = {"params": {"a": np.arange(3, dtype=np.float32)}}
  for name in "abcdef":
    save_weights(tmp_path / name, variables, {"ä": 1})
  contents = {(tmp_path / name).read_bytes() for name in "abcdef"}
  (content,) = contents
  length = int.from_bytes(content[:8], "little")
  assert length % 8 == 0 and b'"format":"flax","about"' in content[: 8 + length]
  found, about = read_weights(tmp_path / "a")
  np.testing.assert_array_equal(found["params/a"], variables["params"]["a"])
  assert about == {"ä": 1}
