"""Cityscapes Panoptic Parts (CPP): the 19 classes and train ids of Cityscapes, parts in 5 classes.

11 classes are stuff, 8 are things.
"""

import dataclasses
from functools import cache

from jppf_jax.labels.evaluation_spec import package_folder, read
from jppf_jax.labels.spec import LabelSpec


def cpp(grouped: bool = True) -> LabelSpec:
  """Returns the tables of CPP.

  Part id 5 on persons and riders is an artefact of nine files. It is ignored in training (255), but
  kept as a part for PartPQ, as in the reference evaluator.

  Args:
    grouped: True: persons and riders share 4 part channels; cars, trucks and buses share 5. With
      background these are 10 channels, as in the paper. False: each class has its own channels, 24
      in all. PartPQ is the same for both.
  """
  return _read("grouped" if grouped else "default")


@cache
def _read(kind: str) -> LabelSpec:
  folder = package_folder() / "specs" / "eval_specs"
  path = folder / f"ppq_cpp_19_23_cvpr21_{kind}_evalspec.yaml"
  spec = read(path, name=f"cpp_{kind}")
  return dataclasses.replace(spec, ap_protocol="cityscapes")
