"""The released evaluator of panoptic-parts 2.0rc6, made importable: what ours is measured against.

Its version check reads "3.1" on Python >= 3.10 and raises, and it imports TensorFlow and PyTorch
where they are installed; both are worked around while it is imported. Needs scikit-learn (the extra
`test`). Slow: seconds per image.
"""

import contextlib
import importlib
import platform
import sys
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Int, UInt8

from jppf_jax.labels.evaluation_spec import package_folder

EVALUATION_SPECS = {
  "cpp_grouped": "ppq_cpp_19_23_cvpr21_grouped_evalspec.yaml",
  "cpp_default": "ppq_cpp_19_23_cvpr21_default_evalspec.yaml",
  "ppp": "ppq_ppp_59_57_cvpr21_default_evalspec.yaml",
}


def part_pq(
  name: str,
  uids: Int[np.ndarray, "H W"],
  prediction: UInt8[np.ndarray, "H W 3"],
  *,
  parts: bool = True,
) -> dict[int, tuple[int, int, int, float]]:
  """Returns {scene id: (tp, fp, fn, sum of IoUs)} of one image, as the released code counts them.

  Args:
    name: a key of `EVALUATION_SPECS`.
    uids: ground truth.
    prediction: scene id, instance id, evaluation pid.
    parts: whether classes have parts; without, this is PQ.

  Raises:
    ModuleNotFoundError: scikit-learn is not installed.
  """
  evaluator, spec = _evaluator(), _evaluation_spec(name)
  whole = spec.cat_definition
  if not parts:
    spec.cat_definition = whole | {
      "cat_def": [category | {"parts_cls": [1]} for category in whole["cat_def"]]
    }
  try:
    uids = np.ascontiguousarray(uids, np.int32)
    truth, part_less = evaluator.annotation_parsing(spec, uids)
    channels = [prediction[..., i].astype(np.int32) for i in range(3)]
    predicted = evaluator.prediction_parsing(spec.cat_definition, *channels)
    ignored = evaluator.generate_ignore_info_tiff(uids, spec)
    ignored[part_less != 0] = part_less[part_less != 0]
    ignored = evaluator.ignore_img_parsing(ignored, spec.cat_definition)
    counts = evaluator.pq_part(predicted, truth, ignored, spec.cat_definition, spec.ignore_label)
    scene_ids = [category["sem_cls"][0] for category in spec.cat_definition["cat_def"]]
    per_class = [counts[i] for i in range(len(scene_ids))]
    return {int(sid): (c.tp, c.fp, c.fn, float(c.iou)) for sid, c in zip(scene_ids, per_class)}
  finally:
    spec.cat_definition = whole


def load(name: str = "panoptic_parts") -> ModuleType:
  """Returns a module of the package. Not thread-safe."""
  importlib.import_module(
    "sklearn.metrics"
  )  # outside the guard: SciPy fails where PyTorch is hidden
  with _guard():
    return importlib.import_module(name)


@contextlib.contextmanager
def _guard() -> Iterator[None]:
  version = platform.python_version
  hidden = [name for name in ("tensorflow", "torch") if name not in sys.modules]
  platform.python_version = lambda: "3.9.0"
  sys.modules.update(
    dict.fromkeys(hidden)
  )  # None: the import raises ModuleNotFoundError, which the package handles
  try:
    yield
  finally:
    platform.python_version = version
    for name in hidden:
      sys.modules.pop(name, None)


@cache
def _evaluation_spec(name: str) -> Any:
  """Returns the package's own PartPQEvalSpec."""
  cls = load("panoptic_parts.specs.eval_spec").PartPQEvalSpec
  with contextlib.chdir(
    package_folder().parent
  ):  # the YAML names the data set specification relative to here
    return cls(f"panoptic_parts/specs/eval_specs/{EVALUATION_SPECS[name]}")


@cache
def _evaluator() -> ModuleType:
  """Returns the evaluator's module; one of its functions rebuilds the same table for each PPP image
  in a second.
  """
  evaluator = load("panoptic_parts.utils.evaluation_PartPQ")
  build, built = evaluator.parse_dataset_sid_pid2eval_sid_pid, {}

  def build_once(table):
    if id(table) not in built:
      built[id(table)] = build(table)
    return built[id(table)]

  evaluator.parse_dataset_sid_pid2eval_sid_pid = build_once
  return evaluator
