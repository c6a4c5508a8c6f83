"""docs/install.md says what is so: locked versions, problems that `jppf doctor` names."""

import re
import runpy

import pytest
import setuptools
import yaml
from packaging.requirements import Requirement

from jppf_jax.cli import completion_words, diagnosis, health, quiet
from tests import pages
from tests.cli import diagnosis_test

TEXT = (pages.ROOT / "docs/install.md").read_text()
LOCKED = (pages.ROOT / "constraints.txt").read_text()
CI = (pages.ROOT / ".github/workflows/tests.yml").read_text()


def rows(heading: str) -> list[list[str]]:
  """The cells of the table whose first heading this is."""
  table = TEXT.partition(f"\n| {heading} |")[2].partition("\n\n")[0]
  return [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()[2:]]


def locked(name: str, python: str) -> str:
  """The version of a package that constraints.txt pins for a Python."""
  lines = re.findall(rf"^{name}==.*$", LOCKED, re.MULTILINE)
  environment = {"python_full_version": f"{python}.0"}
  pins = [Requirement(line) for line in lines]
  (pin,) = [pin for pin in pins if pin.marker is None or pin.marker.evaluate(environment)]
  return str(pin.specifier).removeprefix("==")


@pytest.mark.parametrize("row", rows("Python"), ids=lambda row: row[0])
def test_the_versions_that_were_tested_are_the_locked_ones(row):
  python, jax, flax, numpy, _ = row
  assert [jax, flax, numpy] == [locked(name, python) for name in ("jax", "flax", "numpy")]
  assert locked("jaxlib", python) == jax


def test_the_pythons_are_those_that_are_tested_on_each_push_and_that_the_package_names(
  monkeypatch,
):
  given = {}
  monkeypatch.setattr(setuptools, "setup", lambda **values: given.update(values))
  monkeypatch.chdir(pages.ROOT)
  runpy.run_path("setup.py")
  pythons = [row[0] for row in rows("Python")]
  assert yaml.safe_load(CI)["jobs"]["tests"]["strategy"]["matrix"]["python"] == pythons
  named = [name.rpartition(" ")[2] for name in given["classifiers"]]
  assert pythons == [name for name in named if re.fullmatch(r"3\.\d+", name)]


def test_the_problems_are_those_of_doctor():
  faults = (
    {"nvidia": ("a GPU",)},
    {"versions": {"jax": "2", "jaxlib": "1"}},
    {"broken": {"flax": "x"}},
    {"memory": (1, 1)},
    {"cache": health.Cache("/x", 0, False)},
    {"models": {}},
    {"failure": "x"},
  )
  listed = [row[0] for row in rows("it says")]
  assert len(listed) == len(faults)
  for words, changes in zip(listed, faults):
    (problem,) = diagnosis_test.problems(**changes)
    assert re.match(re.escape(words).replace(r"\.\.\.", ".*"), problem), words
  assert f"takes {diagnosis.LEAST_MEMORY / 1e9:.0f} GB" in TEXT


def test_shells_libraries_and_variables_are_those_of_the_code():
  assert [row[0] for row in rows("shell")] == list(completion_words.SHELLS)
  assert all(name in TEXT for name in (*health.VARIABLES, *quiet._LEVELS))
