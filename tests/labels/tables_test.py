from pathlib import Path

import numpy as np
import pytest

import jppf_jax
from jppf_jax.labels.registry import load_spec
from jppf_jax.labels.tables import part_colors


@pytest.mark.parametrize(
  "name, classes, things, parts, outputs",
  [
    ("cpp_grouped", 19, 8, 10, 10),
    ("cpp_default", 19, 8, 24, 24),
    ("cpp_grouped_sembg", 19, 8, 10, 23),
    ("ppp", 59, 20, 58, 58),
  ],
)
def test_sizes_of_the_published_taxonomies(name, classes, things, parts, outputs):
  spec = load_spec(name)
  assert (spec.num_classes, spec.num_things) == (classes, things)
  assert (spec.num_parts, spec.num_part_outputs) == (parts, outputs)


CLOTHING = Path(jppf_jax.__file__).parent / "weights/clothing/clothing_co_parsing.yaml"


@pytest.mark.parametrize("name", ["cpp_grouped", "cpp_default", "ppp", str(CLOTHING)])
def test_parts_of_the_shipped_taxonomies_have_the_colours_of_their_pictures(name):
  spec = load_spec(name)
  np.testing.assert_array_equal(spec.part_colors, part_colors(spec.num_parts))
  assert spec.part_colors[:3].tolist() == [[0, 0, 0], [86, 117, 191], [157, 242, 36]]


def test_the_first_background_is_output_0_and_further_ones_follow_the_parts():
  assert load_spec("cpp").background_outputs == (0,)
  assert load_spec("cpp_grouped_sembg").background_outputs == (0, *range(10, 23))
