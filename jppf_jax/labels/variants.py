"""Variants of a label spec for comparison with the literature.

The variant of a spec is the same object each time.
"""

import dataclasses
from functools import cache

import numpy as np

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.panoptic import IGNORE


@cache
def semantic_background(spec: LabelSpec) -> LabelSpec:
  """Returns the spec in which each class without parts has its own background: the paper's "SemBG".

  The ablation of Table 3; by default all of these classes share one background (Sec. 3.1.1). Part
  output 0 is the background of the first class without parts; those of the other classes come after
  the parts. This gives 23 outputs for CPP, 37 if its parts are not grouped, 96 for PPP. Void is
  ignored. Results and scores use the part channels of `spec`, so they are comparable.

  Raises:
    ValueError: every class has parts.
    ValueError: `spec` treats void as background.
    ValueError: the classes of `spec` already have their own backgrounds.
  """
  if len(spec.background_outputs) > 1:
    raise ValueError(f"The classes of {spec.name} already have their own backgrounds.")
  without_parts = [k for k, parts in enumerate(spec.class_parts) if not parts]
  if not without_parts:
    raise ValueError(f"Every class of {spec.name} has parts: there is no background to divide.")
  first_new = spec.num_parts  # the output after the last part
  new_outputs = range(first_new, first_new + len(without_parts) - 1)
  background = np.full(spec.num_classes, IGNORE)
  background[without_parts] = [0, *new_outputs]
  class_background = tuple(background.tolist())
  name = f"{spec.name}_sembg"
  return dataclasses.replace(spec, name=name, class_background=class_background)


@cache
def void_as_background(spec: LabelSpec) -> LabelSpec:
  """Returns the spec whose part targets are those of tapps: void pixels are background.

  By default void pixels are ignored. Unlabelled parts of classes with parts are ignored in both.

  Raises:
    ValueError: the classes of `spec` have their own backgrounds; void belongs to none of them.
  """
  is_void = spec.sid_to_train == IGNORE
  channels = np.where(is_void[:, None], 0, spec.sid_pid_to_channel)
  name = f"{spec.name}_void_background"
  return dataclasses.replace(spec, name=name, sid_pid_to_channel=channels.astype(np.int32))


@cache
def without_parts(spec: LabelSpec, *, name: str) -> LabelSpec:
  """Returns the spec in which no class has parts: panoptic segmentation.

  Args:
    spec: parts in its label files are legal, and not looked at.
    name: of the result.
  """
  is_void = spec.sid_to_train == IGNORE
  channels = np.where(is_void[:, None], IGNORE, np.zeros_like(spec.sid_pid_to_channel))
  none: tuple[tuple[int, ...], ...] = ((),) * spec.num_classes
  return dataclasses.replace(
    spec,
    name=name,
    part_names=spec.part_names[:1],
    part_colors=spec.part_colors[:1],
    class_parts=none,
    class_pids=none,
    class_background=(0,) * spec.num_classes,
    sid_pid_to_channel=channels.astype(np.int32),
    sid_pid_to_pid=np.zeros_like(spec.sid_pid_to_pid),
  )
