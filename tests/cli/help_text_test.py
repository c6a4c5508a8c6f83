import types

import pytest
from absl import flags

from jppf_jax.cli import help_text

VALUES = flags.FlagValues()
SIZE = flags.DEFINE_integer("size", 3, "N: how many", lower_bound=1, flag_values=VALUES)
NAME = flags.DEFINE_string("name", None, "how it is called (required)", flag_values=VALUES)
QUICK = flags.DEFINE_bool("quick", False, "hurry", flag_values=VALUES)
KIND = flags.DEFINE_enum("kind", "a", ["a", "b"], "which one", flag_values=VALUES)
VERBOSE = flags.DEFINE_bool("verbose", False, "say more", flag_values=VALUES)  # of every verb
MANY = flags.DEFINE_multi_string("many", [], "TEXT: what else (default: none)", flag_values=VALUES)


@pytest.fixture(autouse=True)
def own_flags(monkeypatch):
  monkeypatch.setattr(flags, "FLAGS", VALUES)


@pytest.mark.parametrize(
  "shown, line",
  [
    (SIZE, "  --size=N                how many (default: 3)"),
    ((SIZE, "CM: how long"), "  --size=CM               how long (default: 3)"),
    (NAME, "  --name=VALUE            how it is called (required)"),
    (QUICK, "  --[no]quick             hurry (default: false)"),
    (KIND, "  --kind={a,b}            which one (default: a)"),
    (MANY, "  --many=TEXT             what else (default: none)"),
  ],
)
def test_a_flag_is_shown_with_its_form_meaning_and_default(shown, line):
  assert help_text.row(shown) == line


def test_long_texts_are_wrapped_below_each_other():
  first, *later = help_text.row((SIZE, "N: " + "word " * 40)).splitlines()
  assert first.startswith("  --size=N                word word")
  assert len(later) == 3
  assert all(line.startswith(" " * 26 + "word") and len(line) <= 80 for line in later)


def test_a_page_has_usage_text_list_example_and_flags():
  module = types.ModuleType("verb")
  module.__doc__ = """`jppf verb FILE [--size=N]`: does it.

  It is
  done:

  - once
  - twice, or more often, or as often as you like, because this line is long enough to wrap

  Example: `jppf verb one_file_with_a_long_name.txt another_file_with_a_long_name.txt --size=4`
  """
  module.FLAGS = (SIZE,)
  assert (
    help_text.page(module)
    == """usage: jppf verb FILE [--size=N]

Does it.

It is done:

- once
- twice, or more often, or as often as you like, because this line is long
  enough to wrap

example:
  jppf verb one_file_with_a_long_name.txt another_file_with_a_long_name.txt \\
    --size=4

flags:
  --size=N                how many (default: 3)
  --[no]verbose           say more (default: false)"""
  )


@pytest.mark.parametrize("word, end", [("trian", "; did you mean --train?"), ("xyz", ".")])
def test_a_suggestion_ends_a_sentence(word, end):
  assert help_text.suggestion(word, ["predict", "train"], prefix="--") == end


def test_a_library_that_is_not_installed_is_said(monkeypatch):
  monkeypatch.setattr(help_text, "LIBRARIES", ("jppf_nowhere",))
  assert "\njppf_nowhere is not installed\n" in help_text.version()
