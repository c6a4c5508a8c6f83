"""`jppf VERB`: finds the module of the verb and hands it the command line. It imports no other.

Each verb can also be run as `python -m jppf_jax.cli.VERB`.
"""

import importlib
import sys

from jppf_jax.cli import command, help_text

VERBS = {
  "demo": "generate scenes, train, evaluate, draw: the whole path, small",
  "train": "train a config; the same command resumes",
  "evaluate": "score a run or a model on a dataset: both fusions, each head",
  "report": "the page of an evaluation: scores, images, mistakes",
  "predict": "segment images of any kind, no labels needed",
  "init": "a folder of photos and labels gets spec, builder and config",
  "convert": "labels of COCO, LabelMe, CVAT, VOC, Cityscapes to uids; back",
  "prepare": "check raw data, build a dataset, look at it",
  "score": "score predictions saved by any system",
  "merge": "top-down merge of saved panoptic and part predictions",
  "import-weights": "PyTorch weights become ours, strict on names and shapes",
  "export": "the program as StableHLO, to run without this library",
  "tables": "the paper's tables: train, evaluate, compare",
  "benchmark": "measure speed",
  "doctor": "versions, devices, caches, a tiny prediction: is all well?",
  "completion": "a script for bash, zsh or fish: complete verbs and flags",
}


def usage() -> str:
  """Returns the list of verbs as text, at most 80 columns wide."""
  rows = "\n".join(f"  {verb:<15} {text}" for verb, text in VERBS.items())
  return (
    f"usage: jppf VERB [flags]\n\n{rows}\n\n"
    "`jppf VERB --help` or `jppf help VERB` says what a verb does, and its flags.\n"
    "`jppf --version` prints the versions, for reports."
  )


@command.unread_is_no_error()
def run(argv: list[str] | None = None) -> None:
  """Runs a verb; the entry point of the console script.

  Args:
    argv: "jppf", the verb, its arguments and flags; the command line if None.
  """
  first, *rest = (sys.argv if argv is None else argv)[1:] or ["help"]
  questions = ("help", *command.HELP)
  if first in questions:
    verbs = [argument for argument in rest if argument not in questions]
    first, *rest = [verbs[0], "--help"] if verbs else ["help"]
  if first == "help":
    print(usage())
  elif first in ("version", *command.VERSION):
    print(help_text.version())
  elif first in VERBS:
    module = importlib.import_module(f"jppf_jax.cli.{first.replace('-', '_')}")
    command.run(module, first, rest)
  else:
    near = help_text.suggestion(first, VERBS)
    print(f"jppf: there is no verb {first!r}{near}\n\n{usage()}", file=sys.stderr)
    sys.exit(command.USAGE_STATUS)


if __name__ == "__main__":
  run()
