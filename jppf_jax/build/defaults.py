"""Values that a config may lack, and what it then has.

Two kinds of configs lack values: each may leave out what the fusions and testing have, and those
that earlier versions of this package stored lack what has come since.
"""

import copy
import dataclasses
from typing import Any, TypeAlias

import ml_collections

from jppf_jax import config_rules, names
from jppf_jax.fusion.config import PAPER
from jppf_jax_configs import cpp

Config: TypeAlias = ml_collections.ConfigDict

# what has come since runs are stored; the defaults are what was fixed before
_LATER = {
  "data": ("color_jitter", "beside"),
  "model": (
    *("heads", "anchor_ratios", "imagenet", "remat", "pretrained_modules", "pretrained_outputs"),
  ),
  "detection": ("proposal_nms",),
  "testing": ("scales", "flip"),
  "losses": names.LOSSES,
  "train": (
    "accumulate",
    "ema_decay",
    "evaluate_every",
    "evaluate_images",
    "patience",
    "wandb_project",
  ),
}


@dataclasses.dataclass(frozen=True)
class MultiScale:
  """What the network sees of an image in a prediction. The default is the image alone.

  Attributes:
    scales: of the working size, 0.1 to 4; the network sees the image at each of them.
    flip: at each scale it sees the mirrored image as well.
  """

  scales: tuple[float, ...] = (1.0,)
  flip: bool = False

  def __post_init__(self) -> None:
    is_allowed, expected = config_rules.SCALES
    if not is_allowed(self.scales):
      raise ValueError(f"testing.scales must be {expected}; got {self.scales!r}.")

  @property
  def is_single(self) -> bool:
    """Whether the network sees the image once, as it is."""
    return self.scales == (1.0,) and not self.flip

  def __str__(self) -> str:
    scales = ", ".join(f"{scale:g}" for scale in self.scales)
    kind = "scale" if len(self.scales) == 1 else "scales"
    return f"{kind} {scales}{', mirrored too' if self.flip else ''}"


def optional_values() -> dict[str, dict[str, Any]]:
  """Returns the sections whose values a config may leave out, with the values it then has."""
  return {"fusion": dataclasses.asdict(PAPER), "testing": dataclasses.asdict(MultiScale())}


def completed(config: Config) -> Config:
  """Returns a config with the values that it left out, locked: each can then be changed by name."""
  whole = copy.deepcopy(config)  # values that are made of others still follow them
  with whole.unlocked(), whole.ignore_type():
    for section, values in optional_values().items():
      if section not in whole:
        whole[section] = values
      found = whole[section]
      for name, default in values.items() if isinstance(found, ml_collections.ConfigDict) else ():
        if name not in found:
          found[name] = default
        elif isinstance(default, float) and type(found[name]) is int:
          found[name] = float(found[name])
  return whole.lock()


def of_all_versions(values: dict[str, Any]) -> dict[str, Any]:
  """Returns the sections of a config without what the first runs did not store."""
  kept = {}
  for section, inner in values.items():
    later = _LATER.get(section, ())
    if not later:
      kept[section] = inner
    elif rest := {name: value for name, value in inner.items() if name not in later}:
      kept[section] = rest
  return kept


def later_values() -> dict[str, Any]:
  """Returns what the first runs did not store, as it was then."""
  default = cpp.get_config().to_dict()
  return {section: {name: default[section][name] for name in _LATER[section]} for section in _LATER}
