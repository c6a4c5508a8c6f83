"""Figures 4 to 6 of the paper: photo, ground truth, Baseline*, JPPF with top-down merge, JPPF."""

from pathlib import Path

from jppf_jax import build
from jppf_jax.evaluation.save import save_picture
from jppf_jax.tables.runs import Runs
from jppf_jax.visualization import render

SHOWN = ("baseline", "jppf")  # systems that are needed


def write_figures(runs: Runs, folder: Path, *, count: int = 4) -> list[Path]:
  """Draws the first images of the split that is evaluated, by the runs of the first seed.

  Returns the files.

  Args:
    runs: with both systems of `SHOWN` trained.
    folder: where `<image id>.png` go.
    count: how many images.
  """
  seed = runs.base.seed
  config = runs.config("jppf", seed)
  examples = build.examples(config, build.eval_split(config))
  baseline, jppf = (runs.comparison(system, seed) for system in SHOWN)
  files = []
  for index in range(min(count, len(examples))):
    example = examples[index]
    image = example["image"]
    of_baseline, of_jppf = baseline(image), jppf(image)
    answers: dict[str, render.Answer | None] = {
      "Ground truth": jppf.spec.decode(example["uids"]),
      "Baseline*": of_baseline.top_down,
      "JPPF, top-down merge": of_jppf.top_down,
      "JPPF": of_jppf.joint,
    }
    drawn = {title: answer for title, answer in answers.items() if answer is not None}
    files.append(folder / f"{example['image_id']}.png")
    save_picture(files[-1], render.comparison(image, drawn, jppf.spec))
  return files
