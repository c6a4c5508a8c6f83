"""`jppf export --out=DIR [--weights=MODEL]`: writes the whole program, image to parts, as a folder
that runs without this library.

The folder has the program as StableHLO, the weights, what the ids mean, and `load.py`, which needs
only JAX, flatbuffers and NumPy.

Example: `jppf export --weights=runs/clothing --out=exported --size=384x256`
"""

import sys
from pathlib import Path

from absl import app, flags

from jppf_jax.cli import command, run_flags
from jppf_jax.cli.errors import plainly
from jppf_jax.cli.file_flags import OUT
from jppf_jax.cli.predict import about_weights, config_and_weights
from jppf_jax.saving import require_folder

_PLATFORMS = flags.DEFINE_list("platforms", ["cpu", "cuda", "tpu"], "NAMES: where it is to run")

FLAGS = (
  (OUT, "DIR: where the program is written (required)"),
  run_flags.WEIGHTS,
  (run_flags.WORKDIR, "DIR: the folder of a run, in place of --weights (default: none)"),
  run_flags.WHICH,
  (run_flags.CONFIG, f"{run_flags.CONFIG_TEXT} (default: the config of the weights)"),
  run_flags.CHANGES,
  (run_flags.SIZE, "HxW: of the images (default: data.eval_size of the config)"),
  run_flags.BATCH_SIZE,
  _PLATFORMS,
)


def main(argv: list[str]) -> None:
  """Exports the program and says how it is used."""
  if len(argv) > 1 or OUT.value is None:
    raise app.UsageError("Needs --out=DIR, e.g. `jppf export --workdir=runs/x --out=exported`.")
  size = run_flags.rows_and_columns()
  folder = Path(OUT.value)
  with plainly("export", OSError):
    require_folder(folder)
  from jppf_jax.checkpoints.run_folder import RunError
  from jppf_jax.checkpoints.weights import WeightsError
  from jppf_jax.config_rules import ConfigError
  from jppf_jax.evaluation.export import ExportError, export
  from jppf_jax.evaluation.predict import load_predictor

  with plainly("export", ConfigError, RunError, WeightsError, ExportError, OSError):
    config, weights = config_and_weights()
    print(about_weights(weights), file=sys.stderr)
    predictor = load_predictor(config, weights)
    export(
      predictor,
      folder,
      size=size,
      batch_size=run_flags.BATCH_SIZE.value,
      platforms=_PLATFORMS.value,
    )
  height, width = size or predictor.size
  print(
    f"{folder}: images of {height} x {width} to parts, on {', '.join(_PLATFORMS.value)}.\n"
    f"In {folder}: from load import load; segment, about = load(); parts = segment(images)"
  )


if __name__ == "__main__":
  command.run_module(sys.modules[__name__])
