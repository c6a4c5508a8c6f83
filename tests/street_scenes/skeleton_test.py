import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jppf_jax.street_scenes import skeleton

coordinates = st.tuples(*[st.floats(-1, 1)] * 3).map(np.array)


@given(coordinates, coordinates, st.floats(0.2, 0.6), st.floats(0.2, 0.6))
def test_a_bent_limb_keeps_the_length_of_its_bones(start, end, upper, lower):
  span = np.linalg.norm(end - start)
  if span < 0.05:
    return
  towards = np.array([0.3, 0.2, 1.0])
  if np.linalg.norm(np.cross(towards, end - start)) < 1e-3:
    return
  middle = skeleton._bend(start, end, upper, lower, towards)
  assert np.linalg.norm(middle - start) == pytest.approx(upper)
  if abs(upper - lower) <= span <= upper + lower:
    assert np.linalg.norm(middle - end) == pytest.approx(lower)


def test_riders_sit_on_the_saddle_and_hold_the_handlebar():
  pedals = ((0.1, 0.3), (-0.25, 0.3))
  joints = skeleton.riding(
    1.75, saddle=(-0.2, 0.96), handle=(0.3, 0.25, 1.05), pedals=pedals, lean=0.4
  )
  np.testing.assert_allclose(joints["left_hand"], [0.3, 0.25, 1.05])
  assert 0.96 < joints["pelvis"][2] < 1.1 and joints["head"][0] > joints["pelvis"][0]
  assert joints["left_knee"][2] > joints["left_ankle"][2]


def test_placing_turns_to_the_right_of_the_street():
  ahead = {"nose": np.array([1.0, 0.0, 0.5]), "left": np.array([0.0, 1.0, 0.0])}
  right = skeleton.place(ahead, np.array([5.0, 0.0, 10.0]), math.pi / 2)
  np.testing.assert_allclose(right["nose"], [6.0, 0.5, 10.0], atol=1e-12)
  np.testing.assert_allclose(right["left"], [5.0, 0.0, 11.0], atol=1e-12)
