import json
import re
from html.parser import HTMLParser

import pytest

from jppf_jax.report import page
from tests.report import small


class Elements(HTMLParser):
  """The elements of a page: name, attributes and text."""

  def __init__(self, text):
    super().__init__()
    self.found = []
    self.feed(text)

  def handle_starttag(self, name, attributes):
    self.found.append((name, dict(attributes), []))

  def handle_data(self, text):
    if self.found:
      self.found[-1][2].append(text)

  def named(self, wanted):
    return [(attributes, "".join(text)) for name, attributes, text in self.found if name == wanted]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
  return small.write(tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def text(run, tmp_path_factory):
  return page.write(run, tmp_path_factory.mktemp("pages") / "page.html").read_text()


def test_the_page_lies_beside_the_scores_or_where_it_is_told(run, tmp_path):
  assert page.write(run) == run / "evaluation" / "validation" / "report.html"
  assert page.write(run, tmp_path / "a" / "b.html", count=1).is_file()


def test_nothing_is_loaded_from_elsewhere_and_every_section_is_linked(run, text, tmp_path):
  assert not re.search(r"https?://|@import|src=|url\(", text)
  found = Elements(text)
  assert not found.named("link")
  sections = {attributes["id"] for attributes, _ in found.named("section")}
  links = {attributes["href"] for attributes, _ in found.named("a")}
  assert links == {f"#{name}" for name in sections}
  assert sections == {"scores", "images", "classes", "parts", "confusion", "training"}
  compared = Elements(page.write(run, tmp_path / "b.html", compare=run).read_text())
  assert "compared" in {attributes["id"] for attributes, _ in compared.named("section")}


def test_a_class_that_looks_like_html_is_text(text):
  scripts = Elements(text).named("script")
  assert small.EVIL not in text
  assert not [text for _, text in scripts if text.startswith("alert")]
  (content,) = [text for attributes, text in scripts if attributes.get("id") == "report-data"]
  names = [entry["name"] for entry in json.loads(content)["spec"]["classes"]]
  assert small.EVIL in names


def test_charts_have_labels_and_multi_scale_testing_is_told(text):
  drawings = Elements(text).named("svg")
  assert len(drawings) > 10
  assert all(attributes["role"] == "img" and attributes["aria-label"] for attributes, _ in drawings)
  assert "scenes · own · 3 images · 3 shown · scales 0.75, 1.0, mirrored too" in text
  assert "<p>The scores come from 3 images; with others they can be very different.</p>" in text


def test_a_page_says_nothing_of_the_folders_of_the_machine(tmp_path):
  run = small.write(tmp_path / "run", {"worst": {}})
  builder = tmp_path / "secret" / "deep" / "own_dataset_builder.py"
  config = {"data": {"name": str(builder), "labels": "own.yaml"}}
  config["model"] = {"pretrained": str(tmp_path / "secret" / "deep" / "model.safetensors")}
  (run / "config.json").write_text(json.dumps(config))
  written = page.write(run).read_text()
  assert "<p>own · 1 image · 1 shown" in written  # the dataset and its labels have one name
  assert "<dt>dataset</dt><dd>own</dd>" in written
  assert "<dt>began with</dt><dd>deep/model.safetensors</dd>" in written
  assert str(tmp_path) not in written and "secret" not in written


def luminance(color):
  """As WCAG 2 defines it."""
  channels = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
  linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_has_enough_contrast_in_light_and_dark():
  style = (page._ASSETS / "page.css").read_text()
  schemes = [
    dict(re.findall(r"--([\w-]+): (#\w{6})", block))
    for block in re.findall(r":root {(.*?)}", style, re.DOTALL)
  ]
  assert len(schemes) == 2
  for colors in schemes:
    pairs = [
      (ink, ground)
      for ink in ("ink", "muted", "accent", "good", "bad")
      for ground in ("ground", "raised")
    ]
    for ink, ground in [*pairs, ("on-accent", "accent")]:
      low, high = sorted((luminance(colors[ink]), luminance(colors[ground])))
      assert (high + 0.05) / (low + 0.05) >= 4.5, (ink, ground)


def test_a_page_without_images_has_a_sentence_in_the_place_of_the_gallery(run, tmp_path):
  other = small.write(tmp_path / "other")
  text = page.write(run, tmp_path / "a.html", count=0, compare=other).read_text()
  assert "<p>This page shows no images: --images=0.</p>" in text
  assert 'id="gallery"' not in text and "<button" in text
  assert "data-image=" not in text  # names would lead nowhere
  for record in (other / "evaluation").rglob("*.npz"):
    record.unlink()
  text = page.write(other, tmp_path / "b.html").read_text()
  assert "no images: their records are not beside the scores" in text
  text = page.write(run, tmp_path / "c.html", count=1, compare=other).read_text()
  assert text.count('data-image="') == 1


def test_images_without_photos_make_a_page_too(tmp_path):
  run = small.write(tmp_path / "run", photos=False)
  text = page.write(run).read_text()
  assert '"photo":null' in text


def test_the_files_of_the_page_are_installed_with_the_package():
  setup = (page._ASSETS.parents[2] / "setup.py").read_text()
  assert '"report/assets/*"' in setup
  assert {"page.css", *page._SCRIPTS} == {path.name for path in page._ASSETS.iterdir()}
