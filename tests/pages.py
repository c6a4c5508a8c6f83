"""Runs the Python of a documentation page and holds what it prints against what the page says."""

import contextlib
import io
import re
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
