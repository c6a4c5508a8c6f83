"""Finds a label spec by name."""

from pathlib import Path

from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.evaluation_spec import read
from jppf_jax.labels.ppp import ppp
from jppf_jax.labels.spec import LabelSpec

SPECS = {
  "cpp": cpp,
  "cpp_grouped": cpp,
  "cpp_default": lambda: cpp(grouped=False),
  "ppp": ppp,
}


def load_spec(name_or_file: str) -> LabelSpec:
  """Returns the spec of that name, or the one that a panoptic-parts evaluation specification (`*.yaml`) describes.

  Raises:
    ValueError: neither a known name nor a YAML file, or a file that cannot be understood.
    FileNotFoundError: the file does not exist.
  """
  if name_or_file in SPECS:
    return SPECS[name_or_file]()
  path = Path(name_or_file)
  if path.suffix not in (".yaml", ".yml"):
    raise ValueError(f"No label spec {name_or_file!r}; expected one of {', '.join(SPECS)}, or a file ending in .yaml.")
  if not path.is_file():
    raise FileNotFoundError(f"The label spec {path} does not exist.")
  return read(path, name=path.stem)
