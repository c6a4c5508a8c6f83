"""Other readings of a label spec, for comparison."""

import dataclasses

import numpy as np

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import IGNORE


def void_as_background(spec: LabelSpec) -> LabelSpec:
  """Returns the spec whose part targets are those of tapps: void pixels teach the part head "background".

  By default they teach it nothing. Unlabelled parts of classes with parts are ignored in both.
  """
  channels = np.where((spec.sid_to_train == IGNORE)[:, None], 0, spec.sid_pid_to_channel)
  return dataclasses.replace(spec, name=f"{spec.name}_void_background", sid_pid_to_channel=channels.astype(np.int32))
