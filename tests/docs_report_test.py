"""docs/report.md says what is so: its sections and flags exist, its files are written."""

import json
import re

from jppf_jax.cli import help_text, report
from jppf_jax.report import page
from jppf_jax.report.images import MOST_BYTES
from jppf_jax.report.record import SIDE
from jppf_jax.report.rows import VARIANTS
from tests import pages
from tests.report import small
from tests.report.costs_test import MEASURED

TEXT = (pages.ROOT / "docs/report.md").read_text()


def test_the_page_lists_the_sections_of_a_report(tmp_path):
  run = small.write(tmp_path / "run")
  (run / "benchmark.json").write_text(json.dumps(MEASURED))
  (file,) = run.rglob("scores.json")
  scores = json.loads(file.read_text())
  variants = {key: {"a variant": {"joint": scores["joint"]}} for key in VARIANTS}
  file.write_text(json.dumps(scores | variants))
  written = page.write(run).read_text()
  listed = re.findall(r"^\| (\w+) \|", TEXT, re.MULTILINE)[1:]
  (links,) = re.findall("<nav.*?</nav>", written)
  assert listed == re.findall(">(\\w+)</a>", links)


def test_its_commands_have_flags_that_exist_and_its_figures_are_those_of_the_code():
  block = TEXT.partition("```\n")[2].partition("```")[0]
  flags = set(re.findall(r"--(\w+)", block))
  assert flags and flags <= set(help_text.names(report.FLAGS))
  assert f"at most {SIDE} pixels" in TEXT
  assert f"shows {page.IMAGES} images and stays below 15 MB" in TEXT
  assert MOST_BYTES < 15e6
