"""Whatever a text holds, it is written in letters that its font has."""

import dataclasses

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from jppf_jax import lettering
from jppf_jax.conversion import compose, report
from jppf_jax.labels.cpp import cpp
from jppf_jax.visualization import chart, instances, sheet

NAME = "Fußgänger"


@pytest.fixture
def no_fonts(monkeypatch):
  """A machine without fonts."""
  monkeypatch.setattr(lettering, "FONTS", ())


@pytest.fixture
def fonts(monkeypatch):
  """A machine with three fonts that look like Pillow's; one cannot shorten, one has a letter more.

  None has a space.
  """
  letters = {"uncut": "abüß", "small": "ab…ü", "large": "ab…üß", "not there": "ab…üß歩"}
  found = {"": ImageFont.load_default(20), "small": ImageFont.load_default(21)}
  found |= {"large": ImageFont.load_default(22), "uncut": ImageFont.load_default(23)}
  monkeypatch.setattr(lettering, "FONTS", ("not there", "uncut", "small", "large"))
  monkeypatch.setattr(lettering, "_font", lambda name, size: found.get(name))
  monkeypatch.setattr(lettering, "_has", lambda name, letter: letter in letters.get(name, "ab…?us"))
  return found


def picture(line):
  canvas = Image.new("L", (400, 40))
  line.write(ImageDraw.Draw(canvas), (5, 5), fill=255)
  return np.asarray(canvas)


@pytest.mark.parametrize("text", ["road", "a_b-c/d (x3)", "person 3 · 95%", "a long na…", ""])
def test_text_that_pillows_typeface_has_is_drawn_in_it(text):
  line = lettering.line(text, 20)
  plain = Image.new("L", (400, 40))
  ImageDraw.Draw(plain).text((5, 5), text, fill=255, font=ImageFont.load_default(20))
  np.testing.assert_array_equal(picture(line), np.asarray(plain))
  assert line.length == ImageFont.load_default(20).getlength(text)


@pytest.mark.usefixtures("no_fonts")
@pytest.mark.parametrize(
  "text, expected",
  [
    (NAME, "Fussganger"),
    ("grün straße", "grun strasse"),
    ("pie\u0301ton", "pieton"),
    ("Łódź · 95%", "Lodz · 95%"),
    ("歩行者 1", "??? 1"),
    ("한", "?"),
    ("bell\x07", "bell?"),
  ],
)
def test_without_a_font_letters_lose_their_accents_or_become_question_marks(text, expected):
  line = lettering.line(text, 20)
  assert line.text == expected
  np.testing.assert_array_equal(picture(line), picture(lettering.line(expected, 20)))


@pytest.mark.parametrize(
  "text, name, shown",
  [
    ("ab", "", "ab"),
    ("aü", "small", "aü"),
    ("aß", "large", "aß"),
    ("歩ü", "", "?u"),
    ("a b", "", "a b"),
    ("a ü", "small", "a ü"),
    ("u\u0308", "small", "ü"),
  ],
)
def test_the_first_font_that_has_all_letters_is_taken(fonts, text, name, shown):
  line = lettering.line(text, 20)
  own = ImageFont.load_default(20)
  size = fonts[name].size if name else own.size
  assert (line.text, line.font.size) == (shown, size)


def test_letters_are_looked_for_in_the_picture_of_the_font_itself():
  assert lettering._has("", "a") and lettering._has("", "…")
  assert not lettering._has("", "ü") and not lettering._has("", "歩")


def test_a_font_of_the_machine_draws_each_letter():
  line = lettering.line(NAME, 20)
  if line.text != NAME:
    pytest.skip(f"this machine has none of {', '.join(lettering.FONTS)}")
  letters = [picture(lettering.line(letter, 20)).tobytes() for letter in "ßäéü"]
  assert len(set(letters)) == 4
  assert picture(lettering.Line("ä", ImageFont.load_default(20))).tobytes() not in letters


@pytest.mark.usefixtures("no_fonts")
def test_lines_are_cut_to_the_width_in_their_own_font():
  line = lettering.line("ä" * 50, 20)
  assert line.shortened(10_000) is line
  cut = line.shortened(100)
  assert cut.text[-1] == "…" and cut.font is line.font
  assert 80 < round(cut.length) <= 100


def test_a_long_text_is_never_measured_as_a_whole(monkeypatch):
  """That takes a time that grows with its length."""
  measured = []

  def getlength(self, text):
    measured.append(len(text))
    return 10.0 * len(text)

  monkeypatch.setattr(ImageFont.FreeTypeFont, "getlength", getlength)
  cut = lettering.Line("a" * 10_000, ImageFont.load_default(20)).shortened(100)
  assert cut.text == "a" * 9 + "…"
  assert max(measured) <= 101


def test_a_text_has_one_line_and_spaces_of_one_kind():
  assert lettering.line("a\nb\tc\u00a0d", 20).text == "a b c d"


def of_contact_sheet(name):
  return sheet.grid({name: np.zeros((20, 200, 3), np.uint8)})


def of_legend(name):
  return sheet.legend({name: {name: np.array([9, 9, 9], np.uint8)}}, width=400)


def of_bars(name):
  return chart.bars({name: {name: 1.0}}, title=name)


def of_panels(name):
  return chart.panels([chart.Panel(name, {name: [(0, 1), (2, 3)]})], columns=1)


def of_report(name):
  pixels, places = np.zeros((40, 400, 3), np.uint8), np.zeros((40, 400), np.uint8)
  one = compose.Problem(compose.UNKNOWN, name, "", 6, 10, (2, 1, 5, 3))
  return np.asarray(report.draw(pixels, places, [one]))


def of_instances(name):
  spec = dataclasses.replace(cpp(), class_names=(*cpp().class_names[:-1], name))
  semantic, instance = np.full((100, 200), cpp().num_classes - 1), np.ones((100, 200), int)
  found = instances.find_instances(semantic, instance, spec)
  return instances.named(np.zeros((100, 200, 3), np.uint8), found, spec)


DRAW = [of_contact_sheet, of_legend, of_bars, of_panels, of_report, of_instances]


@pytest.mark.usefixtures("no_fonts")
@pytest.mark.parametrize("draw", DRAW)
def test_all_pictures_are_lettered_so(draw):
  np.testing.assert_array_equal(draw(NAME), draw("Fussganger"))
  assert draw(NAME).tobytes() != draw("?").tobytes()
