"""`jppf benchmark {metrics,input,inference,train,fusion,ops} [--out=FILE]`: measures speed.

Compilation is measured apart. Ratios compare two implementations in one run.

- metrics: seconds of the released evaluator for an image, and ours
- input: what the input pipeline costs at 1024 x 2048, stage by stage
- inference: seconds, memory and work of each stage of the paper's network, and the rows of the
  paper's Table 5; with --growth how seconds and memory grow with the problem
- train: seconds of the parts of a training step, its memory, and the wait for the input
- fusion: seconds and memory of both fusions, beside plain versions
- ops: seconds and memory of RoIAlign, NMS and masks, each alone

Example: `jppf benchmark inference --encoder=b5 --size=1024x2048`
"""

import importlib
import sys
from pathlib import Path
from typing import Any

from absl import app, flags

from jppf_jax.cli import command, configs, run_flags
from jppf_jax.cli.errors import plainly
from jppf_jax.cli.file_flags import OUT
from jppf_jax.cli.help_text import suggestion
from jppf_jax.saving import require_file, require_json

SUBJECTS = ("metrics", "input", "inference", "train", "fusion", "ops")  # of `jppf_jax.benchmarks`

_GROWTH = flags.DEFINE_bool(
  "growth", False, "inference: by pixels, classes, parts and detections, in place of the stages"
)
_ENCODER = flags.DEFINE_string(
  "encoder", None, "NAME: inference: b0 to b7 or lite0 to lite4 (default: b5; growth: lite0)"
)
_DTYPE = flags.DEFINE_enum(
  "dtype", None, ["float32", "bfloat16"], "inference: of the products (default: float32)"
)
_REPEATS = flags.DEFINE_integer(
  "repeats",
  None,
  "N: inference, train, fusion, ops: the median of N calls (default: 3 to 7)",
  lower_bound=1,
)
_DETECTIONS = flags.DEFINE_integer(
  "detections", None, "N: inference, fusion: how many compete (default: 100)", lower_bound=1
)
_PICTURE = flags.DEFINE_string(
  "picture", None, "FILE.png: inference, train: the figures drawn (default: none)"
)
_OF_NETWORK = (_ENCODER, run_flags.SIZE, _DTYPE, _REPEATS, _DETECTIONS, _PICTURE)
_OPTIONS = (run_flags.CONFIG, *_OF_NETWORK)
_OF_SUBJECT = {
  "inference": _OF_NETWORK,
  "train": (run_flags.CONFIG, _REPEATS, _PICTURE),
  "fusion": (run_flags.SIZE, _REPEATS, _DETECTIONS),
  "ops": (run_flags.SIZE, _REPEATS),
}
_MULTIPLES = {"inference": 32, "fusion": 4, "ops": 32}  # of the sides of --size

_CONFIG = "cpp_generated"  # without --config
_CONFIG_TEXT = f"CONFIG: train: a config of the package, or a FILE.py (default: {_CONFIG})"
_SIZE_TEXT = (
  "HxW: of the image: inference, ops: multiples of 32 (default: 512x1024); "
  "fusion: multiples of 4 (default: 1024x2048)"
)

FLAGS = (
  (OUT, "FILE: the figures as JSON (default: they are only printed)"),
  _PICTURE,
  (run_flags.CONFIG, _CONFIG_TEXT),
  run_flags.CHANGES,
  _GROWTH,
  _ENCODER,
  (run_flags.SIZE, _SIZE_TEXT),
  _DTYPE,
  _REPEATS,
  _DETECTIONS,
)


def main(argv: list[str]) -> None:
  """Runs the benchmark that the command line names."""
  if len(argv) != 2 or argv[1] not in SUBJECTS:
    names = ",".join(SUBJECTS)
    near = suggestion(argv[1], SUBJECTS) if len(argv) == 2 else "."
    raise app.UsageError(f"Say what to measure: `jppf benchmark {{{names}}}`; got {argv[1:]}{near}")
  name = argv[1]
  options = _options(name)
  if _GROWTH.value and name != "inference":
    raise app.UsageError("--growth: only `jppf benchmark inference` can have this flag.")
  module = "growth" if _GROWTH.value else name
  subject = importlib.import_module(f"jppf_jax.benchmarks.{module}")
  if _PICTURE.value is not None and Path(_PICTURE.value).suffix.lower() != ".png":
    raise app.UsageError(
      f"--picture: the picture is a PNG; name a file that ends in .png, got {_PICTURE.value!r}."
    )
  with plainly("benchmark", *_expected(name)):
    if OUT.value is not None:
      require_json(OUT.value)
    if _PICTURE.value is not None:
      require_file(_PICTURE.value)
    subject.run(OUT.value, **options)


def _expected(subject: str) -> tuple[type[Exception], ...]:
  """Returns the errors in the user's files; any other is a fault of ours."""
  if subject != "train":
    return (OSError,)
  from jppf_jax.cli import train

  return train.expected()


def _options(subject: str) -> dict[str, Any]:
  """Returns the flags of the subject that were given, checked; refuses those of others."""
  own = _OF_SUBJECT.get(subject, ())
  given = [flag for flag in _OPTIONS if flag.value is not None]
  for flag in given:
    if flag.name not in {its.name for its in own}:
      owners = [
        name
        for name, its_flags in _OF_SUBJECT.items()
        if flag.name in {its.name for its in its_flags}
      ]
      names = " and ".join(f"`jppf benchmark {name}`" for name in owners)
      raise app.UsageError(f"--{flag.name}: only {names} can have this flag.")
  options: dict[str, Any] = {flag.name: flag.value for flag in given}
  if subject == "train":
    config = configs.load(run_flags.CONFIG.value or _CONFIG)
    options["config"] = configs.changed(config, run_flags.CHANGES.value)
  elif run_flags.CHANGES.value:
    raise app.UsageError("--config.PATH=VALUE: only `jppf benchmark train` can have such a flag.")
  if run_flags.SIZE.value is not None:
    options["size"] = run_flags.rows_and_columns(multiple=_MULTIPLES[subject])
  if _ENCODER.value is not None:
    from jppf_jax.encoder.variants import variant

    try:
      variant(_ENCODER.value)
    except ValueError as error:
      raise app.UsageError(f"--encoder: {error}") from error
  return options


if __name__ == "__main__":
  command.run_module(sys.modules[__name__])
