"""People: a jointed skeleton dressed in tapered limbs, seen from any side. Parts: 1 torso, 2 head,
3 arm, 4 leg.
"""

import dataclasses
import math

import numpy as np
from jaxtyping import Float

from jppf_jax.street_scenes.camera import NEAR, Camera, Real
from jppf_jax.street_scenes.canvas import Brush, Colour, hull
from jppf_jax.street_scenes.light import Light, blend, cloth, hsv, skin, tint

TORSO, HEAD, ARM, LEG, CARRIED = 1, 2, 3, 4, 0  # a bag belongs to the person but to no part

Point = Float[np.ndarray, "3"]
Joints = dict[str, Point]  # metres: forward, left, up from the ground below the body


@dataclasses.dataclass(frozen=True)
class Outfit:
  """Colours and cut of what somebody wears.

  Attributes:
    skin, hair, top, bottom, shoes: colours.
    sleeves: short sleeves leave the forearm bare.
    shorts: bare shins.
    skirt: covers the thighs.
    coat: the torso's cloth reaches down over the hips.
    long_hair: down to the shoulders.
    helmet: colour of a helmet in place of hair.
    bag: colour of a rucksack.
  """

  skin: Colour
  hair: Colour
  top: Colour
  bottom: Colour
  shoes: Colour
  sleeves: bool
  shorts: bool
  skirt: bool
  coat: bool
  long_hair: bool
  helmet: Colour | None
  bag: Colour | None


def sample_outfit(
  rng: np.random.Generator, *, helmet: bool = False, riding: bool = False
) -> Outfit:
  """What somebody wears today; riders wear neither skirts nor coats."""
  top, bottom = cloth(rng), cloth(rng)
  if rng.random() < 0.4:
    bottom = hsv(rng.uniform(0.55, 0.68), rng.uniform(0.2, 0.6), rng.uniform(0.15, 0.45))  # jeans
  hair = hsv(rng.uniform(0.04, 0.1), rng.uniform(0.2, 0.7), rng.uniform(0.05, 0.6))
  chance = rng.random(7)
  return Outfit(
    skin=skin(rng), hair=hair, top=top, bottom=bottom, shoes=hsv(rng.random(), 0.3, rng.choice([0.12, 0.3, 0.85])),
    sleeves=bool(chance[0] < 0.6), shorts=bool(chance[1] < 0.25), skirt=bool(chance[2] < 0.18) and not riding,
    coat=bool(chance[3] < 0.25) and not riding, long_hair=bool(chance[4] < 0.4), helmet=cloth(rng) if helmet else None,
    bag=cloth(rng) if chance[5] < 0.25 and not helmet else None,
  )  # fmt: skip


def walking(rng: np.random.Generator, height: Real) -> Joints:
  """Somebody walking or standing."""
  moving = rng.random() < 0.7
  phase, stride = (
    rng.uniform(0, 2 * math.pi),
    rng.uniform(0.3, 0.55) if moving else rng.uniform(0.0, 0.12),
  )
  elbow = (
    rng.uniform(0.1, 0.5) if rng.random() < 0.75 else rng.uniform(1.2, 1.9)
  )  # the latter holds something
  joints = _trunk(height, lean=0.06 if moving else 0.0, pelvis=(0.0, 0.515 * height))
  for side, name in ((1, "left"), (-1, "right")):
    swing = side * stride * math.sin(phase)
    bend = 0.1 + 0.9 * stride * max(0.0, side * math.cos(phase))
    hip = joints[f"{name}_hip"]
    knee = hip + 0.245 * height * np.array([math.sin(swing), 0, -math.cos(swing)])
    ankle = knee + 0.235 * height * np.array([math.sin(swing - bend), 0, -math.cos(swing - bend)])
    joints |= {f"{name}_knee": knee, f"{name}_ankle": ankle}
    arm = -0.8 * swing
    shoulder = joints[f"{name}_shoulder"] + np.array([0, side * 0.02 * height, 0])
    upper = shoulder + 0.17 * height * np.array([math.sin(arm), side * 0.16, -math.cos(arm)])
    hand = upper + 0.17 * height * np.array([math.sin(arm + elbow), 0.0, -math.cos(arm + elbow)])
    joints |= {f"{name}_elbow": upper, f"{name}_hand": hand}
  _add_toes(joints, height)
  sole = min(joints["left_ankle"][2], joints["right_ankle"][2]) - 0.04 * height
  return {name: point - np.array([0, 0, sole]) for name, point in joints.items()}


