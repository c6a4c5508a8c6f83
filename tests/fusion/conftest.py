"""Settings of all tests of the fusion."""

import pytest

from jppf_jax.fusion import instances


@pytest.fixture(scope="module", autouse=True)
def windows_smaller_than_the_image():
  before = instances._CPU_WINDOW
  instances._CPU_WINDOW = (8, 16)
  yield
  instances._CPU_WINDOW = before
