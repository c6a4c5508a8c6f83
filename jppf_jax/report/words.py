"""Words that the page and the table of `jppf evaluate` share.

A page can be sent: it names files, and says nothing of the folders of the machine it was made on.
"""

from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from jppf_jax.labels.quote import counted
from jppf_jax.names import BUILDER

_LONGEST = 32  # letters of a name in a table or chart
_FEW = 10  # images; the scores of fewer depend much on which they are


def few_images(images: int) -> str | None:
  """Returns a remark if the scores come from few images; else None."""
  if images >= _FEW:
    return None
  return f"The scores come from {counted(images, 'image')}; with others they can be very different."


def short_name(name: str) -> str:
  """Returns a name of a class or part, or the two ends of a very long one with an ellipsis between.

  `shortName` of regions.js does the same.
  """
  if len(name) <= _LONGEST:
    return name
  end = _LONGEST // 3
  return f"{name[: _LONGEST - end - 1]}…{name[-end:]}"


def whole_name(name: str) -> str | None:
  """Returns a name that `short_name` cuts, for the pointer to show; None if it is not cut."""
  return name if short_name(name) != name else None


def dataset_title(name: str) -> str:
  """Returns what a dataset is called; an own builder may be named by its file."""
  if not name.endswith(f"{BUILDER}.py"):
    return short_path(name)
  return PureWindowsPath(name).stem.removesuffix(BUILDER)  # reads both kinds of slashes


def short_path(text: str) -> str:
  """Returns the last folder and the name of an absolute path; any other text as it is."""
  for path in (PurePosixPath(text), PureWindowsPath(text)):
    if path.is_absolute():
      return "/".join(path.parts[1:][-2:]) or text
  return text


def shortened(values: Any) -> Any:
  """Returns JSON values with all absolute paths shortened."""
  if isinstance(values, dict):
    return {key: shortened(value) for key, value in values.items()}
  if isinstance(values, list):
    return [shortened(value) for value in values]
  return short_path(values) if isinstance(values, str) else values
