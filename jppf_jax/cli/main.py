"""`jppf VERB`: finds the module of the verb and hands it the command line.

Each verb can also be run as `python -m jppf_jax.cli.VERB`.
"""

import importlib
import sys

from absl import app, logging

VERBS = {
  "demo": "generate scenes, train, evaluate, draw: the whole path on one small example",
  "train": "train a config; the same command resumes",
  "evaluate": "score a run on a dataset, joint fusion beside top-down merging",
  "predict": "segment images of any kind, no labels needed",
  "prepare": "check raw data, build a dataset, look at it",
  "score": "score predictions saved by any system",
  "merge": "top-down merge of saved panoptic and part predictions",
  "import-weights": "PyTorch weights become ours, strict on names and shapes",
  "benchmark": "measure speed",
}


def usage() -> str:
  """Returns the list of verbs as text."""
  rows = "\n".join(f"  {verb:<14} {text}" for verb, text in VERBS.items())
  return f"usage: jppf VERB [flags]\n\n{rows}\n\n`jppf VERB --help` lists the flags of a verb."


def run(argv: list[str] | None = None) -> None:
  """Runs a verb; the entry point of the console script.

  Args:
    argv: "jppf", the verb, its arguments and flags; the command line if None.
  """
  argv = list(sys.argv if argv is None else argv)
  if len(argv) < 2 or argv[1] in ("-h", "--help", "help"):
    print(usage())
    return
  verb = argv[1]
  if verb not in VERBS:
    print(f"jppf: there is no verb {verb!r}.\n\n{usage()}", file=sys.stderr)
    sys.exit(2)
  name = verb.replace("-", "_")
  module = importlib.import_module(f"jppf_jax.cli.{name}")
  logging.set_verbosity(logging.WARNING)  # the libraries below us log every step they take
  app.run(module.main, argv=[f"jppf {verb}", *argv[2:]])


if __name__ == "__main__":
  run()
