"""Configs that are changes of another one: its other networks, other ways of testing."""

import json
from pathlib import Path

import ml_collections

from jppf_jax.build.defaults import Config
from jppf_jax.build.stored import RUN_WEIGHTS
from jppf_jax.build.training_setup import optimization
from jppf_jax.checkpoints.weights import read_about


def network_config(
  config: Config,
  *,
  heads: tuple[str, ...],
  labels: str = "",
  seed: int | None = None,
  pretrained: bool = True,
) -> Config:
  """Returns the config of another network on the same data.

  Args:
    config: of a network.
    heads: of the other one.
    labels: its taxonomy; "" for that of `config`.
    seed: of everything random; None for that of `config`.
    pretrained: it starts from the weights that `config` names; False: from random ones.
  """
  changed = _unlocked(config)
  changed.model.heads = heads
  if labels:
    changed.data.labels = labels
  if seed is not None:
    changed.seed = seed
  if not pretrained:
    changed.model.update(pretrained="", imagenet="")
  return changed.lock()


def testing_config(
  config: Config, *, scales: tuple[float, ...], flip: bool, fill_void: bool
) -> Config:
  """Returns the config of another way of testing.

  Args:
    config: of a run.
    scales: factors of its working size.
    flip: each scale is seen mirrored too.
    fill_void: void regions are filled after fusion.
  """
  changed = _unlocked(config)
  changed.testing.update(scales=scales, flip=flip)
  changed.fusion.fill_void = fill_void
  return changed.lock()


def is_trained(config: Config, workdir: Path) -> bool:
  """Returns whether the run in a folder has weights of the last step of a config."""
  weights = workdir / RUN_WEIGHTS
  if not weights.exists():
    return False
  phases, _, _ = optimization(config)
  return read_about(weights).get("steps", 0) >= sum(phase.steps for phase in phases)


def encoder_and_size(config: Config) -> tuple[str, tuple[int, int]]:
  """Returns the variant of the encoder, and the working size filled up to multiples of 32."""
  height, width = config.data.eval_size
  return config.model.encoder, (height + -height % 32, width + -width % 32)


def same_config(config: Config, text: str) -> bool:
  """Returns whether `as_text` of a config gave the text, but for the folders of its data."""
  try:
    stored = json.loads(text)
  except ValueError:  # a damaged file
    return False
  ours = json.loads(as_text(config))
  for values in (ours, stored):
    for name in ("data_dir", "manual_dir"):
      values.get("data", {}).pop(name, None)
  return ours == stored


def as_text(config: Config) -> str:
  """Returns all values as JSON."""
  return json.dumps(json.loads(config.to_json_best_effort()), indent=1)


def _unlocked(config: Config) -> ml_collections.ConfigDict:
  return config.copy_and_resolve_references().unlock()
