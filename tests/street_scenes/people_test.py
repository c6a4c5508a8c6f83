import math

import numpy as np
import pytest

from jppf_jax.street_scenes import people, skeleton
from jppf_jax.street_scenes.classes import ARM, HEAD, LEG, PERSON, TORSO
from tests.scene_stage import CAMERA, NOON, labels, parts_seen, stage


def drawn(seed, heading, z=8.0, height=1.75):
  rng = np.random.default_rng(seed)
  joints = skeleton.place(skeleton.walking(rng, height), np.array([0.0, 0.0, z]), heading)
  canvas = stage()
  marks = people.body(CAMERA, NOON, joints, heading, people.sample_outfit(rng), height)
  people.draw_marks(canvas.brush(PERSON, instance=True), marks)
  return canvas


@pytest.mark.parametrize("heading", [0.0, 1.0, math.pi / 2, math.pi, -math.pi / 2])
def test_all_parts_are_seen_from_every_side_head_above_torso_above_legs(heading):
  for seed in range(8):
    canvas = drawn(seed, heading)
    assert parts_seen(canvas, PERSON) == {TORSO, HEAD, ARM, LEG}
    head, torso, leg = (
      np.nonzero(labels(canvas) == PERSON * 100_000 + part)[0].mean() for part in (HEAD, TORSO, LEG)
    )
    assert head < torso < leg


def test_people_stand_on_the_ground_and_are_as_tall_as_asked():
  for seed in range(8):
    rows = np.nonzero(labels(drawn(seed, math.pi / 2)))[0]
    assert rows.max() + 1 == pytest.approx(110, abs=3)
    assert np.ptp(rows) + 1 == pytest.approx(1.75 * 250 / 8, rel=0.08)


def test_a_person_who_reaches_behind_the_camera_is_not_drawn():
  assert not labels(drawn(0, 0.0, z=0.5)).any()
