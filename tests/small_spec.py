"""Cityscapes without most of its classes that have no parts."""

import dataclasses

import numpy as np

from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import IGNORE


def first_classes_without_parts(count: int) -> LabelSpec:
  """Returns CPP with its five classes that have parts, but of the others only the first `count`;
  the rest is void.
  """
  spec = cpp()
  kept = [k for k in range(spec.num_classes) if k < count or spec.class_parts[k]]
  train_id = np.full(256, IGNORE, np.int32)
  train_id[kept] = np.arange(len(kept))
  sid_to_train = train_id[spec.sid_to_train]
  rows = {
    name: tuple(getattr(spec, name)[k] for k in kept)
    for name in ("class_names", "class_parts", "class_pids")
  }
  return dataclasses.replace(
    spec,
    **rows,
    class_background=(0,) * len(kept),
    class_ids=spec.class_ids[kept],
    colors=spec.colors[kept],
    num_stuff=count,
    sid_to_train=sid_to_train,
    sid_pid_to_channel=np.where((sid_to_train == IGNORE)[:, None], IGNORE, spec.sid_pid_to_channel),
  )
