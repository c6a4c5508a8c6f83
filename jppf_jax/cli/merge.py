"""`jppf merge --spec=cpp --panoptic=DIR --parts=DIR --out=DIR`: top-down merge of saved
predictions.

The panoptic prediction is a COCO panoptic folder (its JSON beside it as DIR.json, or in it), or a
folder of three-channel PNGs, uid TIFFs or Cityscapes instanceIds; or it is made from
`--semantic=DIR` (scene ids) and `--instances` (a COCO results JSON, or a folder in Cityscapes'
format). Parts are PNGs with the part channels of the spec. Written are three-channel PNGs.
"""

from pathlib import Path

from absl import app, flags

from jppf_jax.cli.errors import plainly
from jppf_jax.cli.file_flags import OUT, SPEC
from jppf_jax.evaluation.merge import instance_source, merge_folder, panoptic_source
from jppf_jax.labels.registry import load_spec

_PANOPTIC = flags.DEFINE_string("panoptic", None, "Folder of panoptic predictions.")
_SEMANTIC = flags.DEFINE_string(
  "semantic", None, "Without --panoptic: folder of PNGs with scene ids."
)
_INSTANCES = flags.DEFINE_string(
  "instances", None, "Without --panoptic: COCO results JSON, or Cityscapes folder."
)
_PARTS = flags.DEFINE_string("parts", None, "Folder of PNGs with part channels, 0 = background.")
_CONFIDENCE = flags.DEFINE_float("confidence", 0.5, "Lowest score of an instance.")
_OVERLAP = flags.DEFINE_float("overlap", 0.5, "Share of an instance that may be taken already.")
_MIN_STUFF = flags.DEFINE_integer("min_stuff", 1024, "Fewest pixels of a stuff class.")


def main(argv: list[str]) -> None:
  panoptic, both = _PANOPTIC.value, (_SEMANTIC.value, _INSTANCES.value)
  complete = both == (None, None) if panoptic else None not in both
  if len(argv) > 1 or None in (SPEC.value, _PARTS.value, OUT.value) or not complete:
    raise app.UsageError(
      "Needs --spec, --parts=DIR, --out=DIR, and either --panoptic, or --semantic and --instances."
    )
  with plainly("merge", ValueError, OSError):
    spec = load_spec(SPEC.value)
    if panoptic:
      source = panoptic_source(Path(panoptic), spec)
    else:
      options = {
        "confidence": _CONFIDENCE.value,
        "overlap": _OVERLAP.value,
        "min_stuff": _MIN_STUFF.value,
      }
      source = instance_source(Path(_SEMANTIC.value), Path(_INSTANCES.value), spec, **options)
    merge_folder(source, Path(_PARTS.value), Path(OUT.value), spec)
  print(
    f"{len(source)} images written to {OUT.value}; score them with jppf score --pred={OUT.value}."
  )


if __name__ == "__main__":
  app.run(main)
