"""docs/architecture.md says what is so: its paths and names exist, its table is the tested one."""

import importlib
import importlib.util
import re

import pytest

from tests import architecture_test, pages

PAGE = (pages.ROOT / "docs/architecture.md").read_text()
DIAGRAM = re.search(r"^```\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)[1]
PROSE = PAGE.replace(DIAGRAM, "").replace("```", "")
QUOTED = sorted(set(re.findall(r"`([^`\n]+)`", PROSE)))
PATHS = [name for name in QUOTED if "/" in name or name.endswith((".py", ".md"))]
DOTTED = [name for name in QUOTED if re.fullmatch(r"[a-z_]+(\.\w+)+", name)]
NAMES = [name for name in DOTTED if name not in PATHS]


@pytest.mark.parametrize("name", PATHS)
def test_every_path_exists(name):
  path = pages.ROOT / name
  assert path.is_dir() if name.endswith("/") else path.is_file()


@pytest.mark.parametrize("name", NAMES)
def test_every_name_exists(name):
  module, _, attribute = name.rpartition(".")
  room = importlib.import_module(f"jppf_jax.{module}")
  is_module = hasattr(room, "__path__") and importlib.util.find_spec(f"jppf_jax.{name}")
  assert is_module or hasattr(room, attribute)


def test_there_are_paths_and_names_to_check():
  assert len(PATHS) > 25
  assert len(NAMES) > 25


def test_the_table_is_the_one_that_the_imports_are_compared_with():
  assert table_of_imports() == architecture_test.ALLOWED


def table_of_imports() -> dict[str, set[str]]:
  """Reads who may import whom; "everything above" means the rows above."""
  table: dict[str, set[str]] = {}
  _, _, section = PAGE.partition("## Who may import whom")
  rows = re.findall(r"^\| (`.*?) \| (.*?) \|$", section.partition("\n## ")[0], re.MULTILINE)
  for who, whom in rows:
    allowed = set(re.findall(r"`(\w+)`", whom))
    if whom.startswith("everything above"):
      allowed = set(table) - allowed
    for room in re.findall(r"`(\w+)`", who):
      table[room] = allowed
  return table


def test_imports_lead_down_the_floors():
  floors = [line.split("   ")[0].split() for line in DIAGRAM.splitlines()]
  depth = {room: index for index, floor in enumerate(floors) for room in floor}
  assert set(depth) == set(architecture_test.ALLOWED)
  for room, allowed in architecture_test.ALLOWED.items():
    assert all(depth[other] > depth[room] for other in allowed), room
