"""Runs docs/ops.md from top to bottom and compares what it prints."""

import contextlib
import inspect
import io
import re
from pathlib import Path

import pytest

from tests.ops.conventions_test import FUNCTIONS

PAGE = (Path(__file__).parents[2] / "docs" / "ops.md").read_text()
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)


def test_every_example_prints_what_the_page_says():
  namespace = {}
  for code, printed in BLOCK.findall(PAGE):
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
      exec(compile(code, "docs/ops.md", "exec"), namespace)
    assert output.getvalue() == printed, code


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_a_section_with_an_example_that_calls_it(name):
  function = FUNCTIONS[name]
  (section,) = re.findall(rf"^### `{function.__name__}`\n(.*?)(?=^##|\Z)", PAGE, re.DOTALL | re.MULTILINE)
  code = "".join(code for code, _ in BLOCK.findall(section))
  assert f"from {inspect.getmodule(function).__name__} import {function.__name__}" in code
  assert re.search(rf"\b{function.__name__}[(,]", code)
  assert f"[`{function.__name__}`](#{function.__name__})" in PAGE
