"""People: a skeleton dressed in tapered limbs, seen from any side.

Sizes are shares of the body's height and chosen by eye, unless a comment says metres.
"""

import dataclasses
import math
from typing import NamedTuple

import numpy as np

from jppf_jax.street_scenes.camera import NEAR, Camera, Real
from jppf_jax.street_scenes.canvas import Brush, Colour, hull
from jppf_jax.street_scenes.classes import ARM, HEAD, LEG, NO_PART, TORSO
from jppf_jax.street_scenes.light import (
  ColourRange,
  Light,
  blend,
  cloth,
  hsv,
  sample_colour,
  skin,
  tint,
)
from jppf_jax.street_scenes.skeleton import Joints

# Clothes and hair: shares of people.
JEANS = 0.4
SHORT_SLEEVES = 0.6
SHORTS = 0.25
SKIRTS = 0.18  # of those who do not ride
COATS = 0.25  # of those who do not ride
LONG_HAIR = 0.4
BAGS = 0.25  # of those without helmet

# Colours.
DENIM = ColourRange((0.55, 0.68), (0.2, 0.6), (0.15, 0.45))
HAIR = ColourRange((0.04, 0.1), (0.2, 0.7), (0.05, 0.6))
SHOE_SATURATION, SHOE_VALUES = 0.3, (0.12, 0.3, 0.85)
EYES, EYES_SHARE = (0.15, 0.1, 0.1), 0.45  # share of this colour, the rest is skin
RIGHT_SHADE = 0.88  # darker right limbs stand out from the left ones
SLEEVE_SHADE = 0.92  # darker sleeves stand out from the torso
NECK_SHADE, LONG_HAIR_SHADE = 0.85, 0.9
SUNLIT = 0.6  # share of the sun's light on a body


class _Bone(NamedTuple):
  """A tapered limb between two joints.

  Attributes:
    start, end: names of the joints.
    start_radius, end_radius: share of the body's height.
    part: part id.
    behind: metres added to its depth; it decides what is painted first.
  """

  start: str
  end: str
  start_radius: Real
  end_radius: Real
  part: int
  behind: Real


THIGH = _Bone("hip", "knee", 0.052, 0.038, LEG, 0.01)
SHIN = _Bone("knee", "ankle", 0.038, 0.025, LEG, 0.0)
FOOT = _Bone("ankle", "toe", 0.026, 0.018, LEG, -0.01)
UPPER_ARM = _Bone("shoulder", "elbow", 0.034, 0.027, ARM, -0.02)
FOREARM = _Bone("elbow", "hand", 0.025, 0.02, ARM, -0.03)
HAND = _Bone("hand", "hand", 0.024, 0.024, ARM, -0.05)

# Trunk: radii, and metres of depth.
SHOULDER_RADIUS, HIP_RADIUS, NECK_RADIUS = 0.045, 0.058, 0.03
NECK_BEHIND = 0.001  # metres
SKIRT_RADIUS, SKIRT_BEFORE = 0.05, 0.06  # before: metres
COAT_RADIUS, COAT_DROP = 0.055, 0.1

# Rucksack: its ends are given from the neck (0) to the pelvis (1).
BAG_TOP, BAG_LOW = 0.15, 0.65
BAG_TOP_RADIUS, BAG_LOW_RADIUS = 0.075, 0.085
BAG_TOP_DROP, BAG_BEHIND_BACK = 0.05, 0.1
BAG_DEPTH = 0.2  # metres behind the back

# Head: half width and half height of its ellipses.
SKULL = (0.052, 0.066)
HAIR_SIZE, HAIR_BACK, HAIR_UP = (0.056, 0.064), 0.012, 0.012
FACE_SIZE, FACE_FORWARD, FACE_DOWN = (0.042, 0.05), 0.016, 0.012
FACE_NARROWING = 0.2  # of a face that is turned away
EYES_SIZE, EYES_FORWARD, EYES_DOWN = (0.028, 0.006), 0.03, 0.004
FALL_BACK, FALL_LENGTH, FALL_RADII = 0.02, 0.07, (0.05, 0.045)  # long hair
FACE_VISIBLE = 0.5  # cosine of the angle to the view below which the face is seen
HAIR_BEFORE, FALL_BEHIND, SKULL_BEFORE = 0.1, 0.08, 0.05  # metres
FACE_LAYER = 0.001  # metres between the layers of a face


