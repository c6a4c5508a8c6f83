"""Reads the taxonomy of your own dataset from a short YAML file.

```yaml
stuff:
  floor: {id: 1, color: [110, 110, 110]}
things:
  robot:
    id: 2
    color: [220, 20, 60]
    parts:                 # at least two; evaluation pids count from 1 in this order
      arm: [1, 2]          # groups the part ids 1 and 2 of the label files
      wheel: [3]
  cart: {id: 3, color: [0, 0, 142], parts: {wheel: [1], body: [2]}}
share_parts: true          # parts with the same name share a channel (here: wheel); default false
ignore: [4]                # scene ids in the files that are not evaluated, besides 0 (void)
names: {bot: robot}        # what the files of other tools call them, see `other_names.py`
```

If parts say left and right, `mirror` names the pairs: `mirror: [[left arm, right arm]]`. Training
mirrors half of all views, and a left arm becomes a right arm there. In Python the same form is a
dict, for `LabelSpec.from_dict`.
"""

from pathlib import Path

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.labels.yaml_file import load_yaml


def recognises(path: Path) -> bool:
  """Returns whether a YAML file has this form and is no panoptic-parts evaluation specification.

  Raises:
    FileNotFoundError: the file does not exist.
    ValueError: the file is no YAML mapping.
  """
  content = load_yaml(path)
  return "stuff" in content or "things" in content


def read(path: Path, *, name: str) -> LabelSpec:
  """Returns the tables that the file describes.

  Raises:
    FileNotFoundError: the file does not exist.
    ValueError: the file is no YAML mapping.
    ValueError: the entries are wrong; lists every problem.
  """
  content = load_yaml(path)
  try:
    return LabelSpec.from_dict(content, name=name)
  except ValueError as error:
    raise ValueError(f"{path}: {error}") from error
