"""Runs docs/ops.md from top to bottom and compares what it prints."""

import inspect
import re

import pytest

from tests import pages
from tests.ops.conventions_test import FUNCTIONS

PAGE = (pages.ROOT / "docs/ops.md").read_text()


def test_every_example_prints_what_the_page_says():
  pages.run("docs/ops.md")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_a_section_with_an_example_that_calls_it(name):
  function = FUNCTIONS[name]
  (section,) = re.findall(
    rf"^### `{function.__name__}`\n(.*?)(?=^##|\Z)", PAGE, re.DOTALL | re.MULTILINE
  )
  code = "".join(code for code, _ in pages.BLOCK.findall(section))
  assert f"from {inspect.getmodule(function).__name__} import {function.__name__}" in code
  assert re.search(rf"\b{function.__name__}[(,]", code)
  assert f"[`{function.__name__}`](#{function.__name__})" in PAGE
