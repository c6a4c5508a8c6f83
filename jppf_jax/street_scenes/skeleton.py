"""The joints of a person who walks, stands or rides.

Body axes: forward, left, up from the ground below the body. Lengths are shares of the body's height
and chosen by eye, unless a comment says metres or radians.
"""

import math

import numpy as np
from jaxtyping import Float

from jppf_jax.street_scenes.camera import Real

# Bones and joints.
THIGH, SHIN = 0.245, 0.235
UPPER_ARM, FOREARM = 0.17, 0.17
STANDING_PELVIS = 0.515  # above the ground
TRUNK = 0.335  # from the pelvis to the neck
HEAD, HEAD_FORWARD = 0.085, 0.01  # from the neck to the middle of the head
HEAD_LEAN = 0.4  # the head's share of the trunk's lean
HIP_HALF_WIDTH, SHOULDER_HALF_WIDTH, SHOULDER_DROP = 0.05, 0.1, 0.035
TOE_FORWARD, TOE_UP = 0.085, -0.018  # from the ankle
SOLE = 0.04  # below the ankle

# Walking and standing. Angles in radians.
WALKERS = 0.7  # share of people; the others stand
WALKING_STRIDE, STANDING_STRIDE = (0.3, 0.55), (0.0, 0.12)  # largest swing of a thigh
WALKING_LEAN = 0.06
KNEE_BEND, KNEE_SWING = 0.1, 0.9  # bend at rest, further bend per swing
ARM_SWING = -0.8  # swing of an arm relative to the leg on the same side
HANGING_ARMS = 0.75  # share of people; the others hold something
HANGING_ELBOW, HOLDING_ELBOW = (0.1, 0.5), (1.2, 1.9)
ARM_OUT, UPPER_ARM_OUT = 0.02, 0.16  # shift of the arm; sideways share of the upper arm

# Riding.
SEAT = 0.05  # pelvis above the saddle
ANKLE_BEHIND, ANKLE_OUT, ANKLE_ABOVE = 0.04, 0.11, 0.07  # metres from the pedal
KNEE_TOWARDS = (1.0, 0.15, 0.3)  # forward, outwards, up
ELBOW_TOWARDS = (-0.4, 0.5, -1.0)  # forward, outwards, up

Point = Float[np.ndarray, "3"]
Joints = dict[str, Point]  # metres: forward, left, up from the ground below the body
_SIDES = ((1, "left"), (-1, "right"))  # sign of the left axis


def walking(rng: np.random.Generator, height: Real) -> Joints:
  """Samples the joints of a person of this height (metres) who walks or stands."""
  moving = rng.random() < WALKERS
  phase = rng.uniform(0, 2 * math.pi)
  stride = rng.uniform(*(WALKING_STRIDE if moving else STANDING_STRIDE))
  hanging = rng.random() < HANGING_ARMS
  elbow = rng.uniform(*(HANGING_ELBOW if hanging else HOLDING_ELBOW))
  lean = WALKING_LEAN if moving else 0.0
  joints = _trunk(height, lean=lean, pelvis=(0.0, STANDING_PELVIS * height))
  for side, name in _SIDES:
    swing = side * stride * math.sin(phase)
    lifted = max(0.0, side * math.cos(phase))
    bend = KNEE_BEND + KNEE_SWING * stride * lifted
    knee = joints[f"{name}_hip"] + _bone(THIGH * height, swing)
    ankle = knee + _bone(SHIN * height, swing - bend)
    arm = ARM_SWING * swing
    shoulder = joints[f"{name}_shoulder"] + np.array([0, side * ARM_OUT * height, 0])
    upper = shoulder + _bone(UPPER_ARM * height, arm, left=side * UPPER_ARM_OUT)
    hand = upper + _bone(FOREARM * height, arm + elbow)
    joints |= _limbs(name, knee, ankle, upper, hand)
  _add_toes(joints, height)
  lower_ankle = min(joints["left_ankle"][2], joints["right_ankle"][2])
  ground = np.array([0, 0, lower_ankle - SOLE * height])
  return {name: point - ground for name, point in joints.items()}