def riding(
  height: Real, *, saddle: tuple[Real, Real], handle: tuple[Real, Real, Real],
  pedals: tuple[tuple[Real, Real], tuple[Real, Real]], lean: Real,
) -> Joints:  # fmt: skip
  """Somebody seated.

  Args:
    height: of the standing body.
    saddle: forward, up.
    handle: forward, half of the width, up.
    pedals: forward, up of the left and the right foot.
    lean: angle of the back, radians.
  """
  joints = _trunk(height, lean=lean, pelvis=(saddle[0], saddle[1] + 0.05 * height))
  for side, name, pedal in ((1, "left", pedals[0]), (-1, "right", pedals[1])):
    ankle = np.array([pedal[0] - 0.04, side * 0.11, pedal[1] + 0.07])
    knee = _bend(
      joints[f"{name}_hip"],
      ankle,
      0.245 * height,
      0.235 * height,
      np.array([1.0, side * 0.15, 0.3]),
    )
    hand = np.array([handle[0], side * handle[1], handle[2]])
    elbow = _bend(
      joints[f"{name}_shoulder"],
      hand,
      0.17 * height,
      0.17 * height,
      np.array([-0.4, side * 0.5, -1.0]),
    )
    joints |= {
      f"{name}_knee": knee,
      f"{name}_ankle": ankle,
      f"{name}_elbow": elbow,
      f"{name}_hand": hand,
    }
  _add_toes(joints, height)
  return joints


def _trunk(height: Real, *, lean: Real, pelvis: tuple[Real, Real]) -> Joints:
  """Pelvis, shoulders and head of a trunk that leans forward by `lean` radians."""
  root = np.array([pelvis[0], 0.0, pelvis[1]])
  up = np.array([math.sin(lean), 0.0, math.cos(lean)])
  neck = root + 0.335 * height * up
  head = neck + height * np.array([math.sin(0.4 * lean) * 0.085 + 0.01, 0, 0.085])
  left = np.array([0.0, height, 0.0])
  return {
    "pelvis": root, "neck": neck, "head": head,
    "left_hip": root + 0.05 * left, "right_hip": root - 0.05 * left,
    "left_shoulder": neck + 0.1 * left - 0.035 * height * up, "right_shoulder": neck - 0.1 * left - 0.035 * height * up,
  }  # fmt: skip


def _add_toes(joints: Joints, height: Real) -> None:
  for name in ("left", "right"):
    joints[f"{name}_toe"] = joints[f"{name}_ankle"] + height * np.array([0.085, 0, -0.018])


def _bend(start: Point, end: Point, upper: Real, lower: Real, towards: Point) -> Point:
  """The middle joint of a limb of two bones that bends `towards`; stretched straight where it
  cannot reach.
  """
  span = end - start
  length = float(np.linalg.norm(span))
  along = min(max((length**2 + upper**2 - lower**2) / (2 * length), -upper), upper)
  axis = span / length
  side = towards - axis * (towards @ axis)
  return (
    start + axis * along + side / np.linalg.norm(side) * math.sqrt(max(upper**2 - along**2, 0.0))
  )


def place(joints: Joints, position: Point, heading: Real) -> Joints:
  """Body axes to world: `heading` is the angle from the street's direction towards the right."""
  cos, sin = math.cos(heading), math.sin(heading)
  return {
    name: position + np.array([sin * p[0] - cos * p[1], p[2], cos * p[0] + sin * p[1]])
    for name, p in joints.items()
  }


