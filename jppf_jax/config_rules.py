"""What the values of a config may be; checked before a dataset is built or anything compiled."""

import difflib
import math
import os
from collections.abc import Callable, Iterator, Mapping
from numbers import Integral, Real
from typing import Any

from jppf_jax.names import HEADS, LOSSES

Rule = tuple[Callable[[Any], bool], str]  # whether a value is allowed, and which values are

STRIDE = 32  # of the coarsest features
MODULES = ("encoder", "fpn", "semantic_head", "part_head", "rpn_head", "box_head", "mask_head")


class ConfigError(ValueError):
  """A config cannot be trained; the message lists every problem."""


def _at_least(smallest: int) -> Rule:
  return lambda value: smallest <= value < math.inf, f"at least {smallest}"


def _one_of(*names: str) -> Rule:
  return lambda value: value in names, f"one of {sorted(names)}"


def _some_of(known: tuple[str, ...]) -> Rule:
  return (
    lambda names: 0 < len(names) == len(set(names)) and set(names) <= set(known),
    f"some of {known}",
  )


POSITIVE: Rule = (lambda value: 0 < value < math.inf, "above 0")
SHARE: Rule = (lambda value: 0 <= value <= 1, "0 to 1")
ALL_POSITIVE: Rule = (
  lambda values: len(values) > 0 and all(0 < x < math.inf for x in values),
  "all above 0",
)
RANGE: Rule = (lambda values: 0 < values[0] <= values[1] < math.inf, "(smallest, largest), above 0")
LEAST_SCALE, MOST_SCALE = 0.1, 4  # in testing; memory grows with their square
SCALES: Rule = (
  lambda values: len(values) > 0 and all(LEAST_SCALE <= x <= MOST_SCALE for x in values),
  f"one number or more, each from {LEAST_SCALE} to {MOST_SCALE}",
)
GRID: Rule = (
  lambda sides: all(side > 0 and side % STRIDE == 0 for side in sides),
  f"rows and columns, multiples of {STRIDE}",
)
DECAY: Rule = (lambda value: 0 <= value < 1, "0 or more, below 1")
FACTORS = {f"losses.{name}": _at_least(0) for name in LOSSES}

RULES: dict[str, Rule] = {
  "seed": _at_least(0),
  "parallel": _one_of("pmap", "shard_map"),
  "phase_order": _one_of("main_then_frozen", "paper_text"),
  "data.train_size": GRID,
  "data.eval_size": ALL_POSITIVE,
  "data.scale": RANGE,
  "data.batch_size": _at_least(1),
  "data.max_objects": _at_least(1),
  "data.min_area": _at_least(0),
  "data.pad_uid": _at_least(0),
  "data.color_jitter": SHARE,
  "data.beside": SHARE,
  "data.workers": _at_least(0),
  "model.heads": _some_of(HEADS),
  "model.pretrained_modules": _some_of(MODULES),
  "model.width": POSITIVE,
  "model.depth": POSITIVE,
  "model.fpn_channels": _at_least(1),
  "model.head_channels": _at_least(1),
  "model.box_hidden": _at_least(1),
  "model.mask_channels": _at_least(1),
  "model.anchor_scale": POSITIVE,
  "model.anchor_ratios": ALL_POSITIVE,
  "model.finest_scale": POSITIVE,
  "model.train_proposals": _at_least(1),
  "model.eval_proposals": _at_least(1),
  "model.dtype": _one_of("float32", "bfloat16"),
  "model.pixel_std": ALL_POSITIVE,
  "sampling.anchors": _at_least(1),
  "sampling.regions": _at_least(1),
  "detection.proposal_nms": SHARE,
  "detection.score_threshold": SHARE,
  "detection.nms_threshold": SHARE,
  "detection.max_detections": _at_least(1),
  "testing.scales": SCALES,
  **FACTORS,
  "optimizer.name": _one_of("sgd", "adamw"),
  "optimizer.momentum": SHARE,
  "optimizer.weight_decay": _at_least(0),
  "optimizer.clip_norm": POSITIVE,
  "phases.main.steps": _at_least(1),
  "phases.main.learning_rate": POSITIVE,
  "phases.frozen.steps": _at_least(0),
  "phases.frozen.learning_rate": POSITIVE,
  "train.log_every": _at_least(1),
  "train.checkpoint_every": _at_least(1),
  "train.keep": _at_least(1),
  "train.accumulate": _at_least(1),
  "train.ema_decay": DECAY,
  "train.evaluate_every": _at_least(0),
  "train.evaluate_images": _at_least(0),
  "train.patience": _at_least(0),
  "train.weights_dtype": _one_of("float32", "float16"),
}
ANY_LENGTH = ("drops", "scales", "heads", "anchor_ratios", "pretrained_modules")


def check(config: Mapping[str, Any], like: Mapping[str, Any], optional: Mapping[str, Any]) -> None:
  """Checks names, types and values of a config.

  A section that neither `like` nor `optional` has belongs to somebody else and is not looked at.

  Args:
    config: of a run, nested.
    like: a config that is right; `config` must have all its names.
    optional: further names that a config may have, nested, with values of the right types.

  Raises:
    ConfigError: a name is missing or unknown, or a value is not allowed; all are listed.
  """
  problems = list(_problems(config, like, optional, ""))
  if len(problems) == 1:
    raise ConfigError(f"config.{problems[0]}.")
  if problems:
    raise ConfigError("".join(f"\n  config.{problem}" for problem in problems))


def _problems(
  section: Mapping[str, Any], like: Mapping[str, Any], optional: Mapping[str, Any], prefix: str
) -> Iterator[str]:
  for key in like:
    if key not in section and key not in optional:
      yield f"{prefix}{key} is missing"
  for key, value in section.items():
    name = f"{prefix}{key}"
    known = like.get(key, optional.get(key))
    if isinstance(known, Mapping) and isinstance(value, Mapping):
      yield from _problems(value, known, optional.get(key, {}), f"{name}.")
    elif key not in like and key not in optional:
      if not isinstance(value, Mapping):
        yield f"{name} is unknown{_nearest(key, [*like, *optional])}"
    elif not _is_like(value, known, any_length=key in ANY_LENGTH):
      yield f"{name} is {value!r}; expected a value like {known!r}"
    elif name in RULES:
      allowed, text = RULES[name]
      if not allowed(value):
        yield f"{name} must be {text}; got {value!r}"


def _is_like(value: Any, known: Any, *, any_length: bool) -> bool:
  """Returns whether a value has the type of a known one; an integer may stand for a float."""
  if known is None:
    return True
  if isinstance(known, bool) or isinstance(value, bool):
    return isinstance(known, bool) and isinstance(value, bool)
  if isinstance(known, Integral):
    return isinstance(value, Integral)
  if isinstance(known, Real):
    return isinstance(value, Real)
  if isinstance(known, str):
    return isinstance(value, str | os.PathLike)
  if not isinstance(known, list | tuple) or not isinstance(value, list | tuple):
    return isinstance(value, type(known))
  same_length = any_length or len(value) == len(known)
  entry = known[0] if known else 0
  return same_length and all(_is_like(each, entry, any_length=False) for each in value)


def _nearest(key: str, names: list[str]) -> str:
  found = difflib.get_close_matches(key, names, n=1)
  return f"; did you mean {found[0]}?" if found else ""
