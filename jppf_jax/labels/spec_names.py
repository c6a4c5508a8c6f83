"""The names of a taxonomy for the files of other tools: of your own YAML, or of a known spec."""

from pathlib import Path

import numpy as np

from jppf_jax.labels import own_spec, own_tables
from jppf_jax.labels.other_names import Names, Targets
from jppf_jax.labels.registry import SPECS, load_spec
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.labels.yaml_file import load_yaml


def load(name_or_file: str) -> Names:
  """Returns the names of a spec, as `registry.load_spec` finds it.

  Raises:
    ValueError, FileNotFoundError: as `registry.load_spec`.
  """
  spec = load_spec(name_or_file)
  if name_or_file in SPECS or not own_spec.recognises(Path(name_or_file)):
    return Names(_of_tables(spec))
  content = load_yaml(Path(name_or_file))
  targets = own_tables.own_names(content)
  parts = {name: (sid, _written(spec, sid, pid)) for name, (sid, pid) in targets.parts.items()}
  return Names(targets._replace(parts=parts), content.get("names") or {})


def _written(spec: LabelSpec, sid: int, file_pid: int) -> int:
  """Returns the part id that stands for a part, of those that mean it, as in `spec.to_uids`."""
  return int(spec.pid_to_file_pid[sid, spec.sid_pid_to_pid[sid, file_pid]])


def _of_tables(spec: LabelSpec) -> Targets:
  """Returns the names in a spec of panoptic-parts, whose channels are called `group-part`."""
  classes = dict(zip(spec.class_names, spec.class_ids.tolist()))
  parts: dict[str, tuple[int, int]] = {}
  part_names: dict[tuple[int, int], str] = {}
  for k in np.flatnonzero(spec.has_parts):
    class_name = spec.class_names[k]
    sid = classes[class_name]
    for channel, pid in zip(spec.class_parts[k], spec.class_pids[k]):
      part = spec.part_names[channel].partition("-")[2]
      name = f"{class_name}/{part}"
      parts[name] = sid, int(spec.pid_to_file_pid[sid, pid])
      file_pids = np.flatnonzero(spec.legal[sid] & (spec.sid_pid_to_pid[sid] == pid))
      part_names |= {(sid, file_pid): name for file_pid in file_pids.tolist() if file_pid}
  return Targets(classes, parts, frozenset(spec.class_names[spec.num_stuff :]), part_names)
