import jax
import numpy as np
import pytest

from jppf_jax.checkpoints.weights import WeightsError, load_weights, read_weights, save_weights

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
