"""The pages become a site without a warning, without a broken link, and without the network.

Skipped where the extra `docs` is not installed, as in the environment of `make test` alone.
"""

import html.parser
import os
import re
import subprocess
import sys
import urllib.parse
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest
from markdown_it import MarkdownIt

from tests import pages
from tests.report import browser

MISSING = [name for name in ("mkdocs", "material", "griffe") if find_spec(name) is None]
pytestmark = pytest.mark.skipif(
  bool(MISSING), reason="needs the extra `docs`: `make docs`, or pip install -e '.[docs]'"
)
SOURCES = {path.stem: path for path in sorted(pages.ROOT.glob("docs/*.md"))}
SOURCES |= {
  "index": pages.ROOT / "README.md",
  "contributing": pages.ROOT / "CONTRIBUTING.md",
  "changelog": pages.ROOT / "CHANGELOG.md",
}
LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}


class Page(html.parser.HTMLParser):
  """What a page of the site has: names to link to, links, what a browser loads, elements."""

  def __init__(self, path: Path) -> None:
    super().__init__()
    self.names: set[str] = set()
    self.links: list[str] = []
    self.loaded: list[str] = []
    self.counts: dict[str, int] = {}
    self._inside = False
    self.feed(path.read_text())

  def handle_starttag(self, tag, attrs):
    values = {name: value or "" for name, value in attrs}
    self.names |= {values[name] for name in ("id", "name") if name in values}
    if tag == "a" and "href" in values:
      self.links.append(values["href"])
    if tag in LOADED and LOADED[tag] in values:
      self.loaded.append(values[LOADED[tag]])
    self._inside |= tag == "article"
    if self._inside:
      self.counts[tag] = self.counts.get(tag, 0) + 1

  def handle_endtag(self, tag):
    self._inside &= tag != "article"


class Site(NamedTuple):
  """A site that was built, and its pages by their paths in it."""

  root: Path
  pages: dict[str, Page]
  said: str


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Site:
  root = tmp_path_factory.mktemp("site")
  command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(root)]
  environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
  done = subprocess.run(command, cwd=pages.ROOT, capture_output=True, text=True, env=environment)
  assert done.returncode == 0, done.stderr
  found = {str(path.relative_to(root)): Page(path) for path in root.rglob("*.html")}
  return Site(root, found, done.stdout + done.stderr)


def test_the_site_is_built_without_a_warning(site):
  assert not re.findall("WARNING|ERROR", site.said), site.said


def test_every_page_and_every_room_is_in_the_site_and_in_its_navigation(site):
  wanted = {f"{name}.html" for name in SOURCES}
  wanted |= {f"reference/{room}.html" for room in pages.rooms() - {"cli"}}
  wanted |= {"reference/commands.html", "reference/jppf_jax.html", "reference/jppf_jax_data.html"}
  assert set(site.pages) == wanted | {"404.html"}
  assert wanted <= set(site.pages["index.html"].links) | {"index.html"}


def test_a_browser_loads_nothing_from_the_network(site):
  loaded = [url for page in site.pages.values() for url in page.loaded]
  assert len(loaded) > 5 * len(site.pages)
  assert {url for url in loaded if re.match(r"(https?:)?//", url)} == set()
  for style in site.root.rglob("*.css"):
    urls = re.findall(r"(?:url\(|@import )[\"']?([^)\"';]+)", style.read_text())
    assert [url for url in urls if re.match(r"(https?:)?//", url)] == [], style


def test_what_a_page_loads_and_links_to_exists(site):
  broken = [
    (name, url)
    for name, page in site.pages.items()
    if name != "404.html"  # a server shows it at any address, so its paths are absolute
    for url in page.loaded + page.links
    if not leads_on(site, name, url)
  ]
  assert broken == []


def leads_on(site: Site, name: str, url: str) -> bool:
  """Whether a link of a page leads to a file of the site and a name in it, or out of the site."""
  if url.startswith("https:"):
    return True
  path, anchor = urllib.parse.urldefrag(urllib.parse.unquote(url))
  target = os.path.normpath(Path(name).parent / path) if path not in ("", ".") else name
  if target not in site.pages:
    return (site.root / target).is_file()
  return not anchor or anchor in site.pages[target].names


@pytest.mark.parametrize("name", SOURCES)
def test_a_page_has_the_elements_that_a_code_host_shows(site, name):
  rendered = MarkdownIt().enable("table").parse(SOURCES[name].read_text())
  for element, token in {
    "table": "table_open",
    "li": "list_item_open",
    "pre": "fence",
    "h2": "heading_open",
  }.items():
    shown = [each for each in rendered if each.type == token and each.tag in ("", "code", element)]
    assert site.pages[f"{name}.html"].counts.get(element, 0) == len(shown), element


def test_the_reference_shows_signatures_parameters_and_what_is_raised(site):
  text = re.sub("<[^>]+>", "", (site.root / "reference/ops.html").read_text())
  assert "threshold: float" in text
  assert "intersection over union, 0..1." in text
  assert "impl is unknown." in text


def test_the_page_of_commands_shows_the_help_of_each(site):
  text = (site.root / "reference/commands.html").read_text()
  assert "--config.PATH" in text and "usage: jppf import-weights" in text


def test_the_search_has_an_index_and_a_worker_that_need_no_server(site):
  index = (site.root / "search/search_index.js").read_text()
  assert index.startswith("var __index = ")
  assert "Greedy non-maximum suppression" in index
  assert "iframe-worker.js" in " ".join(site.pages["index.html"].loaded)


@browser.needed
@pytest.mark.parametrize("page", ["index.html", "reference/fusion.html"])
def test_a_browser_finds_a_word_from_disk(site, page):
  opened = browser.Browser()
  try:
    opened.open(site.root / page)
    opened.run("document.querySelector('#__search').click()")
    opened.until(
      "(() => { const field = document.querySelector('input[name=query]');"
      "field.value = 'suppression'; field.dispatchEvent(new Event('keyup'));"
      "return document.querySelector('.md-search-result__item'); })()"
    )
    found = opened.run("document.querySelector('.md-search-result__list').textContent")
    assert "Detection geometry in JAX" in found
    assert opened.problems == []
  finally:
    opened.close()
