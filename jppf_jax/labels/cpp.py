"""Cityscapes Panoptic Parts: 19 classes (11 stuff, 8 things), 5 of them with parts; Cityscapes' own
train ids.
"""

import dataclasses
from functools import cache

from jppf_jax.labels.evaluation_spec import package_folder, read
from jppf_jax.labels.spec import LabelSpec


def cpp(grouped: bool = True) -> LabelSpec:
  """Returns the tables of CPP.

  Args:
    grouped: persons and riders share their 4 part channels, and cars, trucks and buses their 5 (10
      channels with background, the paper's model); otherwise each class has its own (24). PartPQ is
      the same under both.

  Pid 5 on persons and riders is an artefact of nine files. It is trained as unlabelled (255), but
  kept as a part for PartPQ, as the reference evaluator does.
  """
  return _read("grouped" if grouped else "default")


@cache
def _read(kind: str) -> LabelSpec:
  path = package_folder() / "specs" / "eval_specs" / f"ppq_cpp_19_23_cvpr21_{kind}_evalspec.yaml"
  spec = read(path, name=f"cpp_{kind}")
  return dataclasses.replace(spec, ap_protocol="cityscapes")
