"""What `mkdocs` adds to the pages of this folder: the top pages of the repository, the help of the
commands, and the reference of the modules. `mkdocs.yml` names this file as a hook.

The sources of the modules are read, not run: `data/` gets a link with the name that it has when it
is installed.
"""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from jppf_jax.cli import help_text, main

ROOT = Path(__file__).parents[1]
TOP_PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md"}
TOP_PAGES["CHANGELOG.md"] = "changelog.md"
BUILDERS = {"jppf_jax_data": "data"}  # installed under another name
LEFT_OUT = ("cli", "weights")  # commands have their help; weights are no modules
_LINK = re.compile(r"(\]\()([^)#:\s]+)(#[^)\s]*)?(\))")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
  """Adds the modules to the navigation."""
  links = ROOT / "build/docs_sources"
  links.mkdir(parents=True, exist_ok=True)
  for name, folder in BUILDERS.items():
    link = links / name
    link.unlink(missing_ok=True)
    link.symlink_to(ROOT / folder)
  (section,) = [entry["Reference"] for entry in config.nav or [] if "Reference" in entry]
  section += [{room: f"reference/{room}.md"} for room in modules()]
  return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
  """Adds the pages that are made of something else, and the files that top pages link to."""
  for source, page in TOP_PAGES.items():
    text, linked = site_links((ROOT / source).read_text())
    files.append(File.generated(config, page, content=text))
    for name in linked:
      if files.get_file_from_path(name) is None:
        files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
  files.append(File.generated(config, "reference/commands.md", content=commands()))
  for room, names in modules().items():
    page = f"reference/{room}.md"
    files.append(File.generated(config, page, content=reference(room, names)))
  return files


def on_page_markdown(markdown: str, **_: object) -> str:
  """Returns a page whose links to the top pages lead to those of the site."""
  for source, page in TOP_PAGES.items():
    markdown = markdown.replace(f"](../{source}", f"]({page}")
  return markdown


def site_links(page: str) -> tuple[str, set[str]]:
  """Returns a top page with the links of the site, and the names of other files it links to."""
  linked = set()

  def moved(link: re.Match[str]) -> str:
    before, name, anchor, after = link.groups()
    in_site = TOP_PAGES.get(name, name.removeprefix("docs/"))
    if in_site == name:
      linked.add(name)
    return f"{before}{in_site}{anchor or ''}{after}"

  return _LINK.sub(moved, page), linked


def commands() -> str:
  """Returns the page of the commands: what `jppf VERB --help` prints."""
  parts = ["# Commands", f"```text\n{main.usage()}\n```"]
  for verb in main.VERBS:
    module = importlib.import_module(f"jppf_jax.cli.{verb.replace('-', '_')}")
    parts.append(f"## `jppf {verb}`\n\n```text\n{help_text.page(module)}\n```")
  return "\n\n".join(parts) + "\n"


def modules() -> dict[str, list[str]]:
  """Returns the modules of each page of the reference: the package, its rooms, the builders."""
  found = {"jppf_jax": ["jppf_jax"]}
  for path in sorted((ROOT / "jppf_jax").iterdir()):
    room = path.stem
    if path.suffix == ".py" and room != "__init__":
      found[room] = [f"jppf_jax.{room}"]
    elif (path / "__init__.py").is_file() and room not in LEFT_OUT:
      found[room] = list(_in_folder(path, f"jppf_jax.{room}"))
  for name, folder in BUILDERS.items():
    found[name] = list(_in_folder(ROOT / folder, name))
  return found


def _in_folder(folder: Path, dotted: str) -> Iterator[str]:
  """Yields the dotted names of a package and of the modules in it that have a text."""
  for path in sorted(folder.rglob("*.py")):
    names = path.relative_to(folder).with_suffix("").parts
    if names[-1] == "__init__":
      names = names[:-1]
    if path.read_text().strip():
      yield ".".join([dotted, *names])


def reference(page: str, names: list[str]) -> str:
  """Returns the page of some modules, in Markdown for mkdocstrings."""
  parts = [f"# `{page}`"]
  for name in names:
    is_package = name == "jppf_jax" or any(other.startswith(f"{name}.") for other in names)
    options = "\n    options:\n      members: false" if is_package else ""
    parts.append(f"::: {name}{options}")
  return "\n\n".join(parts) + "\n"