@dataclasses.dataclass(frozen=True)
class Outfit:
  """Colours and cut of the clothes.

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


class Seen(NamedTuple):
  """A joint in the image: pixels, and depth in metres."""

  x: Real
  y: Real
  depth: Real


class Mark(NamedTuple):
  """A polygon `x0, y0, x1, y1, ...` in the image."""

  depth: Real
  polygon: list[Real]
  colour: Colour
  part: int


def sample_outfit(
  rng: np.random.Generator, *, helmet: bool = False, riding: bool = False
) -> Outfit:
  """Samples clothes; riders wear neither skirts nor coats."""
  top, bottom = cloth(rng), cloth(rng)
  if rng.random() < JEANS:
    bottom = sample_colour(rng, DENIM)
  hair = sample_colour(rng, HAIR)
  # the seventh number is unused; without it, the following samples would change
  sleeves, shorts, skirt, coat, long_hair, bag, _ = rng.random(7).tolist()
  return Outfit(
    skin=skin(rng),
    hair=hair,
    top=top,
    bottom=bottom,
    shoes=hsv(rng.random(), SHOE_SATURATION, rng.choice(SHOE_VALUES)),
    sleeves=sleeves < SHORT_SLEEVES,
    shorts=shorts < SHORTS,
    skirt=skirt < SKIRTS and not riding,
    coat=coat < COATS and not riding,
    long_hair=long_hair < LONG_HAIR,
    helmet=cloth(rng) if helmet else None,
    bag=cloth(rng) if bag < BAGS and not helmet else None,
  )


def body(
  camera: Camera, light: Light, joints: Joints, heading: Real, outfit: Outfit, height: Real
) -> list[Mark]:
  """Returns the marks of a person, far to near; none if the body reaches behind the camera.

  Args:
    camera: projects the joints.
    light: makes the colours brighter or darker.
    joints: in world coordinates.
    heading: radians from the street's direction towards the right.
    outfit: colours and cut of the clothes.
    height: of the standing body, metres.
  """
  xy, depth = camera.project(np.stack(list(joints.values())))
  if depth.min() < NEAR:
    return []
  points = zip(joints, xy.tolist(), depth.tolist())
  seen = {name: Seen(x, y, z) for name, (x, y), z in points}
  size = camera.focal * height  # divided by a depth: pixels per body height
  turned = heading - camera.yaw
  marks = _limbs(seen, outfit, size)
  marks += _trunk(seen, outfit, size, turned)
  marks += _head(seen["head"], outfit, size, turned)
  lit = light.partly_sunlit(SUNLIT)
  marks.sort(key=lambda mark: -mark.depth)
  return [mark._replace(colour=tint(mark.colour, lit)) for mark in marks]


def draw_marks(brush: Brush, marks: list[Mark]) -> None:
  """Draws marks that `body` returned."""
  for mark in marks:
    brush.polygon(mark.polygon, mark.depth, mark.colour, mark.part)


def _limbs(seen: dict[str, Seen], outfit: Outfit, size: Real) -> list[Mark]:
  marks = []
  for side, shade in (("left", 1.0), ("right", RIGHT_SHADE)):
    bare_shins = outfit.shorts or outfit.skirt
    colours = {
      THIGH: tint(outfit.bottom, shade),
      SHIN: tint(outfit.skin if bare_shins else outfit.bottom, shade),
      FOOT: outfit.shoes,
      UPPER_ARM: tint(outfit.top, SLEEVE_SHADE * shade),
      FOREARM: tint(outfit.skin if outfit.sleeves else outfit.top, shade),
      HAND: outfit.skin,
    }
    for bone, colour in colours.items():
      start, end = seen[f"{side}_{bone.start}"], seen[f"{side}_{bone.end}"]
      start_radius = bone.start_radius * size / start.depth
      end_radius = bone.end_radius * size / end.depth
      depth = (start.depth + end.depth) / 2 + bone.behind
      limb = _capsule(start, end, start_radius, end_radius)
      marks.append(Mark(depth, limb, colour, bone.part))
  if outfit.skirt:
    names = ("left_hip", "right_hip", "left_knee", "right_knee")
    corners = [(seen[name], SKIRT_RADIUS) for name in names]
    depth = seen["pelvis"].depth - SKIRT_BEFORE
    marks.append(Mark(depth, _around(corners, size), outfit.bottom, LEG))
  return marks


def _trunk(seen: dict[str, Seen], outfit: Outfit, size: Real, heading: Real) -> list[Mark]:
  """Torso, neck and rucksack; `heading` relative to the view, 0 = seen from behind."""
  pelvis, neck, head = seen["pelvis"], seen["neck"], seen["head"]
  hips = [seen["left_hip"], seen["right_hip"]]
  circles = [(seen["left_shoulder"], SHOULDER_RADIUS), (seen["right_shoulder"], SHOULDER_RADIUS)]
  circles += [(hip, HIP_RADIUS) for hip in hips]
  if outfit.coat:
    for hip in hips:
      hem = hip._replace(y=hip.y + COAT_DROP * size / hip.depth)
      circles.append((hem, COAT_RADIUS))
  torso = Mark(pelvis.depth, _around(circles, size), outfit.top, TORSO)
  radius = NECK_RADIUS * size / neck.depth
  throat = _capsule(neck, head, radius, radius)
  marks = [torso, Mark(pelvis.depth + NECK_BEHIND, throat, tint(outfit.skin, NECK_SHADE), HEAD)]
  if outfit.bag is not None:
    unit = size / pelvis.depth
    shift = -BAG_BEHIND_BACK * unit * math.sin(heading)  # beside the body if seen from the side
    x, y = _between(neck, pelvis, BAG_TOP)
    top = Seen(x + shift, y + BAG_TOP_DROP * unit, pelvis.depth)
    x, y = _between(neck, pelvis, BAG_LOW)
    low = Seen(x + shift, y, pelvis.depth)
    outline = _capsule(top, low, BAG_TOP_RADIUS * unit, BAG_LOW_RADIUS * unit)
    depth = pelvis.depth - BAG_DEPTH * math.cos(heading)
    marks.append(Mark(depth, outline, outfit.bag, NO_PART))
  return marks


def _head(head: Seen, outfit: Outfit, size: Real, heading: Real) -> list[Mark]:
  """The face with hair or helmet; `heading` relative to the view, 0 = seen from behind."""
  x, y, depth = head
  unit = size / depth
  back, side = math.cos(heading), math.sin(heading)  # back: 1 seen from behind, -1 from the front
  cap = outfit.helmet or outfit.hair
  near = depth - HAIR_BEFORE
  hair = _ellipse(x - HAIR_BACK * unit * side, y - HAIR_UP * unit, HAIR_SIZE, unit)
  marks = [Mark(near, hair, cap, HEAD)]
  if outfit.long_hair and outfit.helmet is None:
    top = Seen(x - FALL_BACK * unit * side, y, depth)
    low = top._replace(y=y + FALL_LENGTH * unit)
    fall = _capsule(top, low, FALL_RADII[0] * unit, FALL_RADII[1] * unit)
    behind = FALL_BEHIND if back < 0 else -FALL_BEHIND
    marks.append(Mark(depth + behind, fall, tint(cap, LONG_HAIR_SHADE), HEAD))
  if back >= FACE_VISIBLE:
    marks.append(Mark(depth - SKULL_BEFORE, _ellipse(x, y, SKULL, unit), cap, HEAD))
    return marks
  narrow = 1 - FACE_NARROWING * max(back, 0.0)
  face_x, face_y = x + FACE_FORWARD * unit * side, y + FACE_DOWN * unit
  face = _ellipse(face_x, face_y, FACE_SIZE, unit, narrow)
  eyes_x, eyes_y = x + EYES_FORWARD * unit * side, y + EYES_DOWN * unit
  eyes = _ellipse(eyes_x, eyes_y, EYES_SIZE, unit)
  marks.append(Mark(near - FACE_LAYER, face, outfit.skin, HEAD))
  eye_colour = blend(outfit.skin, EYES, EYES_SHARE)
  marks.append(Mark(near - 2 * FACE_LAYER, eyes, eye_colour, HEAD))
  return marks


_CIRCLE = [(math.cos(a * math.pi / 6), math.sin(a * math.pi / 6)) for a in range(12)]


def _between(start: Seen, end: Seen, share: Real) -> tuple[Real, Real]:
  """The image point at a share of the way."""
  rest = 1 - share
  return rest * start.x + share * end.x, rest * start.y + share * end.y


def _ellipse(
  x: Real, y: Real, half: tuple[Real, Real], unit: Real, narrow: Real = 1.0
) -> list[Real]:
  """An ellipse of half width and half height `half * unit`, with the width times `narrow`."""
  rx, ry = half[0] * unit * narrow, half[1] * unit
  return [value for cos, sin in _CIRCLE for value in (x + rx * cos, y + ry * sin)]


def _capsule(start: Seen, end: Seen, start_radius: Real, end_radius: Real) -> list[Real]:
  """The outline of two circles and the area between them."""
  angle = math.atan2(end.y - start.y, end.x - start.x)
  ends = ((end, end_radius, -math.pi / 2), (start, start_radius, math.pi / 2))
  points = []
  for (x, y, _), radius, first in ends:
    for step in range(6):
      turn = angle + first + step * math.pi / 5
      points += [x + radius * math.cos(turn), y + radius * math.sin(turn)]
  return points


def _around(circles: list[tuple[Seen, Real]], size: Real) -> list[Real]:
  """The convex outline around circles, whose radii are shares of the body's height."""
  points = []
  for (x, y, depth), share in circles:
    radius = share * size / depth
    points += [(x + radius * cos, y + radius * sin) for cos, sin in _CIRCLE]
  return hull(points)
