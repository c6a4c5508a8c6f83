"""Settings of all tests of the fusion."""

import pytest

from jppf_jax.fusion import tiles


@pytest.fixture(scope="module", autouse=True)
def tiles_smaller_than_the_image():
  before = tiles.CPU_TILE
  tiles.CPU_TILE = (8, 16)
  yield
  tiles.CPU_TILE = before
