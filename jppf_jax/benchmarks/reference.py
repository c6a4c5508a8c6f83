"""The released evaluator of panoptic-parts 2.0rc6, made importable to compare ours with it.

Its version check reads "3.1" on Python >= 3.10 and raises; it also imports TensorFlow and PyTorch
if they are installed. Both are worked around during the import. Needs scikit-learn (the extra
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
_BUILD_TABLE = "parse_dataset_sid_pid2eval_sid_pid"  # a function of the evaluator


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
  with_parts = spec.cat_definition
  if not parts:
    categories = [category | {"parts_cls": [1]} for category in with_parts["cat_def"]]
    spec.cat_definition = with_parts | {"cat_def": categories}
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
    spec.cat_definition = with_parts


def load(name: str = "panoptic_parts") -> ModuleType:
  """Returns a module of the package. Not thread-safe."""
  importlib.import_module("sklearn.metrics")  # SciPy cannot be imported with PyTorch hidden
  with _guard():
    return importlib.import_module(name)


@contextlib.contextmanager
def _guard() -> Iterator[None]:
  """Pretends Python 3.9 without TensorFlow and PyTorch (unless they are imported already)."""
  version = platform.python_version
  hidden = [name for name in ("tensorflow", "torch") if name not in sys.modules]
  platform.python_version = lambda: "3.9.0"
  for name in hidden:
    # None makes the import raise ModuleNotFoundError, which the package handles. Python documents
    # this value, its annotation leaves it out.
    sys.modules[name] = None  # type: ignore[assignment]
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
  root = package_folder().parent  # the YAML names the dataset's specification relative to it
  with contextlib.chdir(root):
    return cls(f"panoptic_parts/specs/eval_specs/{EVALUATION_SPECS[name]}")


@cache
def _evaluator() -> ModuleType:
  """Returns the evaluator's module, with a cache for the table that it rebuilds for each image.

  The PPP table takes a second.
  """
  evaluator = load("panoptic_parts.utils.evaluation_PartPQ")
  build = getattr(evaluator, _BUILD_TABLE)
  built: dict[int, Any] = {}

  def build_once(specification: Any) -> Any:
    key = id(specification)
    if key not in built:
      built[key] = build(specification)
    return built[key]

  setattr(evaluator, _BUILD_TABLE, build_once)
  return evaluator