def riding(
  height: Real,
  *,
  saddle: tuple[Real, Real],
  handle: tuple[Real, Real, Real],
  pedals: tuple[tuple[Real, Real], tuple[Real, Real]],
  lean: Real,
) -> Joints:
  """Returns the joints of a seated person.

  Args:
    height: of the standing body, metres.
    saddle: forward, up; metres.
    handle: forward, half of the width, up; metres.
    pedals: forward, up of the left and the right foot; metres.
    lean: angle of the back, radians.
  """
  joints = _trunk(height, lean=lean, pelvis=(saddle[0], saddle[1] + SEAT * height))
  for (side, name), (forward, up) in zip(_SIDES, pedals):
    outwards = np.array([1.0, side, 1.0])
    hip, shoulder = joints[f"{name}_hip"], joints[f"{name}_shoulder"]
    ankle = np.array([forward - ANKLE_BEHIND, side * ANKLE_OUT, up + ANKLE_ABOVE])
    knee = _bend(hip, ankle, THIGH * height, SHIN * height, outwards * KNEE_TOWARDS)
    hand = outwards * handle
    elbow = _bend(shoulder, hand, UPPER_ARM * height, FOREARM * height, outwards * ELBOW_TOWARDS)
    joints |= _limbs(name, knee, ankle, elbow, hand)
  _add_toes(joints, height)
  return joints


def _limbs(side: str, knee: Point, ankle: Point, elbow: Point, hand: Point) -> Joints:
  return {
    f"{side}_knee": knee,
    f"{side}_ankle": ankle,
    f"{side}_elbow": elbow,
    f"{side}_hand": hand,
  }


def _bone(length: Real, angle: Real, *, left: Real = 0.0) -> Point:
  """A hanging bone that swings forward by `angle`, with a share `left` of its length sideways."""
  return length * np.array([math.sin(angle), left, -math.cos(angle)])


def _trunk(height: Real, *, lean: Real, pelvis: tuple[Real, Real]) -> Joints:
  """Pelvis (forward, up), shoulders and head of a trunk that leans forward by `lean` radians."""
  root = np.array([pelvis[0], 0.0, pelvis[1]])
  up = np.array([math.sin(lean), 0.0, math.cos(lean)])
  neck = root + TRUNK * height * up
  nod = math.sin(HEAD_LEAN * lean) * HEAD
  head = neck + height * np.array([nod + HEAD_FORWARD, 0, HEAD])
  left = np.array([0.0, height, 0.0])
  hip, shoulder = HIP_HALF_WIDTH * left, SHOULDER_HALF_WIDTH * left
  drop = SHOULDER_DROP * height * up
  return {
    "pelvis": root,
    "neck": neck,
    "head": head,
    "left_hip": root + hip,
    "right_hip": root - hip,
    "left_shoulder": neck + shoulder - drop,
    "right_shoulder": neck - shoulder - drop,
  }


def _add_toes(joints: Joints, height: Real) -> None:
  toe = height * np.array([TOE_FORWARD, 0, TOE_UP])
  for _, name in _SIDES:
    joints[f"{name}_toe"] = joints[f"{name}_ankle"] + toe


def _bend(start: Point, end: Point, upper: Real, lower: Real, towards: Point) -> Point:
  """The middle joint of a limb of two bones that bends `towards`; if the end is out of reach, the
  limb is straight.
  """
  span = end - start
  length = float(np.linalg.norm(span))
  foot = (length**2 + upper**2 - lower**2) / (2 * length)  # law of cosines
  along = min(max(foot, -upper), upper)
  away = math.sqrt(max(upper**2 - along**2, 0.0))
  axis = span / length
  side = towards - axis * (towards @ axis)
  return start + axis * along + side / np.linalg.norm(side) * away


def place(joints: Joints, position: Point, heading: Real) -> Joints:
  """Turns body axes into world axes: `heading` is the angle from the street's direction towards the
  right, in radians.
  """
  cos, sin = math.cos(heading), math.sin(heading)
  placed = {}
  for name, (forward, left, up) in joints.items():
    x, z = sin * forward - cos * left, cos * forward + sin * left
    placed[name] = position + np.array([x, up, z])
  return placed
