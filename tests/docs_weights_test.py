"""docs/weights.md and docs/fidelity.md agree with the code."""

import re
from pathlib import Path

from jppf_jax.checkpoints.import_efficientnet import PACKAGED
from jppf_jax.cli import import_weights
from tests import pages

ROOT = Path(__file__).parents[1]


def test_the_example_prints_what_the_page_says():
  pages.run("docs/weights.md")


def test_the_page_names_all_sources_and_all_packaged_encoders():
  page = (ROOT / "docs/weights.md").read_text()
  for name in (*import_weights.SOURCES, *PACKAGED):
    assert f"`{name}`" in page


def test_the_page_lists_all_files_with_a_difference_in_a_docstring():
  page = (ROOT / "docs/fidelity.md").read_text()
  listed = set(re.findall(r"`([a-z_/0-9]+\.py)`", page))
  files = (ROOT / "jppf_jax").rglob("*.py")
  stated = [file for file in files if re.search(r"Differs\s+from", file.read_text())]
  names = {str(file.relative_to(ROOT / "jppf_jax")) for file in stated}
  assert names <= listed, names - listed
