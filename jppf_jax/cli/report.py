"""`jppf report --workdir=DIR [--compare=DIR] [--out=FILE.html]`: the page of an evaluation, one
HTML file to open from disk.

Scores, images with prediction and truth as layers, classes, parts, confusions, and what was
trained; with `--compare` also what changed since another run. `jppf evaluate` writes the page, too.

`--spec`, `--gt` and `--pred` make the page of predictions that any system saved, as `jppf score`
takes them; `--photos` adds the photos.

Example: `jppf report --workdir=runs/new --compare=runs/old --out=changes.html`
"""

import sys
from functools import partial
from pathlib import Path

from absl import app, flags

from jppf_jax.cli import command, run_flags
from jppf_jax.cli.errors import plainly
from jppf_jax.cli.file_flags import GT, OUT, PHOTOS, PRED, SPEC
from jppf_jax.saving import require_file

_COMPARE = flags.DEFINE_string(
  "compare", None, "DIR: another run, evaluated on the same images (default: none)"
)
_IMAGES = flags.DEFINE_integer(
  "images", 50, "N: how many images the page shows, worst first", lower_bound=0
)
_EVALUATION = flags.DEFINE_string(
  "evaluation",
  None,
  "NAME: a folder in DIR/evaluation (default: of the split that the config evaluates on)",
)

_BENCHMARK = flags.DEFINE_string(
  "benchmark",
  None,
  "FILE: the figures of jppf benchmark inference (default: benchmark.json of the run, if any)",
)

FLAGS = (
  (
    run_flags.WORKDIR,
    "DIR: the folder of the run, or of an evaluation (required, or the next three)",
  ),
  _COMPARE,
  _EVALUATION,
  _BENCHMARK,
  (SPEC, "SPEC: what ids mean, as for jppf score (default: that of the run)"),
  (GT, "DIR: ground truth, uids as TIFF or PNG (required with --spec)"),
  (PRED, "DIR: predictions, three-channel PNGs or uid TIFFs (required with --spec)"),
  (PHOTOS, "DIR: photos with the names of the predictions (default: none)"),
  _IMAGES,
  (OUT, "FILE.html: the page (default: report.html beside the scores)"),
)

USAGE = (
  "Needs --workdir=DIR, or --spec, --gt=DIR, --pred=DIR and --out=FILE.html; got neither, or both."
)


def main(argv: list[str]) -> None:
  """Writes the page and says where it is."""
  workdir = run_flags.WORKDIR.value
  spec_name, gt, pred = SPEC.value, GT.value, PRED.value
  has_files = any((spec_name, gt, pred))
  if len(argv) > 1 or has_files == (workdir is not None):
    raise app.UsageError(USAGE)
  from jppf_jax.labels.registry import load_spec
  from jppf_jax.report import page, predictions
  from jppf_jax.report.read import ReportError

  out = None if OUT.value is None else Path(OUT.value)
  compare = None if _COMPARE.value is None else Path(_COMPARE.value)
  with plainly("report", ReportError, ValueError, OSError):
    if out is not None:
      require_file(out)
    if workdir is not None:
      written = page.write(
        Path(workdir),
        out,
        split=_EVALUATION.value,
        compare=compare,
        count=_IMAGES.value,
        benchmark=None if _BENCHMARK.value is None else Path(_BENCHMARK.value),
        say=partial(print, file=sys.stderr),
      )
    elif spec_name is None or gt is None or pred is None or out is None:
      raise app.UsageError(USAGE)
    else:
      photos = None if PHOTOS.value is None else Path(PHOTOS.value)
      written = predictions.write(
        load_spec(spec_name), Path(gt), Path(pred), out, photos=photos, count=_IMAGES.value
      )
  size = written.stat().st_size / 1e6
  print(f"Report: {written} ({size:.1f} MB)")


if __name__ == "__main__":
  command.run_module(sys.modules[__name__])
