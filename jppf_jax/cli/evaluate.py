"""`jppf evaluate --config=... --workdir=...`: scores a run on its data set, joint fusion beside
top-down merging.
"""

from absl import app, flags
from rich.console import Console

from jppf_jax.checkpoints.weights import WeightsError
from jppf_jax.cli import run_flags
from jppf_jax.cli.errors import plainly
from jppf_jax.evaluation.evaluate import evaluate, summary
from jppf_jax.input_pipeline import datasets

_SPLIT = flags.DEFINE_string(
  "split", None, "Split of the config's data set; its eval_split if not given."
)
_PICTURES = flags.DEFINE_integer("pictures", 4, "How many images to draw.", lower_bound=0)


def main(argv: list[str]) -> None:
  if len(argv) > 1:
    raise app.UsageError(f"Unexpected {argv[1:]}; change values with --config.name=value.")
  config, workdir = run_flags.config_and_workdir()
  split = _SPLIT.value or config.data.eval_split
  with plainly("evaluate", WeightsError, datasets.data_error(), FileNotFoundError):
    report = evaluate(config, workdir, split=split, pictures=_PICTURES.value)
  console = Console()
  console.print(
    summary(report, f"{config.data.name}, {split}: {report['joint']['images']} images, percent")
  )
  if report["seconds_per_image"] is not None:
    console.print(f"{report['seconds_per_image']:.2f} s per image, compilation apart.")
  console.print(f"Scores and pictures: {workdir}/evaluation/{split}/", soft_wrap=True)


if __name__ == "__main__":
  app.run(main)
