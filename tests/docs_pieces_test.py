"""Runs docs/pieces.md from top to bottom, and compares its table with what can be imported."""

import importlib
import re

import jax
import pytest

from tests import pages
from tests.package_test import ROOMS

PAGE = (pages.ROOT / "docs/pieces.md").read_text()


@pytest.fixture
def quick_compiler():
  """Programs that run once compile in a third of the time without XLA's optimizations."""
  jax.config.update("jax_disable_most_optimizations", True)
  yield
  jax.config.update("jax_disable_most_optimizations", False)


@pytest.mark.usefixtures("quick_compiler")
def test_every_example_prints_what_the_page_says():
  pages.run("docs/pieces.md")


def test_the_table_names_what_can_be_imported_and_all_that_rooms_show():
  rows = re.findall(r"^\| [^|]+ \| (`jppf_jax.*) \|$", PAGE, re.MULTILINE)
  named = {}
  for row in rows:
    for room, names in re.findall(r"`(jppf_jax[.\w]*)`(?:: ((?:`\w+`(?:, )?)+))?", row):
      named[room] = named.get(room, set()) | set(re.findall(r"\w+", names))
  for room, names in named.items():
    module = importlib.import_module(room)
    assert all(hasattr(module, name) for name in names), room
  for room in set(ROOMS) - {"losses", "metrics", "ops"}:  # these have pages of their own, or parts
    assert named[f"jppf_jax.{room}"] == set(importlib.import_module(f"jppf_jax.{room}").__all__)
