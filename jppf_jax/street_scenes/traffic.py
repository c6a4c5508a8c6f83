"""Who is on the street: vehicles on the lanes, parked or crossing, two-wheelers, riders,
pedestrians and crowds.
"""

import math
from functools import partial

import numpy as np

from jppf_jax.street_scenes import buses, cars, cycles, people, skeleton, trams, trucks
from jppf_jax.street_scenes.camera import Real
from jppf_jax.street_scenes.canvas import Brush, Canvas, Texture
from jppf_jax.street_scenes.items import Block, Ground, Item
from jppf_jax.street_scenes.light import Light
from jppf_jax.street_scenes.solids import draw_solid
from jppf_jax.street_scenes.street import Street
from jppf_jax.street_scenes.vehicles import Vehicle

PERSON, RIDER, CAR, TRUCK, BUS, CARAVAN, TRAIN, MOTORCYCLE, BICYCLE = (
  24,
  25,
  26,
  27,
  28,
  29,
  31,
  32,
  33,
)
_BUILD = {
  CAR: cars.car,
  TRUCK: trucks.truck,
  BUS: buses.bus,
  CARAVAN: trams.caravan,
  TRAIN: trams.tram,
}
Place = tuple[Real, Real, Real]  # x, z, heading


class Traffic:
  """Collects the road users of a scene; what finds no room after some tries is left out."""

  def __init__(
    self, canvas: Canvas, light: Light, rng: np.random.Generator, street: Street, ground: Ground
  ):
    self.canvas, self.light, self.rng, self.street, self.ground = canvas, light, rng, street, ground
    self.items: list[Item] = []

  def fill(self) -> list[Item]:
    """Large vehicles first, because they need room; then the rest, so that every class is seen
    often.
    """
    rng = self.rng
    large = [kind for kind in (BUS, TRUCK, TRAIN) if rng.random() < 0.5]
    for kind in rng.permutation(large).tolist()[:2]:
      self._vehicle(kind)
    for _ in range(int(rng.integers(1, 4))):
      self._vehicle(CAR)
    self._crowds()
    for _ in range(int(rng.integers(0, 3))):
      self._two_wheeler(BICYCLE, ridden=rng.random() < 0.55)
    for _ in range(int(rng.integers(0, 3))):
      self._two_wheeler(MOTORCYCLE, ridden=rng.random() < 0.45)
    for _ in range(int(rng.integers(2, 8))):
      self._pedestrian()
    if rng.random() < 0.1:
      self._vehicle(CARAVAN)
    self._parked_row()
    return self.items

  def _near(self, low: Real, high: Real) -> float:
    """A distance, small ones more often."""
    return float(np.exp(self.rng.uniform(math.log(low), math.log(high))))

  def _vehicle(self, kind: int) -> None:
    vehicle = _BUILD[kind](self.rng)
    for _ in range(25):
      (x, z, heading), parked = self._vehicle_place(kind, vehicle.length)
      block = _footprint(x, z, heading, vehicle.length, vehicle.width)
      if parked and not self._beside_traffic(block):
        continue
      if self.ground.fits(block, gap=0.5, seen=0.6 if kind == CAR else 0.45):
        self._put(kind, vehicle, x, z, heading, block)
        return

  def _vehicle_place(self, kind: int, length: Real) -> tuple[Place, bool]:
    """The middle of a vehicle on the crossing street, on a lane or on a parking strip; whether it
    is parked.
    """
    rng, street = self.rng, self.street
    chance = rng.random()
    if street.crossing and chance < (0.25 if kind == TRAIN else 0.45):
      return self._crossing_place(
        street.crossing, turning=kind == CAR and rng.random() < 0.3
      ), False
    z = self._near(5.0 if kind == CAR else 7.0, 30.0) + length / 2
    sides = [side for side in (street.left, street.right) if side.parking]
    if sides and kind != TRAIN and chance > 0.6:
      side = sides[int(rng.integers(len(sides)))]
      heading = 0.0 if side.sign > 0 or rng.random() < 0.3 else math.pi
      return (side.sign * (side.curb - side.parking / 2), z, heading + rng.normal(0, 0.03)), True
    if rng.random() < 0.5:
      lane = street.oncoming[0] if kind == TRAIN else float(rng.choice(street.oncoming))
      return (lane, z, math.pi), False
    return (float(rng.choice(street.ahead)), z + 2.0, 0.0), False

  def _crossing_place(self, crossing: tuple[Real, Real], *, turning: bool) -> Place:
    """On the street that crosses: the nearer lane runs to the right."""
    rng, nearer = self.rng, self.rng.random() < 0.5
    z = crossing[0] + 1.9 if nearer else crossing[1] - 1.9
    low, high = self.canvas.camera.visible_range(z)
    heading = math.pi / 2 if nearer else -math.pi / 2
    return rng.uniform(low, high), z, heading + (rng.uniform(-0.7, 0.7) if turning else 0.0)

  def _put(
    self, kind: int, vehicle: Vehicle, x: Real, z: Real, heading: Real, block: Block
  ) -> None:
    def draw() -> None:
      brush = self.canvas.brush(kind, instance=True, texture=Texture.METAL)
      draw_solid(
        brush, self.canvas.camera, self.light, vehicle.solid, np.array([x, 0.0, z]), heading
      )

    self._add(block, vehicle.height, draw)

  def _add(self, block: Block, height: Real, draw) -> None:
    self.ground.occupy(block)
    self.items.append(Item(block, height, draw))

  def _parked_row(self) -> None:
    """Cars one behind the other along a curb."""
    for side in (self.street.left, self.street.right):
      z = self.rng.uniform(6.0, 12.0)
      while side.parking and z < 45.0 and self.rng.random() < 0.85:
        vehicle = cars.car(self.rng)
        x, heading = side.sign * (side.curb - side.parking / 2), 0.0 if side.sign > 0 else math.pi
        block = _footprint(x, z + vehicle.length / 2, heading, vehicle.length, vehicle.width)
        if self._beside_traffic(block) and self.ground.fits(block, seen=0.15):
          self._put(CAR, vehicle, x, z + vehicle.length / 2, heading, block)
        z += vehicle.length + self.rng.uniform(0.6, 2.0)

  def _beside_traffic(self, block: Block) -> bool:
    """Whether a parked thing neither blocks the crossing street nor stands beyond the end."""
    crossing = self.street.crossing
    return block[3] < self.street.end and (
      crossing is None or block[3] < crossing[0] or block[2] > crossing[1]
    )

  def _two_wheeler(self, kind: int, *, ridden: bool) -> None:
    for _ in range(25):
      x, z, heading = self._rider_place() if ridden else self._kerb_place()
      block = _footprint(x, z, heading, 1.9 if kind == BICYCLE else 2.1, 0.6)
      if self.ground.fits(block, seen=0.7):
        self._add(
          block,
          1.6 if ridden else 0.9,
          partial(self._draw_two_wheeler, kind, x, z, heading, ridden),
        )
        return

  def _draw_two_wheeler(self, kind: int, x: Real, z: Real, heading: Real, ridden: bool) -> None:
    canvas, position = self.canvas, np.array([x, 0.0, z])
    vehicle = canvas.brush(kind, instance=True, texture=Texture.METAL)
    if ridden:
      rider = canvas.brush(RIDER, instance=True, texture=Texture.CLOTH)
      cycles.ridden(
        vehicle,
        rider,
        canvas.camera,
        self.light,
        self.rng,
        position,
        heading,
        motor=kind == MOTORCYCLE,
      )
    else:
      draw = cycles.bicycle if kind == BICYCLE else cycles.motorcycle
      draw(vehicle, canvas.camera, self.light, self.rng, position, heading)

  def _rider_place(self) -> Place:
    """On a lane near the curb, or crossing."""
    rng, street = self.rng, self.street
    z = self._near(5.0, 18.0)
    if rng.random() < 0.5:
      low, high = self.canvas.camera.visible_range(z)
      x = rng.uniform(max(0.8 * low, -street.left.curb), min(0.8 * high, street.right.curb))
      return x, z, (math.pi / 2 if rng.random() < 0.5 else -math.pi / 2) + rng.uniform(-0.5, 0.5)
    if rng.random() < 0.5:
      return street.ahead[-1] + rng.uniform(0.0, 1.2), z, rng.normal(0, 0.15)
    return street.oncoming[0] - rng.uniform(0.0, 1.2), z, math.pi + rng.normal(0, 0.15)

  def _kerb_place(self) -> Place:
    """On a sidewalk, mostly along it or at right angles."""
    rng = self.rng
    side = (self.street.left, self.street.right)[int(rng.integers(2))]
    z = self._near(6.0, 20.0)
    x = side.sign * rng.uniform(side.verge + 0.3, side.sidewalk - 0.2)
    return (
      x,
      z,
      float(rng.choice([0.0, math.pi, math.pi / 2, -math.pi / 2, math.pi / 2]))
      + rng.normal(0, 0.25),
    )

  def _pedestrian(self) -> None:
    for _ in range(25):
      x, z, heading = self._foot_place()
      block = (x - 0.3, x + 0.3, z - 0.3, z + 0.3)
      if self.ground.fits(block, gap=0.05, seen=0.7):
        self._add(block, 1.7, partial(self._draw_person, x, z, heading, None))
        return

  def _foot_place(self) -> Place:
    """On a sidewalk, on the zebra or simply crossing the road."""
    rng, street = self.rng, self.street
    if rng.random() < 0.4:
      z = (
        street.zebra + rng.uniform(0.3, 2.7)
        if street.zebra and rng.random() < 0.7
        else self._near(5.0, 20.0)
      )
      low, high = self.canvas.camera.visible_range(z)
      x = rng.uniform(max(low, -street.left.curb), min(high, street.right.curb))
      return x, z, (math.pi / 2 if rng.random() < 0.5 else -math.pi / 2) + rng.normal(0, 0.2)
    side = (street.left, street.right)[int(rng.integers(2))]
    z = self._near(6.0, 28.0)
    x = side.sign * rng.uniform(side.verge + 0.2, side.sidewalk)
    return (
      x,
      z,
      float(rng.choice([0.0, math.pi, rng.uniform(-math.pi, math.pi)])) + rng.normal(0, 0.2),
    )

  def _draw_person(self, x: Real, z: Real, heading: Real, brush: Brush | None) -> None:
    """Somebody; with a brush given, one of the crowd that it draws."""
    rng = self.rng
    brush = brush or self.canvas.brush(PERSON, instance=True, texture=Texture.CLOTH)
    height = rng.uniform(1.1, 1.45) if rng.random() < 0.1 else rng.uniform(1.58, 1.92)
    joints = skeleton.place(skeleton.walking(rng, height), np.array([x, 0.0, z]), heading)
    people.draw_marks(
      brush,
      people.body(
        self.canvas.camera, self.light, joints, heading, people.sample_outfit(rng), height
      ),
    )

  def _crowds(self) -> None:
    """Groups in which nobody can tell one from the other: one label without instances."""
    rng = self.rng
    count = int(rng.integers(5, 10))
    if rng.random() < 0.45 and (block := self._beside_the_road(2.6, 1.6, 10.0, 26.0)):
      self._add(block, 1.7, partial(self._draw_people, block, count))
    if rng.random() < 0.4 and (block := self._beside_the_road(1.9, 0.5 * count + 0.3, 7.0, 18.0)):
      self._add(block, 0.8, partial(self._draw_bicycles, block, count))
    if rng.random() < 0.3 and (block := self._beside_the_road(4.6, 2.2 * (count // 2), 14.0, 35.0)):
      self._add(block, 1.5, partial(self._draw_cars, block, count // 2))

  def _beside_the_road(self, width: Real, depth: Real, low: Real, high: Real) -> Block | None:
    """Free ground at the outer edge of a sidewalk, or nothing."""
    for _ in range(25):
      side = (self.street.left, self.street.right)[int(self.rng.integers(2))]
      z = self._near(low, high)
      outer = max(side.front - 0.3, side.verge + width)
      block = (*side.span(outer - width, outer), z, z + depth)
      if self.ground.fits(block, gap=0.1, seen=0.4) and self._beside_traffic(block):
        return block
    return None

  def _draw_people(self, block: Block, count: int) -> None:
    brush = self.canvas.brush(PERSON, texture=Texture.CLOTH)
    places = self.rng.uniform(
      [block[2] + 0.3, block[0] + 0.3], [block[3] - 0.3, block[1] - 0.3], (count, 2)
    )
    for z, x in sorted(places.tolist(), reverse=True):
      self._draw_person(x, z, self.rng.uniform(-math.pi, math.pi), brush)

  def _draw_bicycles(self, block: Block, count: int) -> None:
    """Parked side by side, at right angles to the street."""
    brush = self.canvas.brush(BICYCLE, texture=Texture.METAL)
    for z in np.linspace(block[3] - 0.3, block[2] + 0.3, count).tolist():
      position = np.array([(block[0] + block[1]) / 2 + self.rng.normal(0, 0.06), 0.0, z])
      heading = math.pi / 2 + self.rng.normal(0, 0.1)
      cycles.bicycle(brush, self.canvas.camera, self.light, self.rng, position, heading)

  def _draw_cars(self, block: Block, count: int) -> None:
    """Parked side by side, at right angles to the street."""
    brush = self.canvas.brush(CAR, texture=Texture.METAL)
    for z in np.linspace(block[3] - 1.0, block[2] + 1.0, count).tolist():
      position = np.array([(block[0] + block[1]) / 2, 0.0, z])
      heading = math.pi / 2 if self.rng.random() < 0.5 else -math.pi / 2
      draw_solid(brush, self.canvas.camera, self.light, cars.car(self.rng).solid, position, heading)


def _footprint(x: Real, z: Real, heading: Real, length: Real, width: Real) -> Block:
  """The block around a turned rectangle."""
  sin, cos = abs(math.sin(heading)), abs(math.cos(heading))
  half_x, half_z = (length * sin + width * cos) / 2, (length * cos + width * sin) / 2
  return x - half_x, x + half_x, z - half_z, z + half_z
