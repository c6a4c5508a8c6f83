"""`jppf benchmark {metrics,input} [--out=FILE.json]`: measures speed, without compilation.

Ratios compare two implementations in one run.

- metrics: seconds of the released evaluator for an image, and ours
- input: what the input pipeline costs at 1024 x 2048, stage by stage

Example: `jppf benchmark metrics --out=metrics.json`
"""

import importlib
import sys

from absl import app

from jppf_jax.cli import command
from jppf_jax.cli.errors import plainly
from jppf_jax.cli.file_flags import OUT
from jppf_jax.cli.help_text import suggestion
from jppf_jax.saving import require_json

SUBJECTS = ("metrics", "input")  # modules of `jppf_jax.benchmarks`

FLAGS = ((OUT, "FILE: the figures as JSON (default: they are only printed)"),)


def main(argv: list[str]) -> None:
  """Runs the benchmark that the command line names."""
  if len(argv) != 2 or argv[1] not in SUBJECTS:
    names = ",".join(SUBJECTS)
    near = suggestion(argv[1], SUBJECTS) if len(argv) == 2 else "."
    raise app.UsageError(f"Say what to measure: `jppf benchmark {{{names}}}`; got {argv[1:]}{near}")
  subject = importlib.import_module(f"jppf_jax.benchmarks.{argv[1]}")
  with plainly("benchmark", OSError):
    if OUT.value is not None:
      require_json(OUT.value)
    subject.run(OUT.value)


if __name__ == "__main__":
  command.run_module(sys.modules[__name__])