Mark = tuple[Real, list[Real], Colour, int]  # depth, polygon, colour, part


def body(
  camera: Camera, light: Light, joints: Joints, heading: Real, outfit: Outfit, height: Real
) -> list[Mark]:
  """The marks of somebody, far to near. Empty where the body reaches behind the camera."""
  names = list(joints)
  xy, depth = camera.project(np.stack([joints[name] for name in names]))
  if depth.min() < NEAR:
    return []
  where = {name: (float(p[0]), float(p[1]), float(d)) for name, p, d in zip(names, xy, depth)}
  size = camera.focal * height  # divided by a depth: pixels per body height
  marks = _limbs(where, outfit, size)
  marks += _trunk_marks(where, outfit, size, heading - camera.yaw)
  marks += _head_marks(where, outfit, size, heading - camera.yaw)
  lit = light.ambient + 0.6 * light.diffuse
  marks.sort(key=lambda mark: -mark[0])
  return [(depth, polygon, tint(colour, lit), part) for depth, polygon, colour, part in marks]


def _limbs(where: dict[str, tuple[Real, Real, Real]], outfit: Outfit, size: Real) -> list[Mark]:
  marks = []
  for name, shade in (("left", 1.0), ("right", 0.88)):  # two legs in one colour would melt into one
    bare_arm, bare_leg = outfit.skin if outfit.sleeves else outfit.top, outfit.skin
    thigh = tint(outfit.bottom, shade)
    shin = tint(bare_leg if outfit.shorts or outfit.skirt else outfit.bottom, shade)
    bones = (
      ("hip", "knee", 0.052, 0.038, thigh, LEG, 0.01), ("knee", "ankle", 0.038, 0.025, shin, LEG, 0.0),
      ("ankle", "toe", 0.026, 0.018, outfit.shoes, LEG, -0.01),
      ("shoulder", "elbow", 0.034, 0.027, tint(outfit.top, 0.92 * shade), ARM, -0.02),
      ("elbow", "hand", 0.025, 0.02, tint(bare_arm, shade), ARM, -0.03),
    )  # fmt: skip
    for start, end, r0, r1, colour, part, nearer in bones:
      a, b = where[f"{name}_{start}"], where[f"{name}_{end}"]
      marks.append(
        (
          (a[2] + b[2]) / 2 + nearer,
          _capsule(a, b, r0 * size / a[2], r1 * size / b[2]),
          colour,
          part,
        )
      )
    hand = where[f"{name}_hand"]
    marks.append(
      (
        hand[2] - 0.05,
        _capsule(hand, hand, 0.024 * size / hand[2], 0.024 * size / hand[2]),
        outfit.skin,
        ARM,
      )
    )
  if outfit.skirt:
    corners = [
      (where[f"{n}_{j}"], r) for j, r in (("hip", 0.05), ("knee", 0.05)) for n in ("left", "right")
    ]
    marks.append(
      (
        where["pelvis"][2] - 0.06,
        _around([(p, r * size / p[2]) for p, r in corners]),
        outfit.bottom,
        LEG,
      )
    )
  return marks


