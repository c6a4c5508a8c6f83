"""Finds a label spec by name."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from jppf_jax.labels import evaluation_spec, own_spec
from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.ppp import ppp
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.labels.variants import semantic_background, void_as_background, without_parts

SpecMaker = Callable[[], LabelSpec]
_cpp_default = partial(cpp, grouped=False)


def _variant(change: Callable[[LabelSpec], LabelSpec], base: SpecMaker) -> SpecMaker:
  """Returns the maker of a changed spec; nothing is read before it is called."""
  return lambda: change(base())


SPECS: dict[str, SpecMaker] = {
  "cityscapes": _variant(partial(without_parts, name="cityscapes"), cpp),
  "cpp": cpp,
  "cpp_grouped": cpp,
  "cpp_default": _cpp_default,
  "cpp_grouped_sembg": _variant(semantic_background, cpp),
  "cpp_default_sembg": _variant(semantic_background, _cpp_default),
  "cpp_grouped_void_background": _variant(void_as_background, cpp),
  "ppp": ppp,
  "ppp_sembg": _variant(semantic_background, ppp),
  "ppp_void_background": _variant(void_as_background, ppp),
}


def load_spec(name_or_file: str) -> LabelSpec:
  """Returns the spec with this name, or the spec in this YAML file.

  The file is an evaluation specification of panoptic-parts, or has the short form of `own_spec.py`.
  A name gives the same object each time.

  Raises:
    ValueError: no name is given.
    ValueError: neither a known name nor the name of a YAML file.
    ValueError: the file does not describe a label spec.
    FileNotFoundError: the file does not exist.
  """
  if name_or_file in SPECS:
    make_spec = SPECS[name_or_file]
    return make_spec()
  if not name_or_file:
    raise ValueError(
      "No label spec is given: set SPEC in the dataset's Builder, or name one with --labels or "
      "--config.data.labels."
    )
  path = Path(name_or_file)
  if path.suffix not in (".yaml", ".yml"):
    names = ", ".join(SPECS)
    raise ValueError(
      f"No label spec {name_or_file!r}; expected one of {names}, or a file ending in .yaml."
    )
  if not path.is_file():
    raise FileNotFoundError(f"The label spec {path} does not exist.")
  reader = own_spec if own_spec.recognises(path) else evaluation_spec
  return reader.read(path, name=path.stem)
