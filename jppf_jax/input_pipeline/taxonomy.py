"""Which taxonomy belongs to a built dataset: recorded with its records, compared with its ids.

A dataset of your own can be named without its builder once it is built; the record then says what
the ids mean.
"""

import contextlib
import json
from pathlib import Path

import numpy as np

from jppf_jax.input_pipeline.read import Examples
from jppf_jax.labels import uids as uid_format
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.saving import write_text
from jppf_jax.structs import IGNORE

_RECORD = "labels.json"
_LOOKED_AT = 8  # examples; labels of large images take a tenth of a second each


class TaxonomyError(ValueError):
  """The taxonomy of a dataset is not known, or it is not the one that its ids need."""


def record(folder: str | Path, labels: str) -> None:
  """Writes which taxonomy belongs to the dataset in a folder, unless the folder is read-only.

  Args:
    folder: of the built dataset.
    labels: a name, or a YAML file, which is copied.
  """
  folder, file = Path(folder), Path(labels)
  with contextlib.suppress(OSError):
    if file.suffix in (".yaml", ".yml"):
      write_text(folder / file.name, file.read_text(encoding="utf-8"))
    write_text(folder / _RECORD, json.dumps({"labels": file.name}))


def recorded(folder: str | Path) -> str:
  """Returns the recorded taxonomy: a name, or the path of a YAML file.

  Raises:
    TaxonomyError: there is no record; says what to give.
  """
  folder = Path(folder)
  try:
    labels = str(json.loads((folder / _RECORD).read_bytes())["labels"])
  except (OSError, ValueError, LookupError, TypeError) as error:
    raise TaxonomyError(
      f"What the ids of the dataset in {folder} mean is not recorded; name its taxonomy with "
      "--config.data.labels=FILE.yaml, or its builder with --config.data.name=FILE.py."
    ) from error
  copy = folder / labels
  return str(copy) if copy.is_file() else labels


def check(examples: Examples, spec: LabelSpec, folder: str | Path) -> None:
  """Compares the ids of some examples with a taxonomy.

  Args:
    examples: a split of the dataset.
    spec: the taxonomy.
    folder: of the dataset, for the message.

  Raises:
    TaxonomyError: they have ids that the taxonomy does not have.
    TaxonomyError: no id but void is a class of the taxonomy.
  """
  places = np.linspace(0, len(examples) - 1, min(_LOOKED_AT, len(examples))).astype(int)
  ids = [np.unique(examples[int(place)]["uids"]) for place in places]
  sids, _, pids = uid_format.decode(np.unique(np.concatenate(ids)))
  pids = np.maximum(pids, 0)
  advice = (
    f"{spec.name} is not the taxonomy of the dataset in {folder}: {{}}. Leave config.data.labels "
    "empty for the dataset's own, or name the right one."
  )
  illegal = ~spec.legal[sids, pids]
  if illegal.any():
    pairs = sorted(set(zip(sids[illegal].tolist(), pids[illegal].tolist())))
    examples_of = ", ".join(map(str, pairs[:5]))
    raise TaxonomyError(advice.format(f"it does not have (scene id, part id) = {examples_of}"))
  labelled = sids[sids != 0]
  if labelled.size and (spec.sid_to_train[labelled] == IGNORE).all():
    found = ", ".join(map(str, np.unique(labelled)[:5]))
    raise TaxonomyError(advice.format(f"none of the scene ids {found} is a class of it"))
