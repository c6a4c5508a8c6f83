"""Where scores are lost: what both fusions answer if the truth takes the place of a head.

The truth comes in the form of the head's own outputs, at their resolution: logits at stride 4,
boxes with masks of 28 x 28. So even with all heads replaced the scores stay below 100, by what
these forms cannot show and by what fusion loses.
"""

import dataclasses

import numpy as np
from jaxtyping import Float, Int, UInt8

from jppf_jax.evaluation.frames import Frame
from jppf_jax.evaluation.variants import Variants
from jppf_jax.fusion.config import FusionConfig
from jppf_jax.input_pipeline.batch import targets
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import IGNORE, Detections, Outputs

REPLACED = {  # name: the fields of `Outputs` that are true
  "as predicted": (),
  "true classes": ("semantic",),
  "true instances": ("detections",),
  "true parts": ("part",),
  "all true": ("semantic", "detections", "part"),
}
SURE = 10.0  # logit of what is true; the sigmoid of it is 0.99995
LEAST_ROWS = 100  # of the table of true instances; the largest are kept
_MASK, _SAMPLES = 28, 4  # cells of a mask per side, samples of the truth in a cell per side


class Oracle(Variants):
  """Predicts images with the truth in place of one head after the other. See `Program`."""

  @property
  def replaced(self) -> dict[str, tuple[str, ...]]:
    """The entries of `REPLACED` that this network's heads allow."""
    has_parts = "part" in self.model.heads
    return {name: fields for name, fields in REPLACED.items() if has_parts or fields != ("part",)}

  def variants(
    self,
    outputs: Outputs,
    image: UInt8[np.ndarray, "H W 3"],
    uids: Int[np.ndarray, "H W"],
    frame: Frame,
  ) -> dict[str, tuple[Outputs, FusionConfig]]:
    """Returns the outputs, some of them true, and the config as it is; see `Variants`."""
    truth = true_outputs(outputs, image, uids, frame, self.spec)
    found = {}
    for name, fields in self.replaced.items():
      true_fields = {field: getattr(truth, field) for field in fields}
      found[name] = dataclasses.replace(outputs, **true_fields), self.config
    return found


def true_outputs(
  outputs: Outputs,
  image: UInt8[np.ndarray, "H W 3"],
  uids: Int[np.ndarray, "H W"],
  frame: Frame,
  spec: LabelSpec,
) -> Outputs:
  """Returns the truth of one image in the form of a network's outputs.

  Where the truth is not known, void and unlabelled parts, logits stay as they are. Objects without
  an instance (crowds) are no detections.

  Args:
    outputs: of the network for this image, a batch of one.
    image: RGB.
    uids: its labels.
    frame: of the image.
    spec: the taxonomy.
  """
  detections = outputs.detections
  assert detections is not None, "`Oracle.of` has seen to it"
  rows = max(LEAST_ROWS, detections.valid.shape[-1])
  known = targets(image, uids.astype(np.int32), spec, max_objects=rows)
  scale = np.divide(frame.covered, frame.image)
  masks = np.full((rows, _MASK, _MASK), -SURE, np.float32)
  for row in np.flatnonzero(known["valid"]):
    masks[row] = true_mask(known["instance"] == row + 1, known["boxes"][row])
  found = Detections(
    boxes=(known["boxes"] * np.tile(scale[::-1], 2)).astype(np.float32)[None],
    labels=known["labels"][None],
    scores=known["valid"].astype(np.float32)[None],
    mask_logits=masks[None],
    valid=known["valid"][None],
  )
  return dataclasses.replace(
    outputs,
    semantic=true_logits(np.asarray(outputs.semantic), known["semantic"], frame),
    part=true_logits(np.asarray(outputs.part), known["part"], frame),
    detections=found,
  )


def true_logits(
  logits: Float[np.ndarray, "1 h w K"], ids: Int[np.ndarray, "H W"], frame: Frame
) -> Float[np.ndarray, "1 h w K"]:
  """Returns `SURE` for the channel that is true at the centre of each cell, 0 for the others.

  Cells whose truth is 255 keep their logits.

  Args:
    logits: of a head, at stride 4.
    ids: channels at the image's own pixels; 255 = not known.
    frame: of the image.
  """
  channels = logits.shape[-1]
  if not channels:
    return logits
  positions = []
  for cells, side, covered in zip(logits.shape[1:3], frame.image, frame.covered):
    centres = 4 * (np.arange(cells) + 0.5) * side / covered
    positions.append(np.minimum(centres.astype(int), side - 1))
  at_cells = ids[positions[0][:, None], positions[1]]
  sure = SURE * (at_cells[..., None] == np.arange(channels))
  return np.where(at_cells[..., None] == IGNORE, logits[0], sure).astype(np.float32)[None]


def true_mask(mask: np.ndarray, box: Float[np.ndarray, "4"]) -> Float[np.ndarray, "28 28"]:
  """Returns mask logits of an object: from -`SURE` for cells outside to `SURE` for cells inside.

  Args:
    mask: its visible pixels, bool [H W].
    box: x0, y0, x1, y1, in pixels of the mask.
  """
  count = _MASK * _SAMPLES
  x0, y0, x1, y1 = box
  steps = (np.arange(count) + 0.5) / count
  rows = np.clip((y0 + steps * (y1 - y0)).astype(int), 0, mask.shape[0] - 1)
  columns = np.clip((x0 + steps * (x1 - x0)).astype(int), 0, mask.shape[1] - 1)
  samples = mask[rows[:, None], columns].reshape(_MASK, _SAMPLES, _MASK, _SAMPLES)
  share = samples.mean((1, 3))
  return (SURE * (2 * share - 1)).astype(np.float32)