def _trunk_marks(
  where: dict[str, tuple[Real, Real, Real]], outfit: Outfit, size: Real, heading: Real
) -> list[Mark]:
  """Torso, neck and rucksack; `heading` relative to the view, 0 = seen from behind."""
  depth = where["pelvis"][2]
  circles = [
    (where[f"{n}_{j}"], r)
    for j, r in (("shoulder", 0.045), ("hip", 0.058))
    for n in ("left", "right")
  ]
  if outfit.coat:
    circles += [((p[0], p[1] + 0.1 * size / p[2], p[2]), 0.055) for p, _ in circles[2:]]
  marks = [(depth, _around([(p, r * size / p[2]) for p, r in circles]), outfit.top, TORSO)]
  neck, head = where["neck"], where["head"]
  radius = 0.03 * size / neck[2]
  marks.append((depth + 0.001, _capsule(neck, head, radius, radius), tint(outfit.skin, 0.85), HEAD))
  if outfit.bag is not None:
    hip, unit = where["pelvis"], size / depth
    shift = -0.1 * unit * math.sin(heading)  # on the back: seen beside the body from the side
    top = (
      0.85 * neck[0] + 0.15 * hip[0] + shift,
      0.85 * neck[1] + 0.15 * hip[1] + 0.05 * unit,
      depth,
    )
    low = (0.35 * neck[0] + 0.65 * hip[0] + shift, 0.35 * neck[1] + 0.65 * hip[1], depth)
    marks.append(
      (
        depth - 0.2 * math.cos(heading),
        _capsule(top, low, 0.075 * unit, 0.085 * unit),
        outfit.bag,
        CARRIED,
      )
    )
  return marks


def _head_marks(
  where: dict[str, tuple[Real, Real, Real]], outfit: Outfit, size: Real, heading: Real
) -> list[Mark]:
  """The face with hair or helmet around it; `heading` relative to the view, 0 = seen from behind."""
  x, y, depth = where["head"]
  unit = size / depth
  back, side = math.cos(heading), math.sin(heading)  # 1 seen from behind, -1 from the front
  cap = outfit.helmet or outfit.hair
  skull = _ellipse(x, y, 0.052 * unit, 0.066 * unit)
  hair = _ellipse(x - 0.012 * unit * side, y - 0.012 * unit, 0.056 * unit, 0.064 * unit)
  near = depth - 0.1
  marks = [(near, hair, cap, HEAD)]
  if outfit.long_hair and outfit.helmet is None:
    shift = x - 0.02 * unit * side
    fall = _capsule((shift, y, depth), (shift, y + 0.07 * unit, depth), 0.05 * unit, 0.045 * unit)
    marks.append((depth + (0.08 if back < 0 else -0.08), fall, tint(cap, 0.9), HEAD))
  if back < 0.5:
    face_x = x + 0.016 * unit * side
    face = _ellipse(
      face_x, y + 0.012 * unit, 0.042 * unit * (1 - 0.2 * max(back, 0.0)), 0.05 * unit
    )
    marks.append((near - 0.001, face, outfit.skin, HEAD))
    eyes = blend(outfit.skin, (0.15, 0.1, 0.1), 0.45)
    marks.append(
      (
        near - 0.002,
        _ellipse(x + 0.03 * unit * side, y + 0.004 * unit, 0.028 * unit, 0.006 * unit),
        eyes,
        HEAD,
      )
    )
  else:
    marks.append((depth - 0.05, skull, cap, HEAD))
  return marks


_CIRCLE = [(math.cos(a * math.pi / 6), math.sin(a * math.pi / 6)) for a in range(12)]


def _ellipse(x: Real, y: Real, rx: Real, ry: Real) -> list[Real]:
  return [value for cos, sin in _CIRCLE for value in (x + rx * cos, y + ry * sin)]


def _capsule(a: tuple[Real, ...], b: tuple[Real, ...], ra: Real, rb: Real) -> list[Real]:
  """Two circles and what lies between them."""
  angle = math.atan2(b[1] - a[1], b[0] - a[0])
  points = []
  for x, y, r, start in ((b[0], b[1], rb, -math.pi / 2), (a[0], a[1], ra, math.pi / 2)):
    for step in range(6):
      turn = angle + start + step * math.pi / 5
      points += [x + r * math.cos(turn), y + r * math.sin(turn)]
  return points


def _around(circles: list[tuple[tuple[Real, ...], Real]]) -> list[Real]:
  """The outline around circles."""
  return hull((p[0] + r * cos, p[1] + r * sin) for p, r in circles for cos, sin in _CIRCLE)


def draw_marks(brush: Brush, marks: list[Mark]) -> None:
  """Draws what `body` returned."""
  for depth, polygon, colour, part in marks:
    brush.polygon(polygon, depth, colour, part)
