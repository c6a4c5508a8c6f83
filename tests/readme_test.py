"""The top pages (README, CONTRIBUTING, CHANGELOG) say what is so: examples run, links lead on."""

import re

import pytest
import yaml

import jppf_jax
from jppf_jax.cli import main
from tests import pages

README = (pages.ROOT / "README.md").read_text()
TOP_PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/architecture.md")


def test_the_example_gives_parts_at_the_size_of_the_image_and_a_picture():
  names = pages.run("README.md")
  image, parts, picture = names["image"], names["parts"], names["picture"]
  assert parts.semantic.shape == parts.instance.shape == parts.part.shape == image.shape[:2]
  assert parts.instance.max() > 0  # the shipped weights find objects in a generated scene
  assert picture.dtype == "uint8" and picture.ndim == 3


def test_the_table_of_commands_lists_exactly_the_verbs():
  (table,) = re.findall(r"^\| command \|.*?\n\n", README, re.DOTALL | re.MULTILINE)
  assert set(re.findall(r"`jppf (\S+)", table)) == set(main.VERBS) - {"demo"}


def test_the_map_names_every_room_and_only_what_exists():
  (table,) = re.findall(r"^\| where \|.*?\n\n", README, re.DOTALL | re.MULTILINE)
  cells = [row.split("|")[1] for row in table.splitlines()[2:-1]]
  names = [name.removeprefix("jppf_jax/") for cell in cells for name in re.findall("`(.*?)`", cell)]
  package = pages.ROOT / "jppf_jax"
  rooms = {path.name for path in package.glob("[a-z]*") if path.suffix == ".py"}
  rooms |= {path.parent.name for path in package.glob("*/__init__.py")}
  assert rooms <= {name.rstrip("/") for name in names}
  for name in names:
    assert (package / name).exists() or (pages.ROOT / name).exists(), name


@pytest.mark.parametrize("page", ("README.md", "CONTRIBUTING.md"))
def test_make_targets_and_configs_exist(page):
  text, makefile = (pages.ROOT / page).read_text(), (pages.ROOT / "Makefile").read_text()
  for target in re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE):
    assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
  for config in re.findall(r"configs/[a-z_]+\.py", text):
    assert (pages.ROOT / config).is_file(), config


def test_make_alone_describes_every_target():
  makefile = (pages.ROOT / "Makefile").read_text()
  targets = set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split())
  assert targets - {"help"} == set(re.findall(r"@echo 'make (\w+) ", makefile))
  assert re.search(r"^(\w+):", makefile, re.MULTILINE)[1] == "help"


@pytest.mark.parametrize("page", TOP_PAGES)
def test_every_link_leads_to_a_file_and_a_heading(page):
  folder = (pages.ROOT / page).parent
  for link in re.findall(r"\]\(([^)]+)\)", (pages.ROOT / page).read_text()):
    if link.startswith("http"):
      continue
    name, _, anchor = link.partition("#")
    assert (folder / name).exists(), link
    if anchor:
      assert anchor in anchors((folder / name).read_text()), link


def anchors(page: str) -> set[str]:
  """The names that hosts give to headings: small letters, hyphens for spaces, no punctuation."""
  headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
  return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_changelog_maps_paths_that_are_gone_to_paths_that_exist():
  page = (pages.ROOT / "CHANGELOG.md").read_text()
  moves = re.findall(r"^\| `(\S+)` \| `(\S+)` \|$", page, re.MULTILINE)
  assert moves
  for old, new in moves:
    assert not exists(old) and exists(new), (old, new)


def exists(dotted: str) -> bool:
  """Whether the package has this module, or a module that defines this name."""
  path = pages.ROOT.joinpath("jppf_jax", *dotted.split("."))
  if (path / "__init__.py").is_file() or path.with_suffix(".py").is_file():
    return True
  module = path.parent.with_suffix(".py")
  return module.is_file() and f"\ndef {path.name}(" in module.read_text()


def test_the_newest_release_of_the_changelog_and_the_citation_is_this_version():
  page = (pages.ROOT / "CHANGELOG.md").read_text()
  newest = re.search(r"^## \[(.+?)\]", page, re.MULTILINE)[1]
  citation = yaml.safe_load((pages.ROOT / "CITATION.cff").read_text())
  assert newest == citation["version"] == jppf_jax.__version__
