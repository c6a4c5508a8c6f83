"""Finds a label spec by name."""

from pathlib import Path

from jppf_jax.labels import evaluation_spec, own_spec
from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.ppp import ppp
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.labels.variants import semantic_background, void_as_background

SPECS = {
  "cpp": cpp,
  "cpp_grouped": cpp,
  "cpp_default": lambda: cpp(grouped=False),
  "cpp_grouped_sembg": lambda: semantic_background(cpp()),
  "cpp_default_sembg": lambda: semantic_background(cpp(grouped=False)),
  "cpp_grouped_void_background": lambda: void_as_background(cpp()),
  "ppp": ppp,
  "ppp_sembg": lambda: semantic_background(ppp()),
  "ppp_void_background": lambda: void_as_background(ppp()),
}


def load_spec(name_or_file: str) -> LabelSpec:
  """Returns the spec of that name, or the one that a YAML file describes.

  The file is an evaluation specification of panoptic-parts, or the short form of `own_spec.py`.

  Raises:
    ValueError: neither a known name nor a YAML file, or a file that cannot be understood.
    FileNotFoundError: the file does not exist.
  """
  if name_or_file in SPECS:
    return SPECS[name_or_file]()
  path = Path(name_or_file)
  if path.suffix not in (".yaml", ".yml"):
    raise ValueError(
      f"No label spec {name_or_file!r}; expected one of {', '.join(SPECS)}, or a file ending in .yaml."
    )
  if not path.is_file():
    raise FileNotFoundError(f"The label spec {path} does not exist.")
  return (own_spec.read if own_spec.recognises(path) else evaluation_spec.read)(
    path, name=path.stem
  )
