"""Runs the Python of a documentation page and compares what it prints with what the page says."""

import contextlib
import io
import re
import textwrap
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)


def run(name: str) -> dict[str, Any]:
  """Runs the examples of a page from top to bottom, in one namespace, and returns that."""
  namespace: dict[str, Any] = {}
  for code, printed in BLOCK.findall((ROOT / name).read_text()):
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
      exec(compile(code, name, "exec"), namespace)
    assert output.getvalue() == printed, code
  return namespace


def python_blocks(text: str) -> list[str]:
  """The Python examples of a page, or of an indented docstring."""
  blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
  return [textwrap.dedent(block) for block in blocks]


def rooms() -> set[str]:
  """The names of the modules and packages directly below `jppf_jax`."""
  package = ROOT / "jppf_jax"
  modules = {path.stem for path in package.glob("[a-z]*.py")}
  return modules | {path.parent.name for path in package.glob("*/__init__.py")}
