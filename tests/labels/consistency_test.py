import dataclasses

import numpy as np
import pytest

from jppf_jax.labels.consistency import contradictions
from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.registry import SPECS, load_spec


@pytest.mark.parametrize("name", SPECS)
def test_the_specs_of_the_library_are_consistent(name):
  assert contradictions(load_spec(name)) == []


@pytest.mark.parametrize(
  "change, message",
  [
    ({"num_stuff": 20}, "20 stuff classes of 19"),
    ({"class_names": ("road",) * 19}, "two classes share a name"),
    ({"part_names": ("body",) + cpp().part_names[1:]}, "must be 'background'"),
    ({"class_parts": ((),) * 19, "class_pids": ((),) * 19}, r"use part channels \[\]"),
    ({"class_pids": ((1, 1),) * 19}, "repeats a part channel or pid"),
    ({"class_ids": np.full(19, 7, np.int32)}, "one scene id per class"),
    ({"sid_to_train": np.full(100, 19, np.int32)}, "unknown train ids"),
    ({"sid_pid_to_channel": np.full((100, 100), 10, np.int32)}, "unknown channels"),
    ({"class_background": (0,) * 18}, "class_background needs one entry per class"),
    (
      {"class_background": (0, 11) + (0,) * 17},
      r"outputs \[0, 11\], expected 0 and then .* from 10 on",
    ),
    ({"class_background": (0, 3) + (0,) * 17}, r"outputs \[0, 3\], expected 0"),
    ({"class_background": (10,) * 19}, r"outputs \[10\], expected 0"),
    ({"class_background": (255,) + (0,) * 18}, "a class without parts has no background"),
  ],
)
def test_a_spec_that_contradicts_itself_is_refused(change, message):
  with pytest.raises(ValueError, match=message):
    dataclasses.replace(cpp(), **change)
