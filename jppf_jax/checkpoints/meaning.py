"""What weights mean beyond the shapes of their tensors: settings and taxonomy, stored with them.

A b0 and a lite0 have the same shapes, and so have two taxonomies of equally many classes. The
record is compared wherever weights are used. It has JSON values only:

```json
{"network": {"encoder": "b0", "pixel_mean": [1, 2, 3], ...}, "taxonomy": {"classes": [...], ...}}
```

`network` has the names of `config.model`. What a file does not know is left out.
"""

import zlib
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.panoptic import IGNORE

Meaning = dict[str, dict[str, Any]]

HEADS = "heads"
# settings of the network -> the modules whose weights depend on them
_USED_BY = {
  HEADS: {"encoder"},
  "encoder": {"encoder"},
  "width": {"encoder"},
  "depth": {"encoder"},
  "pixel_mean": {"encoder"},
  "pixel_std": {"encoder"},
  "anchor_scale": {"rpn_head"},
  "anchor_ratios": {"rpn_head"},
  "legacy": {"rpn_head", "box_head", "mask_head"},
  "finest_scale": {"box_head", "mask_head"},
}
NETWORK = tuple(_USED_BY)
_CLASSIFIED = {"semantic_head", "part_head", "box_head", "mask_head"}  # have outputs per class


class Comparison(NamedTuple):
  """How stored weights differ from the network that they are loaded into.

  Attributes:
    settings: name of a setting -> the stored value and the network's.
    taxonomy: what differs between the taxonomies; empty if nothing does.
    unknown: what the file does not say.
  """

  settings: dict[str, tuple[Any, Any]]
  taxonomy: str
  unknown: list[str]

  def listed(self) -> str:
    """Returns one line for each difference."""
    lines = [
      f"{name} is {stored!r} for the weights, {wanted!r} in the config"
      for name, (stored, wanted) in self.settings.items()
    ]
    lines += [f"the taxonomy differs: {self.taxonomy}"] if self.taxonomy else []
    return "".join(f"\n  {line}" for line in lines)

  def flags(self) -> str:
    """Returns the flags that give the config the settings of the weights."""
    stored = {name: _quoted(value) for name, (value, _) in self.settings.items()}
    return " ".join(f"--config.model.{name}={value}" for name, value in stored.items())


def _quoted(value: Any) -> str:
  """Returns a value as a shell word."""
  if isinstance(value, tuple) and all(isinstance(entry, str) for entry in value):
    return ",".join(value)
  return f"'{value}'" if isinstance(value, tuple) else str(value)


def taxonomy(spec: LabelSpec) -> dict[str, Any]:
  """Returns the record of a taxonomy; its name and its colours do not matter."""
  return {
    "classes": list(spec.class_names),
    "class_ids": spec.class_ids.tolist(),
    "num_stuff": spec.num_stuff,
    "part_outputs": _part_outputs(spec),
    "class_parts": [list(parts) for parts in spec.class_parts],
    "class_pids": [list(pids) for pids in spec.class_pids],
    "tables": _checksum(spec),
  }


def _part_outputs(spec: LabelSpec) -> list[str]:
  """Returns the name of each channel of the part head."""
  names = list(spec.part_names)
  if len(spec.background_outputs) > 1:
    owners = {output: k for k, output in enumerate(spec.class_background) if output != IGNORE}
    names += [""] * (spec.num_part_outputs - len(names))
    for output, owner in owners.items():
      names[output] = f"background of {spec.class_names[owner]}"
  return names


def _checksum(spec: LabelSpec) -> int:
  """Returns the CRC-32 of the tables that say which class and part an id of a file is."""
  tables = (spec.sid_to_train, spec.sid_pid_to_channel, spec.sid_pid_to_pid, spec.class_background)
  return zlib.crc32(b"".join(np.asarray(table, "<i4").tobytes() for table in tables))


def of_file(about: dict[str, Any]) -> Meaning:
  """Returns the record in the metadata of a weights file or of a checkpoint.

  Files from before the record have a config, or the name of an encoder: a part of it.
  """
  record = _section(about, "meaning")
  if record:
    return {"network": _section(record, "network"), "taxonomy": _section(record, "taxonomy")}
  settings = _section(_section(about, "config"), "model")
  network = {name: settings[name] for name in NETWORK if name in settings}
  if "encoder" in about:
    network["encoder"] = about["encoder"]
  return {"network": network, "taxonomy": {}}


def _section(record: dict[str, Any], name: str) -> dict[str, Any]:
  found = record.get(name)
  return found if isinstance(found, dict) else {}


def compare(stored: Meaning, wanted: Meaning, modules: Iterable[str]) -> Comparison:
  """Compares what stored weights mean with the network that they are loaded into.

  Args:
    stored: the record of the weights.
    wanted: the complete record of the network.
    modules: those that are loaded; a setting that none of them depends on is not compared.
  """
  loaded = set(modules)
  settings, unknown = {}, []
  for name in (name for name in NETWORK if _USED_BY[name] & loaded):
    value = _with_tuples(wanted["network"][name])
    if name not in stored["network"]:
      unknown += [name] if name != HEADS else []  # the tensors say it too
    elif _with_tuples(stored["network"][name]) != value:
      settings[name] = (_with_tuples(stored["network"][name]), value)
  difference = ""
  if _CLASSIFIED & loaded:
    if stored["taxonomy"]:
      difference = _taxonomy_difference(stored["taxonomy"], wanted["taxonomy"])
    else:
      unknown.append("taxonomy")
  return Comparison(settings, difference, unknown)


def _with_tuples(value: Any) -> Any:
  return tuple(value) if isinstance(value, list) else value


def _taxonomy_difference(stored: dict[str, Any], wanted: dict[str, Any]) -> str:
  """Returns the first difference between two taxonomies as a phrase; "" if there is none."""
  for name, value in wanted.items():
    found = stored.get(name)
    if found == value:
      continue
    if name == "tables":
      return "it gives ids of the label files to other classes or parts"
    if isinstance(found, list) and isinstance(value, list) and len(found) == len(value):
      place = next(k for k, (theirs, ours) in enumerate(zip(found, value)) if theirs != ours)
      return f"{name}[{place}] is {found[place]!r} for the weights, {value[place]!r} in the config"
    return f"{name}: {_counted(found)} for the weights, {_counted(value)} in the config"
  return ""


def _counted(value: Any) -> str:
  return f"{len(value)} entries" if isinstance(value, list) else repr(value)


def other_outputs(stored: Meaning, wanted: Meaning) -> set[str]:
  """Returns the layers whose channels stand for other classes or parts than the network's.

  Classes and parts are compared by their names. A layer is left out if the file does not say.
  """
  theirs, ours = _channels(stored["taxonomy"]), _channels(wanted["taxonomy"])
  return {layer for layer in theirs if theirs[layer] != ours[layer]}


def _channels(record: dict[str, Any]) -> dict[str, Any]:
  """Returns the names of the classes or parts of each output layer."""
  if not {"classes", "num_stuff", "part_outputs"} <= record.keys():
    return {}
  things = record["classes"][record["num_stuff"] :]
  return {
    "semantic_head/logits": record["classes"],
    "part_head/logits": record["part_outputs"],
    "box_head/classes": things,
    "box_head/deltas": things,
    "mask_head/logits": things,
  }
