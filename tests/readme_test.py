"""The top pages (README, CONTRIBUTING, CHANGELOG) say what is so: examples run, links lead on."""

import re

import pytest
import skimage.data
import yaml
from PIL import Image

import jppf_jax
from jppf_jax.cli import main
from tests import pages

README, CONTRIBUTING, CHANGELOG, CITATION, MAKEFILE = (
  (pages.ROOT / name).read_text()
  for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "CITATION.cff", "Makefile")
)
LINKED = (
  *("README.md", "CONTRIBUTING.md", "CHANGELOG.md"),
  *(f"docs/{path.name}" for path in sorted(pages.ROOT.glob("docs/*.md"))),
)


def test_the_example_gives_parts_at_the_size_of_the_photo_and_files(tmp_path, monkeypatch):
  photo = Image.fromarray(skimage.data.astronaut()).crop((0, 0, 480, 512))
  photo.save(tmp_path / "photo.jpg", quality=95)
  monkeypatch.chdir(tmp_path)
  parts = pages.run("README.md")["parts"]
  assert parts.semantic.shape == parts.instance.shape == parts.part.shape == (512, 480)
  (person,) = [segment for segment in parts.segments if segment["is_thing"]]
  assert {"person-hair_and_hat", "person-skin"} <= set(person["parts"])
  face = parts.mask(person)[100:180, 190:250]
  assert face.mean() > 0.9
  assert (tmp_path / "predictions" / "photo.png").is_file()


def first_column(page: str, heading: str) -> list[str]:
  """What the first column of the page's table below `heading` has in backticks."""
  _, _, after = page.partition(f"\n| {heading} |")
  table, _, _ = after.partition("\n\n")
  _, _, *rows = table.splitlines()
  cells = [row.split("|")[1] for row in rows]
  return re.findall("`(.*?)`", " ".join(cells))


def test_the_table_of_commands_lists_exactly_the_verbs():
  verbs = {command.split()[1] for command in first_column(README, "command")}
  assert verbs | {"demo"} == set(main.VERBS)


def test_the_map_of_the_architecture_names_every_room_and_only_what_exists():
  page = (pages.ROOT / "docs/architecture.md").read_text()
  names = [name.removeprefix("jppf_jax/") for name in first_column(page, "where")]
  stems = {name.rstrip("/").removesuffix(".py") for name in names}
  assert pages.rooms() <= stems
  for name in names:
    below_package, below_root = pages.ROOT / "jppf_jax" / name, pages.ROOT / name
    assert below_package.exists() or below_root.exists(), name


@pytest.mark.parametrize("page", (README, CONTRIBUTING), ids=("README", "CONTRIBUTING"))
def test_make_targets_and_configs_exist(page):
  targets = re.findall(r"(?:^|`)make ([a-z]+)", page, re.MULTILINE)
  for target in targets:
    assert f"\n{target}:" in MAKEFILE
  configs = re.findall(r"configs/[a-z_]+\.py", page)
  for config in configs:
    assert (pages.ROOT / config).is_file(), config


def test_make_alone_describes_every_target():
  phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[1]
  described = re.findall(r"@echo 'make (\w+) ", MAKEFILE)
  assert phony.split() == ["help", *described]
  first_target = re.search(r"^(\w+):", MAKEFILE, re.MULTILINE)[1]
  assert first_target == "help"


@pytest.mark.parametrize("page", LINKED)
def test_every_link_leads_to_a_file_and_a_heading(page):
  path = pages.ROOT / page
  links = re.findall(r"\]\(([^)]+)\)", path.read_text())
  for link in links:
    name, _, anchor = link.partition("#")
    if name.startswith("https:"):
      continue
    target = path.parent / name if name else path
    assert target.exists(), link
    if anchor:
      assert anchor in anchors(target.read_text()), link


def anchors(page: str) -> set[str]:
  """The names that hosts give to headings: small letters, hyphens for spaces, no punctuation."""
  headings = re.findall(r"^#+ (.+)$", page.lower(), re.MULTILINE)
  plain = [re.sub(r"[^\w\- ]", "", heading) for heading in headings]
  return {heading.replace(" ", "-") for heading in plain}


def test_the_changelog_maps_paths_that_are_gone_to_paths_that_exist():
  moves = re.findall(r"^\| `(\S+)` \| `(\S+)` \|$", CHANGELOG, re.MULTILINE)
  assert moves
  for old, new in moves:
    assert not exists(old), old
    assert exists(new), new


def exists(dotted: str) -> bool:
  """Whether the package has this package or module, or a module that defines this name."""
  *folders, last = dotted.split(".")
  parent = pages.ROOT.joinpath("jppf_jax", *folders)
  if (parent / last / "__init__.py").is_file() or (parent / f"{last}.py").is_file():
    return True
  module = parent.with_suffix(".py")
  definition = rf"^(?:def|class) {last}\b"
  return module.is_file() and bool(re.search(definition, module.read_text(), re.MULTILINE))


def test_the_newest_release_of_the_changelog_and_the_citation_is_this_version():
  newest = re.search(r"^## \[(.+?)\]", CHANGELOG, re.MULTILINE)[1]
  cited = yaml.safe_load(CITATION)["version"]
  assert newest == cited == jppf_jax.__version__
