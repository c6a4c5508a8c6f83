"""Who is on the street: vehicles on the lanes, parked or crossing, two-wheelers, riders,
pedestrians and crowds.

Measures are metres. Numbers and shares are chosen by eye, so that every class is seen often.
"""

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from jppf_jax.street_scenes import buses, cars, cycles, people, skeleton, trams, trucks
from jppf_jax.street_scenes.camera import Real
from jppf_jax.street_scenes.canvas import Brush, Canvas, Texture
from jppf_jax.street_scenes.classes import (
  BICYCLE,
  BUS,
  CAR,
  CARAVAN,
  MOTORCYCLE,
  PERSON,
  RIDER,
  TRAIN,
  TRUCK,
)
from jppf_jax.street_scenes.items import Block, Ground, Item
from jppf_jax.street_scenes.light import Light
from jppf_jax.street_scenes.places import TO_THE_LEFT, TO_THE_RIGHT, TOWARDS_CAMERA, Places
from jppf_jax.street_scenes.solids import draw_solid
from jppf_jax.street_scenes.street import Street
from jppf_jax.street_scenes.vehicles import Vehicle

# How many of each are tried; the upper limits are excluded.
LARGE_VEHICLES, MOST_LARGE_VEHICLES = 0.5, 2  # share of scenes per kind; at most so many kinds
CARS = (1, 4)  # besides parked rows
BICYCLES, RIDDEN_BICYCLES = (0, 3), 0.55  # share of bicycles
MOTORCYCLES, RIDDEN_MOTORCYCLES = (0, 3), 0.45  # share of motorcycles
PEDESTRIANS = (2, 8)
CARAVANS = 0.1  # share of scenes
TRIES = 25  # for a free place

# Room: free metres around, and the share of the width that must be visible.
VEHICLE_GAP, CAR_SEEN, VEHICLE_SEEN = 0.5, 0.6, 0.45
TWO_WHEELER_SEEN = 0.7
BICYCLE_LENGTH, MOTORCYCLE_LENGTH, TWO_WHEELER_WIDTH = 1.9, 2.1, 0.6
RIDDEN_HEIGHT, UNRIDDEN_HEIGHT = 1.6, 0.9
PERSON_GAP, PERSON_SEEN, PERSON_HALF_WIDTH, PERSON_HEIGHT = 0.05, 0.7, 0.3, 1.7
CHILDREN, CHILD_HEIGHT, ADULT_HEIGHT = 0.1, (1.1, 1.45), (1.58, 1.92)  # share of people

# Rows of parked cars.
ROW_START, ROW_END, ROW_GOES_ON = (6.0, 12.0), 45.0, 0.85  # chance of one more car
ROW_GAP, ROW_SEEN = (0.6, 2.0), 0.15

# Crowds: share of scenes; width, depth (base and per member) and distance.
CROWD_SIZE = (5, 10)  # the upper limit is excluded; half as many cars
CROWD_GAP, CROWD_SEEN, CROWD_INSET = 0.1, 0.4, 0.3
PEOPLE_CROWDS, PEOPLE_WIDTH, PEOPLE_DEPTH, PEOPLE_DISTANCE = 0.45, 2.6, 1.6, (10.0, 26.0)
BICYCLE_CROWDS, BICYCLES_WIDTH, BICYCLES_DISTANCE, BICYCLES_HEIGHT = 0.4, 1.9, (7.0, 18.0), 0.8
BICYCLE_PITCH, BICYCLES_INSET = 0.5, 0.3
BICYCLE_SHIFT, BICYCLE_TURN = 0.06, 0.1  # deviations of place and heading
CAR_CROWDS, CARS_WIDTH, CARS_DISTANCE, CARS_HEIGHT = 0.3, 4.6, (14.0, 35.0), 1.5
CAR_PITCH, CARS_INSET = 2.2, 1.0

_BUILD = {
  CAR: cars.car,
  TRUCK: trucks.truck,
  BUS: buses.bus,
  CARAVAN: trams.caravan,
  TRAIN: trams.tram,
}


