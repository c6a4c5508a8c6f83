"""docs/faq.md says what is so: examples run, the variables and flags that it names exist."""

import inspect
import os
import re
import subprocess
import sys

import jaxlib.xla_client
import pytest

from jppf_jax.cli import compile_cache
from tests import pages

TEXT = (pages.ROOT / "docs/faq.md").read_text()


def test_the_examples_print_what_the_page_says():
  assert "main" in pages.run("docs/faq.md")


def test_the_variables_of_the_page_are_those_that_jax_and_we_read():
  source = inspect.getsource(jaxlib.xla_client)
  named = set(re.findall(r"\bXLA_(?:PYTHON_)?CLIENT_\w+", TEXT))
  assert len(named) == 3
  assert all(f"'{name}'" in source for name in named)
  assert compile_cache.VARIABLE in TEXT


@pytest.mark.parametrize("flag", re.findall(r"XLA_FLAGS=(--\S+?)`", TEXT))
def test_xla_knows_the_flags_of_the_page(flag):
  known, unknown = (start(flags).returncode for flags in (flag, "--xla_no_such_flag=false"))
  assert known == 0
  assert unknown != 0


def start(xla_flags: str) -> subprocess.CompletedProcess:
  """Starts JAX on the CPU with these flags of XLA."""
  environment = {**os.environ, "XLA_FLAGS": xla_flags, "JAX_PLATFORMS": "cpu"}
  command = [sys.executable, "-c", "import jax; jax.devices()"]
  return subprocess.run(command, env=environment, capture_output=True, check=False)
