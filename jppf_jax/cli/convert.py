"""`jppf convert --from=TOOL SRC --spec=SPEC --out=DIR`: labels of other tools become photos and uid
TIFFs; `--to=TOOL` instead writes predictions for other tools.

--from: SRC is the folder of the tool, or the JSON of COCO. A name that is a class or class/part of
the spec maps by itself; `names:` in its YAML lists others. What uids cannot express is counted,
listed in DIR/conversion.txt and drawn in DIR/conversion.

--to: SRC is a folder of predictions or of uid TIFFs. coco has parts as categories, labelme polygons
to correct by hand; both need --photos.

Example: `jppf convert --from=labelme photos --spec=warehouse.yaml --out=warehouse`
"""

import shlex
import sys

from absl import app, flags

from jppf_jax.cli import command
from jppf_jax.cli.errors import plainly
from jppf_jax.cli.file_flags import FROM, OUT, PHOTOS, SPEC, SPLIT, one_of

_TO = flags.DEFINE_string("to", None, "TOOL: coco-panoptic, coco or labelme (required, or --from)")
_MIN_AREA = flags.DEFINE_integer(
  "min_area",
  None,
  "N: leave out pieces of fewer pixels, and fill them from around (default: none; of --to=labelme)",
  lower_bound=0,
)

FLAGS = (
  (FROM, "TOOL: coco, labelme, cvat, voc or cityscapes (required, or --to)"),
  _TO,
  SPEC,
  (OUT, "DIR: where the result goes (required)"),
  (PHOTOS, "DIR: the photos (default: in SRC; required for --to=coco and labelme)"),
  (SPLIT, "NAME: train or validation: a folder of that name (default: none; of --from)"),
  _MIN_AREA,
)
USAGE = "Needs one folder or file to read, --spec, --out=DIR, and either --from=TOOL or --to=TOOL."


def main(argv: list[str]) -> None:
  """Converts what the command line names."""
  spec, out = SPEC.value, OUT.value
  if len(argv) != 2 or spec is None or out is None or (FROM.value is None) == (_TO.value is None):
    raise app.UsageError(USAGE)
  if _TO.value is None:
    _read(argv[1], spec, out)
  else:
    _write(argv[1], spec, out)


def _read(source: str, spec: str, out: str) -> None:
  from jppf_jax.conversion import convert, sources
  from jppf_jax.labels import spec_names
  from jppf_jax.labels.quote import counted

  if _MIN_AREA.value is not None:
    raise app.UsageError("--min_area belongs to --to=labelme.")
  tool, split = one_of(FROM, sources.TOOLS), one_of(SPLIT, ("train", "validation"))
  assert tool is not None
  with plainly("convert", ValueError, OSError):
    report = convert.convert(tool, source, spec, out, photos=PHOTOS.value, split=split or "")
    names = spec_names.load(spec)
  print("\n".join(report.lines(names)))
  if report.counts:
    print(f"Listed in {out}/{convert.REPORT}*.txt, drawn in {out}/{convert.REPORT}/.")
  if report.failures or not report.written:
    count = counted(len(report.written), "photo")
    sys.exit(f"jppf convert: {count} converted, see above for the others.")
  if report.unknown:
    print(
      f"First mend the spec: {counted(len(report.unknown), 'name')} of the labels "
      f"{'is' if len(report.unknown) == 1 else 'are'} not in {spec}, see above. Convert again then."
    )
  print(f"Next: {shlex.join(['jppf', 'init', out])}")


def _write(predictions: str, spec: str, out: str) -> None:
  from jppf_jax.conversion import export
  from jppf_jax.labels.quote import counted

  tool = one_of(_TO, export.TOOLS)
  assert tool is not None
  if SPLIT.value is not None:
    raise app.UsageError("--split belongs to --from.")
  if _MIN_AREA.value is not None and tool != "labelme":
    raise app.UsageError("--min_area belongs to --to=labelme.")
  with plainly("convert", ValueError, OSError):
    number = export.export(
      tool, predictions, spec, out, photos=PHOTOS.value, min_area=_MIN_AREA.value or 0
    )
  print(f"{counted(number, 'image')} written to {out} for {tool}.")
  if tool == "coco-panoptic":
    print("COCO's panoptic form has no parts; they were left out.")


if __name__ == "__main__":
  command.run_module(sys.modules[__name__])
