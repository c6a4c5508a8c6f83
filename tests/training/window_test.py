import numpy as np
import pytest
from PIL import Image

from jppf_jax.structs import Batch
from jppf_jax.training.window import NonFiniteLoss, Window


def batch(seed=0):
  rng = np.random.default_rng(seed)
  maps = rng.integers(0, 9, (2, 6, 8)).astype(np.int32)
  return Batch(
    image=rng.integers(0, 256, (2, 6, 8, 3)).astype(np.uint8),
    semantic=maps,
    part=maps,
    instance=maps,
    boxes=np.zeros((2, 1, 4), np.float32),
    labels=np.zeros((2, 1), np.int32),
    valid=np.zeros((2, 1), bool),
    covered=np.int32([[6, 8], [6, 8]]),
  )


def metrics(loss=1.0, grad_norm=2.0):
  return {"loss": np.float32(loss), "grad_norm": np.float32(grad_norm), "loss/part": np.float32(9)}


def test_metrics_are_means_since_the_last_drain(tmp_path):
  window = Window(tmp_path)
  for step, loss in enumerate([1.0, 2.0, 6.0]):
    window.add(step, ["a", "b"], batch(), metrics(loss))
    window.wait()
  assert window.drain() == {"loss": 3.0, "grad_norm": 2.0, "loss/part": 9.0}
  window.add(3, ["a", "b"], batch(), metrics(5.0))
  assert window.drain()["loss"] == 5.0
  assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("values", [{"loss": np.nan}, {"grad_norm": np.inf}])
def test_a_step_that_is_not_finite_is_noticed_one_step_later_and_its_batch_is_written(
  tmp_path, values
):
  window, broken = Window(tmp_path), batch(7)
  window.add(4, ["a", "b"], batch(), metrics())
  window.add(5, ["street/c", "d"], broken, metrics(**values))
  window.wait()  # step 5 may still be running
  window.add(6, ["e", "f"], batch(), metrics())
  with pytest.raises(NonFiniteLoss, match=r"^Step 5 is not finite .* images: street/c, d; they"):
    window.wait()
  folder = tmp_path / "not_finite" / "step_5"
  names = sorted(path.name for path in folder.iterdir())
  assert names == ["0_c.png", "1_d.png", "batch.npz"]
  for number, name in enumerate(names[:2]):
    np.testing.assert_array_equal(np.asarray(Image.open(folder / name)), broken.image[number])
  with np.load(folder / "batch.npz") as arrays:
    assert arrays["ids"].tolist() == ["street/c", "d"]
    for name, value in vars(broken).items():
      np.testing.assert_array_equal(arrays[name], value)


def test_the_last_step_is_checked_before_its_line_is_written(tmp_path):
  window = Window(tmp_path)
  window.add(1, ["a", "b"], batch(), metrics(np.nan))
  window.wait()
  with pytest.raises(NonFiniteLoss):
    window.drain()
