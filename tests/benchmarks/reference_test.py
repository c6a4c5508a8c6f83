import platform
import sys

import numpy as np
import pytest

pytest.importorskip("sklearn")
from jppf_jax.benchmarks import reference


def test_the_released_code_runs_and_gives_its_documented_value():
  uids = np.full((40, 60), 7, np.int32)
  uids[10:20, 20:40], uids[20:30, 20:40] = 2400001, 2400004
  prediction = np.zeros((40, 60, 3), np.uint8)
  prediction[...] = (7, 0, 1)
  prediction[10:30, 20:40] = (24, 0, 1)
  assert reference.part_pq("cpp_grouped", uids, prediction)[24] == (1, 0, 0, pytest.approx(0.5))
  assert reference.part_pq("cpp_grouped", uids, prediction, parts=False)[24] == (1, 0, 0, 1)
  assert reference.part_pq("cpp_default", uids, prediction)[24] == (1, 0, 0, pytest.approx(0.5))


def test_the_workaround_leaves_no_trace():
  reference.load()
  major, minor = sys.version_info[:2]
  assert platform.python_version().startswith(f"{major}.{minor}.")
  for name in ("torch", "tensorflow"):
    assert sys.modules.get(name, "not imported") is not None
