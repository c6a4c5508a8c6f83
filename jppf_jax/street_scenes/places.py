"""Where the road users of a street stand or drive.

Measures are metres, headings radians from the street's direction towards the right. Shares are
chosen by eye to look like Cityscapes.
"""

import math

import numpy as np

from jppf_jax.street_scenes.camera import Camera, Real
from jppf_jax.street_scenes.classes import CAR, TRAIN
from jppf_jax.street_scenes.street import Street

Place = tuple[Real, Real, Real]  # x, z, heading
TO_THE_RIGHT, TO_THE_LEFT, TOWARDS_CAMERA = math.pi / 2, -math.pi / 2, math.pi

# Vehicles. The share of crossing vehicles holds for streets with a crossing.
CROSSING_TRAMS, CROSSING_VEHICLES = 0.25, 0.45
PARKED_VEHICLES = 0.4  # share of vehicles other than trams, if there is a parking strip
TURNING_CARS, TURN = 0.3, (-0.7, 0.7)  # share of crossing cars
CAR_DISTANCE, VEHICLE_DISTANCE = (5.0, 30.0), (7.0, 30.0)  # of the rear
PARKED_BACKWARDS = 0.3  # share of vehicles parked on the left that face away from the camera
PARKED_TURN = 0.03  # deviation of the heading
ONCOMING = 0.5  # share of vehicles on a lane
AHEAD_FARTHER = 2.0
CROSSING_LANE = 1.9  # from the edge of the crossing street to the middle of its lane

# Riders.
RIDER_DISTANCE = (5.0, 18.0)
CROSSING_RIDERS, CROSSING_RIDER_TURN = 0.5, (-0.5, 0.5)
VISIBLE_SHARE = 0.8  # crossing riders keep to this share of the visible width
RIDERS_AHEAD, RIDER_OFFSET, RIDER_TURN = 0.5, (0.0, 1.2), 0.15  # offset from the lane's middle

# Parked two-wheelers.
PARKED_DISTANCE, PARKED_EDGES, PARKED_SPREAD = (6.0, 20.0), (0.3, 0.2), 0.25
PARKED_HEADINGS = (0.0, TOWARDS_CAMERA, TO_THE_RIGHT, TO_THE_LEFT, TO_THE_RIGHT)

# Pedestrians.
CROSSING_PEDESTRIANS, ON_THE_ZEBRA = 0.4, 0.7  # the second: share of those, if there is a zebra
ZEBRA_PLACE, ROAD_DISTANCE, SIDEWALK_DISTANCE = (0.3, 2.7), (5.0, 20.0), (6.0, 28.0)
PEDESTRIAN_SPREAD, PEDESTRIAN_EDGE = 0.2, 0.2  # deviation of the heading; from the verge


