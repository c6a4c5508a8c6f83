"""`jppf benchmark {metrics,input} [--out=FILE.json]`: measures speed, compile time apart, ratios in
one run.
"""

import importlib

from absl import app

from jppf_jax.cli.file_flags import OUT

SUBJECTS = ("metrics", "input")  # modules of `jppf_jax.benchmarks`


def main(argv: list[str]) -> None:
  if len(argv) != 2 or argv[1] not in SUBJECTS:
    names = ",".join(SUBJECTS)
    raise app.UsageError(f"Say what to measure: `jppf benchmark {{{names}}}`; got {argv[1:]}.")
  importlib.import_module(f"jppf_jax.benchmarks.{argv[1]}").run(OUT.value)


if __name__ == "__main__":
  app.run(main)
