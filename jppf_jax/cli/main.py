"""`jppf VERB`: finds the verb's module, hands it the command line. Each verb is also `python -m
jppf_jax.cli.VERB`.
"""

import importlib
import sys

from absl import app, logging

VERBS = {
  "demo": "generate scenes, train, evaluate, draw: the whole path on one small example",
  "train": "train a config; the same command resumes",
  "evaluate": "score a run on a data set, joint fusion beside top-down merging",
  "predict": "segment images of any kind, no labels needed",
  "prepare": "check raw data, build a data set, look at it",
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
  """Entry point of the console script."""
  argv = list(sys.argv if argv is None else argv)
  if len(argv) < 2 or argv[1] in ("-h", "--help", "help"):
    print(usage())
    return
  verb = argv[1]
  if verb not in VERBS:
    print(f"jppf: there is no verb {verb!r}.\n\n{usage()}", file=sys.stderr)
    sys.exit(2)
  module = importlib.import_module(f"jppf_jax.cli.{verb.replace('-', '_')}")
  logging.set_verbosity(logging.WARNING)  # the libraries below us tell every step they take
  app.run(module.main, argv=[f"jppf {verb}", *argv[2:]])


if __name__ == "__main__":
  run()
