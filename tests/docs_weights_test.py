"""docs/weights.md and docs/fidelity.md say what is so."""

import re
from pathlib import Path

from absl import flags

from jppf_jax.checkpoints.import_efficientnet import PACKAGED
from jppf_jax.cli import import_weights
from tests import pages

ROOT = Path(__file__).parents[1]


def test_the_example_prints_what_the_page_says():
  pages.run("docs/weights.md")


def test_every_source_and_every_packaged_encoder_is_named():
  page = (ROOT / "docs/weights.md").read_text()
  for name in (*flags.FLAGS[import_weights._FROM.name].parser.enum_values, *PACKAGED):
    assert f"`{name}`" in page


def test_every_difference_that_a_docstring_states_is_on_the_page():
  page = (ROOT / "docs/fidelity.md").read_text()
  stated = {
    str(path.relative_to(ROOT / "jppf_jax"))
    for path in (ROOT / "jppf_jax").rglob("*.py")
    if re.search(r"Differs\s+from", path.read_text())
  }
  listed = set(re.findall(r"`([a-z_/0-9]+\.py)`", page))
  assert stated <= listed, stated - listed
