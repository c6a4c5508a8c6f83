import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jppf_jax.street_scenes import people
from jppf_jax.street_scenes.people import ARM, HEAD, LEG, TORSO
from tests.scene_stage import CAMERA, NOON, labels, parts_seen, stage

coordinates = st.tuples(*[st.floats(-1, 1)] * 3).map(np.array)


def drawn(seed, heading, z=8.0, height=1.75):
  rng = np.random.default_rng(seed)
  joints = people.place(people.walking(rng, height), np.array([0.0, 0.0, z]), heading)
  canvas = stage()
  marks = people.body(CAMERA, NOON, joints, heading, people.sample_outfit(rng), height)
  people.draw_marks(canvas.brush(24, instance=True), marks)
  return canvas


@pytest.mark.parametrize("heading", [0.0, 1.0, math.pi / 2, math.pi, -math.pi / 2])
def test_all_parts_are_seen_from_every_side_head_above_torso_above_legs(heading):
  for seed in range(8):
    canvas = drawn(seed, heading)
    assert parts_seen(canvas, 24) == {TORSO, HEAD, ARM, LEG}
    head, torso, leg = (
      np.nonzero(labels(canvas) == 2_400_000 + part)[0].mean() for part in (HEAD, TORSO, LEG)
    )
    assert head < torso < leg


def test_people_stand_on_the_ground_and_are_as_tall_as_asked():
  for seed in range(8):
    rows = np.nonzero(labels(drawn(seed, math.pi / 2)))[0]
    assert rows.max() + 1 == pytest.approx(110, abs=3)
    assert np.ptp(rows) + 1 == pytest.approx(1.75 * 250 / 8, rel=0.08)


def test_nobody_is_drawn_who_reaches_behind_the_camera():
  assert not labels(drawn(0, 0.0, z=0.5)).any()


@given(coordinates, coordinates, st.floats(0.2, 0.6), st.floats(0.2, 0.6))
def test_a_bent_limb_keeps_the_length_of_its_bones(start, end, upper, lower):
  span = np.linalg.norm(end - start)
  if span < 0.05:
    return
  towards = np.array([0.3, 0.2, 1.0])
  if np.linalg.norm(np.cross(towards, end - start)) < 1e-3:
    return
  middle = people._bend(start, end, upper, lower, towards)
  assert np.linalg.norm(middle - start) == pytest.approx(upper)
  if abs(upper - lower) <= span <= upper + lower:
    assert np.linalg.norm(middle - end) == pytest.approx(lower)


def test_riders_sit_on_the_saddle_and_hold_the_handlebar():
  pedals = ((0.1, 0.3), (-0.25, 0.3))
  joints = people.riding(
    1.75, saddle=(-0.2, 0.96), handle=(0.3, 0.25, 1.05), pedals=pedals, lean=0.4
  )
  np.testing.assert_allclose(joints["left_hand"], [0.3, 0.25, 1.05])
  assert 0.96 < joints["pelvis"][2] < 1.1 and joints["head"][0] > joints["pelvis"][0]
  assert joints["left_knee"][2] > joints["left_ankle"][2]


def test_placing_turns_to_the_right_of_the_street():
  ahead = {"nose": np.array([1.0, 0.0, 0.5]), "left": np.array([0.0, 1.0, 0.0])}
  right = people.place(ahead, np.array([5.0, 0.0, 10.0]), math.pi / 2)
  np.testing.assert_allclose(right["nose"], [6.0, 0.5, 10.0], atol=1e-12)
  np.testing.assert_allclose(right["left"], [5.0, 0.0, 11.0], atol=1e-12)
