"""Other readings of a label spec, for comparison. A variant of the same spec is the same object
each time.
"""

import dataclasses
from functools import cache

import numpy as np

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import IGNORE


@cache
def semantic_background(spec: LabelSpec) -> LabelSpec:
  """Returns the spec in which every class without parts has its own background in the part head:
  the paper's "SemBG".

  The ablation of Table 3, against one background for all (Sec. 3.1.1). Part output 0 is the
  background of the first class without parts, those of the others follow behind the parts: 23
  outputs for CPP, 37 where its parts are not grouped, 96 for PPP. Void teaches nothing. Results and
  scores are in the part channels of `spec`, and comparable.

  Raises:
    ValueError: no class is without parts; `spec` teaches void as background, or has such
      backgrounds already.
  """
  if len(spec.background_outputs) > 1:
    raise ValueError(f"The classes of {spec.name} have backgrounds of their own already.")
  without_parts = [k for k, parts in enumerate(spec.class_parts) if not parts]
  if not without_parts:
    raise ValueError(
      f"Every class of {spec.name} has parts: there is no background that could be divided."
    )
  background = np.full(spec.num_classes, IGNORE)
  background[without_parts] = [0, *range(spec.num_parts, spec.num_parts + len(without_parts) - 1)]
  return dataclasses.replace(
    spec, name=f"{spec.name}_sembg", class_background=tuple(background.tolist())
  )


@cache
def void_as_background(spec: LabelSpec) -> LabelSpec:
  """Returns the spec whose part targets are those of tapps: void pixels teach the part head
  "background".

  By default they teach it nothing. Unlabelled parts of classes with parts are ignored in both.

  Raises:
    ValueError: the classes of `spec` have backgrounds of their own, and void belongs to none of
      them.
  """
  channels = np.where((spec.sid_to_train == IGNORE)[:, None], 0, spec.sid_pid_to_channel)
  return dataclasses.replace(
    spec, name=f"{spec.name}_void_background", sid_pid_to_channel=channels.astype(np.int32)
  )
