"""`jppf evaluate --workdir=DIR`: scores a run on its dataset, with the config that it stores.

`--config` replaces that config. Joint fusion and top-down merging are scored side by side.
"""

from absl import app, flags
from rich.console import Console

from jppf_jax import build
from jppf_jax.checkpoints.run_folder import RunError
from jppf_jax.checkpoints.weights import WeightsError
from jppf_jax.cli import run_flags
from jppf_jax.cli.errors import plainly
from jppf_jax.evaluation.evaluate import evaluate, summary
from jppf_jax.input_pipeline import datasets

EXPECTED = (
  RunError,
  WeightsError,
  datasets.data_error(),
  datasets.BuildError,
  FileNotFoundError,
)

_SPLIT = flags.DEFINE_string(
  "split", None, "Split of the config's dataset; its eval_split if not given."
)
_PICTURES = flags.DEFINE_integer("pictures", 4, "How many images to draw.", lower_bound=0)


def main(argv: list[str]) -> None:
  """Evaluates the run and prints its scores."""
  if len(argv) > 1:
    raise app.UsageError(f"Unexpected {argv[1:]}; change values with --config.name=value.")
  with plainly("evaluate", *EXPECTED):
    config, workdir = run_flags.run_of_workdir()
    split = _SPLIT.value or build.eval_split(config)
    report = evaluate(config, workdir, split=split, pictures=_PICTURES.value)
  images, seconds = report["joint"]["images"], report["seconds_per_image"]
  console = Console()
  console.print(summary(report, f"{config.data.name}, {split}: {images} images, percent"))
  if seconds is not None:
    console.print(f"{seconds:.2f} s per image, compilation apart.")
  console.print(f"Scores and pictures: {workdir}/evaluation/{split}/", soft_wrap=True)


if __name__ == "__main__":
  app.run(main)
