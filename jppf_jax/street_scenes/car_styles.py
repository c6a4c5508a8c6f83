"""The silhouettes of cars. Chosen by eye to look like the cars of Cityscapes."""

from typing import NamedTuple

from jppf_jax.street_scenes.camera import Real

Flat = tuple[Real, Real]  # forward (or share of the length), up


class Profile(NamedTuple):
  """The side view of a car, from the rear over the roof to the front."""

  rear_low: Flat
  rear_top: Flat
  belt_rear: Flat
  roof_rear: Flat
  roof_front: Flat
  belt_front: Flat
  front_top: Flat
  front_low: Flat


class Style(NamedTuple):
  """A silhouette.

  Attributes:
    share: of all cars.
    length: metres.
    wheel: radius, metres.
    roof: width of the roof as a share of the car's width.
    profile: share of the length, metres up.
  """

  share: Real
  length: Real
  wheel: Real
  roof: Real
  profile: Profile


STYLES = {
  "sedan": Style(
    share=0.27,
    length=4.6,
    wheel=0.31,
    roof=0.8,
    profile=Profile(
      rear_low=(-0.5, 0.27),
      rear_top=(-0.495, 0.9),
      belt_rear=(-0.36, 1.0),
      roof_rear=(-0.2, 1.42),
      roof_front=(0.06, 1.44),
      belt_front=(0.23, 0.97),
      front_top=(0.485, 0.78),
      front_low=(0.5, 0.27),
    ),
  ),
  "hatch": Style(
    share=0.27,
    length=3.9,
    wheel=0.31,
    roof=0.8,
    profile=Profile(
      rear_low=(-0.5, 0.27),
      rear_top=(-0.5, 0.85),
      belt_rear=(-0.48, 0.98),
      roof_rear=(-0.38, 1.45),
      roof_front=(0.04, 1.48),
      belt_front=(0.24, 0.99),
      front_top=(0.485, 0.8),
      front_low=(0.5, 0.27),
    ),
  ),
  "wagon": Style(
    share=0.16,
    length=4.6,
    wheel=0.31,
    roof=0.8,
    profile=Profile(
      rear_low=(-0.5, 0.27),
      rear_top=(-0.5, 0.88),
      belt_rear=(-0.49, 0.98),
      roof_rear=(-0.43, 1.44),
      roof_front=(0.05, 1.47),
      belt_front=(0.23, 0.97),
      front_top=(0.485, 0.78),
      front_low=(0.5, 0.27),
    ),
  ),
  "suv": Style(
    share=0.16,
    length=4.5,
    wheel=0.37,
    roof=0.8,
    profile=Profile(
      rear_low=(-0.5, 0.35),
      rear_top=(-0.5, 0.95),
      belt_rear=(-0.49, 1.1),
      roof_rear=(-0.42, 1.66),
      roof_front=(0.06, 1.7),
      belt_front=(0.22, 1.12),
      front_top=(0.485, 0.98),
      front_low=(0.5, 0.35),
    ),
  ),
  "van": Style(
    share=0.14,
    length=4.9,
    wheel=0.34,
    roof=0.9,
    profile=Profile(
      rear_low=(-0.5, 0.32),
      rear_top=(-0.5, 0.95),
      belt_rear=(-0.5, 1.1),
      roof_rear=(-0.48, 1.9),
      roof_front=(0.2, 1.94),
      belt_front=(0.38, 1.12),
      front_top=(0.49, 0.95),
      front_low=(0.5, 0.32),
    ),
  ),
}
