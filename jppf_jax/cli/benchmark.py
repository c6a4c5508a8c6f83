"""`jppf benchmark {metrics,input} [--out=FILE.json]`: measures speed, without compilation.

Ratios compare two implementations in one run.
"""

import importlib

from absl import app

from jppf_jax.cli.errors import plainly
from jppf_jax.cli.file_flags import OUT
from jppf_jax.saving import require_file

SUBJECTS = ("metrics", "input")  # modules of `jppf_jax.benchmarks`


def main(argv: list[str]) -> None:
  """Runs the benchmark that the command line names."""
  if len(argv) != 2 or argv[1] not in SUBJECTS:
    names = ",".join(SUBJECTS)
    raise app.UsageError(f"Say what to measure: `jppf benchmark {{{names}}}`; got {argv[1:]}.")
  if OUT.value is not None:
    with plainly("benchmark", OSError):
      require_file(OUT.value)
  subject = importlib.import_module(f"jppf_jax.benchmarks.{argv[1]}")
  subject.run(OUT.value)


if __name__ == "__main__":
  app.run(main)
