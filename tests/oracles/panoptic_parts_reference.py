"""The released evaluator of panoptic-parts 2.0rc6, made importable.

Its version check reads "3.1" on Python >= 3.10 and raises, and it imports TensorFlow and PyTorch where they are
installed; both are worked around while it is imported. Needs scikit-learn.
"""

import contextlib
import importlib
import platform
import sys
from functools import cache
from pathlib import Path

import numpy as np
import sklearn.metrics  # noqa: F401  before the guard: SciPy fails where torch is hidden

EVALUATION_SPECS = {
  "cpp_grouped": "ppq_cpp_19_23_cvpr21_grouped_evalspec.yaml",
  "cpp_default": "ppq_cpp_19_23_cvpr21_default_evalspec.yaml",
  "ppp": "ppq_ppp_59_57_cvpr21_default_evalspec.yaml",
}


@contextlib.contextmanager
def _guard():
  version = platform.python_version
  hidden = [name for name in ("tensorflow", "torch") if name not in sys.modules]
  platform.python_version = lambda: "3.9.0"
  sys.modules.update(dict.fromkeys(hidden))  # None: the import raises ModuleNotFoundError, which the package handles
  try:
    yield
  finally:
    platform.python_version = version
    for name in hidden:
      sys.modules.pop(name, None)


def load(name="panoptic_parts"):
  with _guard():
    return importlib.import_module(name)


@cache
def evaluation_spec(name):
  """Returns the package's own PartPQEvalSpec; `name` as in `jppf_jax.labels.registry`."""
  root = Path(load().__file__).parents[1]
  cls = load("panoptic_parts.specs.eval_spec").PartPQEvalSpec
  with contextlib.chdir(root):  # the YAML names the data set specification relative to here
    return cls(f"panoptic_parts/specs/eval_specs/{EVALUATION_SPECS[name]}")


@cache
def _evaluator():
  """Returns the evaluator's module; one of its functions rebuilds the same table for each PPP image in a second."""
  evaluator = load("panoptic_parts.utils.evaluation_PartPQ")
  build, built = evaluator.parse_dataset_sid_pid2eval_sid_pid, {}

  def build_once(table):
    if id(table) not in built:
      built[id(table)] = build(table)
    return built[id(table)]

  evaluator.parse_dataset_sid_pid2eval_sid_pid = build_once
  return evaluator


def part_pq(name, uids, prediction, *, parts=True):
  """Returns {scene id: (tp, fp, fn, iou_sum)} of one image; with `parts=False`, every class is one without parts."""
  evaluator, spec = _evaluator(), evaluation_spec(name)
  whole = spec.cat_definition
  if not parts:
    spec.cat_definition = whole | {"cat_def": [category | {"parts_cls": [1]} for category in whole["cat_def"]]}
  try:
    uids = np.ascontiguousarray(uids, np.int32)
    truth, part_less = evaluator.annotation_parsing(spec, uids)
    channels = [prediction[..., i].astype(np.int32) for i in range(3)]
    predicted = evaluator.prediction_parsing(spec.cat_definition, *channels)
    ignored = evaluator.generate_ignore_info_tiff(uids, spec)
    ignored[part_less != 0] = part_less[part_less != 0]
    ignored = evaluator.ignore_img_parsing(ignored, spec.cat_definition)
    counts = evaluator.pq_part(predicted, truth, ignored, spec.cat_definition, spec.ignore_label)
    categories = [category["sem_cls"][0] for category in spec.cat_definition["cat_def"]]
    per_class = [counts[i] for i in range(len(categories))]
    return {int(sid): (c.tp, c.fp, c.fn, float(c.iou)) for sid, c in zip(categories, per_class)}
  finally:
    spec.cat_definition = whole
