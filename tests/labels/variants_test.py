import numpy as np
import pytest

from jppf_jax.labels.registry import load_spec
from jppf_jax.structs import IGNORE


@pytest.mark.parametrize("name, crowd", [("cpp_grouped", 24), ("ppp", 15)])
def test_only_void_pixels_change_and_become_background(name, crowd):
  plain, tapps = load_spec(name), load_spec(f"{name}_void_background")
  uids = np.array([[0, plain.class_ids[0], crowd, crowd * 1000 + 1, crowd * 100_000 + 101]], np.int32)
  assert plain.decode(uids).part[0, :4].tolist() == [IGNORE, 0, IGNORE, IGNORE]
  assert tapps.decode(uids).part[0, :4].tolist() == [0, 0, IGNORE, IGNORE]
  for field in ("semantic", "instance"):
    np.testing.assert_array_equal(getattr(plain.decode(uids), field), getattr(tapps.decode(uids), field))
  assert plain.decode(uids).part[0, 4] == tapps.decode(uids).part[0, 4] > 0
  assert tapps.name == f"{name}_void_background"