class Traffic:
  """Collects the road users of a scene; those that find no free place are left out."""

  def __init__(
    self, canvas: Canvas, light: Light, rng: np.random.Generator, street: Street, ground: Ground
  ):
    self.canvas, self.light, self.rng, self.street, self.ground = canvas, light, rng, street, ground
    self.places = Places(canvas.camera, rng, street)
    self.items: list[Item] = []

  def fill(self) -> list[Item]:
    """Returns all road users: large vehicles first, because they need room; then the rest, so that
    every class is seen often.
    """
    rng = self.rng
    large = [kind for kind in (BUS, TRUCK, TRAIN) if rng.random() < LARGE_VEHICLES]
    for kind in rng.permutation(large).tolist()[:MOST_LARGE_VEHICLES]:
      self._vehicle(kind)
    for _ in range(int(rng.integers(*CARS))):
      self._vehicle(CAR)
    self._crowds()
    for _ in range(int(rng.integers(*BICYCLES))):
      self._two_wheeler(BICYCLE, ridden=rng.random() < RIDDEN_BICYCLES)
    for _ in range(int(rng.integers(*MOTORCYCLES))):
      self._two_wheeler(MOTORCYCLE, ridden=rng.random() < RIDDEN_MOTORCYCLES)
    for _ in range(int(rng.integers(*PEDESTRIANS))):
      self._pedestrian()
    if rng.random() < CARAVANS:
      self._vehicle(CARAVAN)
    self._parked_row()
    return self.items

  def _add(self, block: Block, height: Real, draw: Callable[[], None]) -> None:
    self.ground.occupy(block)
    self.items.append(Item(block, height, draw))

  def _vehicle(self, kind: int) -> None:
    vehicle = _BUILD[kind](self.rng)
    seen = CAR_SEEN if kind == CAR else VEHICLE_SEEN
    for _ in range(TRIES):
      (x, z, heading), parked = self.places.vehicle(kind, vehicle.length)
      block = _footprint(x, z, heading, vehicle.length, vehicle.width)
      if parked and not self._beside_traffic(block):
        continue
      if self.ground.fits(block, gap=VEHICLE_GAP, seen=seen):
        self._put(kind, vehicle, x, z, heading, block)
        return

  def _put(
    self, kind: int, vehicle: Vehicle, x: Real, z: Real, heading: Real, block: Block
  ) -> None:
    def draw() -> None:
      brush = self.canvas.brush(kind, instance=True, texture=Texture.METAL)
      self._draw_vehicle(brush, vehicle, np.array([x, 0.0, z]), heading)

    self._add(block, vehicle.height, draw)

  def _draw_vehicle(
    self, brush: Brush, vehicle: Vehicle, position: np.ndarray, heading: Real
  ) -> None:
    draw_solid(brush, self.canvas.camera, self.light, vehicle.solid, position, heading)

  def _parked_row(self) -> None:
    """Cars one behind the other along a curb."""
    for side in (self.street.left, self.street.right):
      z = self.rng.uniform(*ROW_START)
      x, heading = (
        side.sign * (side.curb - side.parking / 2),
        0.0 if side.sign > 0 else TOWARDS_CAMERA,
      )
      while side.parking and z < ROW_END and self.rng.random() < ROW_GOES_ON:
        car = cars.car(self.rng)
        middle = z + car.length / 2
        block = _footprint(x, middle, heading, car.length, car.width)
        if self._beside_traffic(block) and self.ground.fits(block, seen=ROW_SEEN):
          self._put(CAR, car, x, middle, heading, block)
        z += car.length + self.rng.uniform(*ROW_GAP)

  def _beside_traffic(self, block: Block) -> bool:
    """Whether a parked object neither blocks the crossing street nor stands beyond the end."""
    _, _, near, far = block
    if far >= self.street.end:
      return False
    crossing = self.street.crossing
    return crossing is None or far < crossing[0] or near > crossing[1]

  def _two_wheeler(self, kind: int, *, ridden: bool) -> None:
    length = BICYCLE_LENGTH if kind == BICYCLE else MOTORCYCLE_LENGTH
    height = RIDDEN_HEIGHT if ridden else UNRIDDEN_HEIGHT
    for _ in range(TRIES):
      x, z, heading = self.places.rider() if ridden else self.places.parked_two_wheeler()
      block = _footprint(x, z, heading, length, TWO_WHEELER_WIDTH)
      if self.ground.fits(block, seen=TWO_WHEELER_SEEN):
        self._add(block, height, partial(self._draw_two_wheeler, kind, x, z, heading, ridden))
        return

  def _draw_two_wheeler(self, kind: int, x: Real, z: Real, heading: Real, ridden: bool) -> None:
    canvas, rng, position = self.canvas, self.rng, np.array([x, 0.0, z])
    camera, light, motor = canvas.camera, self.light, kind == MOTORCYCLE
    vehicle = canvas.brush(kind, instance=True, texture=Texture.METAL)
    if ridden:
      rider = canvas.brush(RIDER, instance=True, texture=Texture.CLOTH)
      cycles.ridden(vehicle, rider, camera, light, rng, position, heading, motor=motor)
    else:
      draw = cycles.motorcycle if motor else cycles.bicycle
      draw(vehicle, camera, light, rng, position, heading)

  def _pedestrian(self) -> None:
    for _ in range(TRIES):
      x, z, heading = self.places.pedestrian()
      half = PERSON_HALF_WIDTH
      block = (x - half, x + half, z - half, z + half)
      if self.ground.fits(block, gap=PERSON_GAP, seen=PERSON_SEEN):
        self._add(block, PERSON_HEIGHT, partial(self._draw_person, x, z, heading, None))
        return

  def _draw_person(self, x: Real, z: Real, heading: Real, brush: Brush | None) -> None:
    """Draws a person; if a brush is given, as one of the crowd that it draws."""
    rng, camera = self.rng, self.canvas.camera
    brush = brush or self.canvas.brush(PERSON, instance=True, texture=Texture.CLOTH)
    child = rng.random() < CHILDREN
    height = rng.uniform(*(CHILD_HEIGHT if child else ADULT_HEIGHT))
    joints = skeleton.place(skeleton.walking(rng, height), np.array([x, 0.0, z]), heading)
    outfit = people.sample_outfit(rng)
    people.draw_marks(brush, people.body(camera, self.light, joints, heading, outfit, height))

  def _crowds(self) -> None:
    """Groups whose members cannot be told apart: one label without instances."""
    rng = self.rng
    count = int(rng.integers(*CROWD_SIZE))
    if rng.random() < PEOPLE_CROWDS:
      block = self._beside_the_road(PEOPLE_WIDTH, PEOPLE_DEPTH, *PEOPLE_DISTANCE)
      if block:
        self._add(block, PERSON_HEIGHT, partial(self._draw_people, block, count))
    if rng.random() < BICYCLE_CROWDS:
      depth = BICYCLE_PITCH * count + BICYCLES_INSET
      block = self._beside_the_road(BICYCLES_WIDTH, depth, *BICYCLES_DISTANCE)
      if block:
        self._add(block, BICYCLES_HEIGHT, partial(self._draw_bicycles, block, count))
    if rng.random() < CAR_CROWDS:
      depth = CAR_PITCH * (count // 2)
      block = self._beside_the_road(CARS_WIDTH, depth, *CARS_DISTANCE)
      if block:
        self._add(block, CARS_HEIGHT, partial(self._draw_cars, block, count // 2))

  def _beside_the_road(self, width: Real, depth: Real, low: Real, high: Real) -> Block | None:
    """Free ground at the outer edge of a sidewalk, or None."""
    for _ in range(TRIES):
      side = (self.street.left, self.street.right)[int(self.rng.integers(2))]
      z = self.places.near(low, high)
      outer = max(side.front - CROWD_INSET, side.verge + width)
      block = (*side.span(outer - width, outer), z, z + depth)
      if self.ground.fits(block, gap=CROWD_GAP, seen=CROWD_SEEN) and self._beside_traffic(block):
        return block
    return None

  def _draw_people(self, block: Block, count: int) -> None:
    brush = self.canvas.brush(PERSON, texture=Texture.CLOTH)
    x0, x1, z0, z1 = block
    low, high = [z0 + CROWD_INSET, x0 + CROWD_INSET], [z1 - CROWD_INSET, x1 - CROWD_INSET]
    places = self.rng.uniform(low, high, (count, 2)).tolist()
    for z, x in sorted(places, reverse=True):
      self._draw_person(x, z, self.rng.uniform(-math.pi, math.pi), brush)

  def _draw_bicycles(self, block: Block, count: int) -> None:
    """Draws them parked side by side, at right angles to the street."""
    camera, rng = self.canvas.camera, self.rng
    brush = self.canvas.brush(BICYCLE, texture=Texture.METAL)
    x0, x1, z0, z1 = block
    for z in np.linspace(z1 - BICYCLES_INSET, z0 + BICYCLES_INSET, count).tolist():
      x = (x0 + x1) / 2 + rng.normal(0, BICYCLE_SHIFT)
      heading = TO_THE_RIGHT + rng.normal(0, BICYCLE_TURN)
      cycles.bicycle(brush, camera, self.light, rng, np.array([x, 0.0, z]), heading)

  def _draw_cars(self, block: Block, count: int) -> None:
    """Draws them parked side by side, at right angles to the street."""
    brush = self.canvas.brush(CAR, texture=Texture.METAL)
    x0, x1, z0, z1 = block
    for z in np.linspace(z1 - CARS_INSET, z0 + CARS_INSET, count).tolist():
      heading = TO_THE_RIGHT if self.rng.random() < 0.5 else TO_THE_LEFT
      position = np.array([(x0 + x1) / 2, 0.0, z])
      self._draw_vehicle(brush, cars.car(self.rng), position, heading)


def _footprint(x: Real, z: Real, heading: Real, length: Real, width: Real) -> Block:
  """The block around a turned rectangle."""
  sin, cos = abs(math.sin(heading)), abs(math.cos(heading))
  half_x = (length * sin + width * cos) / 2
  half_z = (length * cos + width * sin) / 2
  return x - half_x, x + half_x, z - half_z, z + half_z