class Places:
  """Samples places of road users."""

  def __init__(self, camera: Camera, rng: np.random.Generator, street: Street):
    self.camera, self.rng, self.street = camera, rng, street

  def near(self, low: Real, high: Real) -> float:
    """A distance, small ones more often (uniform in its logarithm)."""
    return float(np.exp(self.rng.uniform(math.log(low), math.log(high))))

  def vehicle(self, kind: int, length: Real) -> tuple[Place, bool]:
    """The middle of a vehicle on the crossing street, on a lane or on a parking strip; whether it
    is parked.
    """
    rng, street = self.rng, self.street
    tram, chance = kind == TRAIN, rng.random()
    if street.crossing and chance < (CROSSING_TRAMS if tram else CROSSING_VEHICLES):
      turning = kind == CAR and rng.random() < TURNING_CARS
      return self._crossing(street.crossing, turning=turning), False
    z = self.near(*(CAR_DISTANCE if kind == CAR else VEHICLE_DISTANCE)) + length / 2
    strips = [side for side in (street.left, street.right) if side.parking]
    if strips and not tram and chance > 1 - PARKED_VEHICLES:
      side = strips[int(rng.integers(len(strips)))]
      facing_away = side.sign > 0 or rng.random() < PARKED_BACKWARDS
      heading = 0.0 if facing_away else TOWARDS_CAMERA
      x = side.sign * (side.curb - side.parking / 2)
      return (x, z, heading + rng.normal(0, PARKED_TURN)), True
    if rng.random() < ONCOMING:
      lane = street.oncoming[0] if tram else float(rng.choice(street.oncoming))
      return (lane, z, TOWARDS_CAMERA), False
    return (float(rng.choice(street.ahead)), z + AHEAD_FARTHER, 0.0), False

  def _crossing(self, crossing: tuple[Real, Real], *, turning: bool) -> Place:
    """On the street that crosses: the nearer lane runs to the right."""
    rng = self.rng
    nearer = rng.random() < 0.5
    z = crossing[0] + CROSSING_LANE if nearer else crossing[1] - CROSSING_LANE
    x = rng.uniform(*self.camera.visible_range(z))
    heading = TO_THE_RIGHT if nearer else TO_THE_LEFT
    turn = rng.uniform(*TURN) if turning else 0.0
    return x, z, heading + turn

  def rider(self) -> Place:
    """On a lane near the curb, or crossing."""
    rng, street = self.rng, self.street
    z = self.near(*RIDER_DISTANCE)
    if rng.random() < CROSSING_RIDERS:
      x = self._on_the_road(z, VISIBLE_SHARE)
      return x, z, self._across() + rng.uniform(*CROSSING_RIDER_TURN)
    if rng.random() < RIDERS_AHEAD:
      x = street.ahead[-1] + rng.uniform(*RIDER_OFFSET)
      return x, z, rng.normal(0, RIDER_TURN)
    x = street.oncoming[0] - rng.uniform(*RIDER_OFFSET)
    return x, z, TOWARDS_CAMERA + rng.normal(0, RIDER_TURN)

  def parked_two_wheeler(self) -> Place:
    """On a sidewalk, mostly along it or at right angles."""
    rng = self.rng
    side = (self.street.left, self.street.right)[int(rng.integers(2))]
    z = self.near(*PARKED_DISTANCE)
    inner, outer = PARKED_EDGES
    x = side.sign * rng.uniform(side.verge + inner, side.sidewalk - outer)
    heading = float(rng.choice(PARKED_HEADINGS))
    return x, z, heading + rng.normal(0, PARKED_SPREAD)

  def pedestrian(self) -> Place:
    """On a sidewalk, on the zebra or anywhere on the road."""
    rng, street = self.rng, self.street
    if rng.random() < CROSSING_PEDESTRIANS:
      if street.zebra and rng.random() < ON_THE_ZEBRA:
        z = street.zebra + rng.uniform(*ZEBRA_PLACE)
      else:
        z = self.near(*ROAD_DISTANCE)
      x = self._on_the_road(z, 1)
      return x, z, self._across() + rng.normal(0, PEDESTRIAN_SPREAD)
    side = (street.left, street.right)[int(rng.integers(2))]
    z = self.near(*SIDEWALK_DISTANCE)
    x = side.sign * rng.uniform(side.verge + PEDESTRIAN_EDGE, side.sidewalk)
    anywhere = rng.uniform(-math.pi, math.pi)
    heading = float(rng.choice([0.0, TOWARDS_CAMERA, anywhere]))
    return x, z, heading + rng.normal(0, PEDESTRIAN_SPREAD)

  def _on_the_road(self, z: Real, share: Real) -> float:
    """A place between the curbs in this share of the visible width."""
    low, high = (share * x for x in self.camera.visible_range(z))
    left, right = -self.street.left.curb, self.street.right.curb
    return self.rng.uniform(max(low, left), min(high, right))

  def _across(self) -> float:
    return TO_THE_RIGHT if self.rng.random() < 0.5 else TO_THE_LEFT
