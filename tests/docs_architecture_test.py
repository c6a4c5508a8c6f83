"""docs/architecture.md says what is so: its paths and names exist, its table is the tested one."""

import importlib
import re

import pytest

from tests import architecture_test, pages

PAGE = (pages.ROOT / "docs/architecture.md").read_text()
QUOTED = sorted(set(re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL))))
PATHS = [name for name in QUOTED if "/" in name or name.endswith((".py", ".md"))]
NAMES = [name for name in QUOTED if re.fullmatch(r"[a-z_]+(\.\w+)+", name) and name not in PATHS]


@pytest.mark.parametrize("name", PATHS)
def test_every_path_exists(name):
  path = pages.ROOT / name
  assert path.is_dir() if name.endswith("/") else path.is_file()


@pytest.mark.parametrize("name", NAMES)
def test_every_name_exists(name):
  module, _, attribute = name.rpartition(".")
  assert hasattr(importlib.import_module(f"jppf_jax.{module}"), attribute)


def test_there_are_paths_and_names_to_check():
  assert len(PATHS) > 25 and len(NAMES) > 25


def test_the_table_is_the_one_that_the_imports_are_compared_with():
  assert table_of_imports() == architecture_test.ALLOWED


def table_of_imports() -> dict[str, set[str]]:
  """Reads who may import whom; "everything above" means the rows above."""
  table: dict[str, set[str]] = {}
  section = PAGE[PAGE.index("## Who may import whom") : PAGE.index("## A training image")]
  for who, whom in re.findall(r"^\| (`.*?) \| (.*?) \|$", section, re.MULTILINE):
    named = set(re.findall(r"`(\w+)`", whom))
    allowed = set(table) - named if whom.startswith("everything above") else named
    table |= dict.fromkeys(re.findall(r"`(\w+)`", who), allowed)
  return table


def test_imports_lead_down_the_floors():
  (diagram,) = re.findall(r"^```\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
  floors = [line.split("   ")[0].split() for line in diagram.splitlines()]
  height = {room: -index for index, floor in enumerate(floors) for room in floor}
  assert set(height) == set(architecture_test.ALLOWED)
  for room, allowed in architecture_test.ALLOWED.items():
    assert all(height[other] < height[room] for other in allowed), room
