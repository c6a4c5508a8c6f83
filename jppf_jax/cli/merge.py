"""`jppf merge --spec=cpp --panoptic=DIR --parts=DIR --out=DIR`: top-down merge of saved
predictions.

The panoptic prediction is a COCO panoptic folder (its JSON beside it as DIR.json, or in it), or a
folder of three-channel PNGs, uid TIFFs or Cityscapes instanceIds. Or it is made from
`--semantic=DIR` (scene ids) and `--instances` (a COCO results JSON, or a folder in Cityscapes'
format). Parts are PNGs with the part channels of the spec. The results are three-channel PNGs; an
image with more than 256 instances of a class becomes a uid TIFF.

Example: `jppf merge --spec=cpp --panoptic=panoptic --parts=parts --out=merged`
"""

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from absl import app, flags

from jppf_jax.cli import command
from jppf_jax.cli.errors import plainly
from jppf_jax.cli.file_flags import OUT, SPEC
from jppf_jax.saving import require_outside

if TYPE_CHECKING:
  from jppf_jax.evaluation.merge import Source
  from jppf_jax.labels.spec import LabelSpec

_PANOPTIC = flags.DEFINE_string(
  "panoptic", None, "DIR: panoptic predictions (required, or the next two)"
)
_SEMANTIC = flags.DEFINE_string(
  "semantic", None, "DIR: without --panoptic: PNGs with scene ids (required then)"
)
_INSTANCES = flags.DEFINE_string(
  "instances",
  None,
  "PATH: without --panoptic: COCO results JSON, or Cityscapes folder (required then)",
)
_PARTS = flags.DEFINE_string(
  "parts", None, "DIR: PNGs with part channels, 0 = background (required)"
)
_CONFIDENCE = flags.DEFINE_float("confidence", 0.5, "X: lowest score of an instance")
_OVERLAP = flags.DEFINE_float("overlap", 0.5, "X: share of an instance that may be taken already")
_MIN_STUFF = flags.DEFINE_integer(
  "min_stuff", 1024, "N: fewest pixels of a stuff class", lower_bound=0
)
for _name in ("confidence", "overlap"):  # absl's bounds let NaN pass
  flags.register_validator(_name, lambda share: 0 <= share <= 1, "Expected a number from 0 to 1.")

FLAGS = (
  SPEC,
  _PANOPTIC,
  _SEMANTIC,
  _INSTANCES,
  _PARTS,
  (OUT, "DIR: where the merged PNGs are written (required)"),
  _CONFIDENCE,
  _OVERLAP,
  _MIN_STUFF,
)

USAGE = (
  "Needs --spec, --parts=DIR, --out=DIR, and either --panoptic, or --semantic and --instances."
)


def main(argv: list[str]) -> None:
  """Merges the folders that the flags name."""
  spec_name, parts, out = SPEC.value, _PARTS.value, OUT.value
  if len(argv) > 1 or spec_name is None or parts is None or out is None:
    raise app.UsageError(USAGE)
  from jppf_jax.evaluation.merge import merge_folder
  from jppf_jax.labels.registry import load_spec

  with plainly("merge", ValueError, OSError):
    spec = load_spec(spec_name)
    require_outside(out, _folders_read())
    source = panoptic_predictions(spec)
    crowded = merge_folder(source, Path(parts), Path(out), spec)
  if crowded:
    print(f"{len(crowded)} have more than 256 instances of a class: uid TIFFs, e.g. {crowded[0]}.")
  score = shlex.join(["jppf", "score", f"--pred={out}"])
  print(f"{len(source)} images written to {out}; score them with {score}.")


def _folders_read() -> Iterator[Path]:
  """Yields the folders of predictions that the flags name."""
  from jppf_jax.evaluation.merge import folder_read

  for given in (_SEMANTIC.value, _INSTANCES.value):
    if given is not None:
      yield Path(given)
  if _PANOPTIC.value is not None:
    yield folder_read(Path(_PANOPTIC.value))


def panoptic_predictions(spec: "LabelSpec") -> "Source":
  """Returns the panoptic predictions that the flags name.

  Raises:
    UsageError: neither `--panoptic` nor the pair `--semantic`, `--instances` is given, or more.
  """
  from jppf_jax.evaluation.merge import instance_source, panoptic_source

  panoptic, semantic, instances = _PANOPTIC.value, _SEMANTIC.value, _INSTANCES.value
  if panoptic and semantic is None and instances is None:
    return panoptic_source(Path(panoptic), spec)
  if panoptic or semantic is None or instances is None:
    raise app.UsageError(USAGE)
  return instance_source(
    Path(semantic),
    Path(instances),
    spec,
    confidence=_CONFIDENCE.value,
    overlap=_OVERLAP.value,
    min_stuff=_MIN_STUFF.value,
  )


if __name__ == "__main__":
  command.run_module(sys.modules[__name__])
