"""Readings that do not exist are refused."""

import dataclasses

import jax.numpy as jnp
import pytest

from jppf_jax.fusion.config import BEST, PAPER
from jppf_jax_configs import clothing


@pytest.mark.parametrize(
  "field, value",
  [
    ("outside_value", 1.0),
    ("score_threshold", 50.0),
    ("overlap_threshold", -0.5),
    ("min_stuff_relative", 2048.0),
    ("min_stuff_area", -1),
    ("min_thing_area", -5),
    ("instance_logit_scale", float("nan")),
  ],
)
def test_an_impossible_value_is_refused_by_name(field, value):
  with pytest.raises(ValueError, match=rf"{field} is .*, expected"):
    dataclasses.replace(PAPER, **{field: value})


def test_areas_may_be_0():
  config = dataclasses.replace(PAPER, min_stuff_area=0, min_thing_area=0)
  assert config.min_stuff((1024, 2048)) == 0


def test_areas_are_those_of_the_network_and_shares_those_of_the_result():
  zoom = jnp.float32([2, 1.5])
  assert PAPER.min_stuff((1024, 2048), zoom) == 2048 * 3
  assert dataclasses.replace(PAPER, min_stuff_relative=0.01).min_stuff((15, 30), zoom) == 5


def test_the_least_stuff_is_an_area_or_a_share_of_the_image_rounded_up():
  assert PAPER.min_stuff((1024, 2048)) == 2048
  assert dataclasses.replace(PAPER, min_stuff_relative=0.01).min_stuff((15, 30)) == 5


def test_the_shipped_model_goes_further_in_what_the_best_setting_changes():
  fusion = dataclasses.replace(PAPER, **clothing.get_config().fusion)
  best = {field for field, value in vars(BEST).items() if value != getattr(PAPER, field)}
  own = {field for field, value in vars(fusion).items() if value != getattr(PAPER, field)}
  assert own == best | {"min_stuff_area", "score_threshold"}
  assert fusion.score_threshold > 0.77  # that of a palace, see docs/results.md
  for field in best:
    assert getattr(fusion, field) > getattr(BEST, field) > getattr(PAPER, field)
