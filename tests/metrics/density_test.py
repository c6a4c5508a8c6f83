import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.ppp import ppp
from jppf_jax.metrics.cells import count_cells
from jppf_jax.metrics.density import Density
from tests.oracles import random_labels


def test_a_pixel_is_complete_with_a_class_and_its_part():
  road, bicycle = (7, 0, 1), (33, 1, 255)  # no parts
  torso, unknown, background = (24, 1, 1), (24, 1, 255), (24, 1, 0)  # person
  void, caravan, nothing = (255, 0, 0), (29, 0, 1), (255, 255, 255)  # not evaluated
  pixels = [road, torso, unknown, background, bicycle, void, caravan, nothing]
  state = Density()
  state.add(cpp(), np.array([pixels], np.uint8))
  assert state.results() == {"full": 3 / 8, "scene_only": 5 / 8, "pixels": 8}


def test_a_ppp_class_with_one_part_needs_no_part():
  state = Density()
  state.add(ppp(), np.array([[(19, 1, 255), (15, 1, 255)]], np.uint8))
  assert state.results() == {"full": 0.5, "scene_only": 1, "pixels": 2}


def test_without_pixels_there_is_no_density():
  assert Density().results() == {"full": None, "scene_only": None, "pixels": 0}


@given(seed=st.integers(0, 2**20))
def test_adding_cells_or_merging_equals_adding_pixels(seed):
  uids, prediction = random_labels.random_pair(cpp(), np.random.default_rng(seed))
  by_pixel, by_cell, left, right = Density(), Density(), Density(), Density()
  by_pixel.add(cpp(), prediction)
  cells = count_cells(cpp(), uids, prediction)
  by_cell.add_cells(cpp(), cells)
  left.add(cpp(), prediction[:, :5])
  right.add(cpp(), prediction[:, 5:])
  left.merge(right)
  assert by_pixel == by_cell == left


def test_scene_ids_that_the_dataset_does_not_have_are_refused():
  with pytest.raises(ValueError, match="1 pixels carry scene ids .* does not have: 77"):
    Density().add(cpp(), np.array([[(7, 0, 1), (77, 0, 1)]], np.uint8))
