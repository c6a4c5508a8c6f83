"""Reads the YAML files that describe a taxonomy; whoever wrote them, the effort is bounded."""

from pathlib import Path
from typing import Any

import yaml

from jppf_jax.labels.quote import quoted, shortened

LARGEST = 1 << 20  # bytes; the largest file of panoptic-parts has 11 thousand
_MERGE = "tag:yaml.org,2002:merge"


class _Loader(yaml.SafeLoader):
  """Refuses what would pass silently, or grow without bound, in PyYAML."""

  def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
    """Returns a mapping in which each key occurs once; PyYAML would keep the last."""
    node = super().compose_mapping_node(anchor)
    keys = set()
    for key, _ in node.value:
      if key.tag == _MERGE:
        raise yaml.constructor.ConstructorError(
          None, None, "merge keys (<<) are not supported; write the entries out", key.start_mark
        )
      name = (key.tag, str(key.value))
      if name in keys:
        raise yaml.constructor.ConstructorError(
          None, None, f"{quoted(key.value)} occurs twice in one mapping", key.start_mark
        )
      keys.add(name)
    return node


def load_yaml(path: Path) -> dict[Any, Any]:
  """Returns the mapping in a YAML file.

  Raises:
    FileNotFoundError: the file does not exist.
    ValueError: the file is not YAML, is larger than `LARGEST`, or contains no mapping.
    ValueError: a key occurs twice in one mapping.
  """
  size = path.stat().st_size
  if size > LARGEST:
    raise ValueError(f"{path} has {size} bytes; a label spec has at most {LARGEST}.")
  try:
    content = yaml.load(path.read_text(encoding="utf-8"), _Loader)
  except Exception as error:  # PyYAML raises a dozen types, e.g. on 2001-99-99 or [[[[[...
    reason = shortened(error) or type(error).__name__
    raise ValueError(f"{path} is not a YAML file: {reason}") from error
  if not isinstance(content, dict):
    found = "is empty" if content is None else f"contains {type(content).__name__}"
    raise ValueError(f"{path} {found}, expected a mapping with the fields of a spec.")
  return content
