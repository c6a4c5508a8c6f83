"""`jppf predict IMAGE... --out=DIR`: panoptic parts of any image, of any size, no labels needed.

Without `--workdir` the small weights that come with the package are used; they have seen generated
street scenes only.
"""

import json
import sys
from pathlib import Path

import ml_collections
from absl import app
from tqdm import tqdm

from jppf_jax import build
from jppf_jax.checkpoints.weights import WeightsError
from jppf_jax.cli import run_flags
from jppf_jax.cli.errors import plainly
from jppf_jax.cli.file_flags import OUT
from jppf_jax.evaluation.predict import load_predictor
from jppf_jax.evaluation.save import distinct_names, save_prediction
from jppf_jax.input_pipeline.images import ImageError, read_image
from jppf_jax.labels.formats import coco
from jppf_jax_configs import demo as demo_config


def config_and_weights() -> tuple[ml_collections.ConfigDict, Path]:
  """Returns the run's own config and weights (`--workdir`), or those of the demo; `--config`
  overrides the config.
  """
  workdir = run_flags.workdir_or_none()
  if workdir is None:
    return run_flags.config_or_none() or demo_config.get_config(), build.weights_path("demo")
  saved = workdir / "config.json"
  config = run_flags.config_or_none()
  if config is None:
    if not saved.is_file():
      raise app.UsageError(
        f"{workdir} holds no run: there is no config.json. Train one with `jppf train`."
      )
    config = ml_collections.ConfigDict(json.loads(saved.read_text()))
  return config, workdir / build.RUN_WEIGHTS


def main(argv: list[str]) -> None:
  paths = [Path(name) for name in argv[1:]]
  if not paths or OUT.value is None:
    raise app.UsageError(
      "Needs images and --out=DIR, e.g. `jppf predict photo.jpg --out=predictions`."
    )
  config, weights = config_and_weights()
  with plainly("predict", WeightsError, FileNotFoundError):
    predictor = load_predictor(config, weights)
  folder = Path(OUT.value)
  records, problems = [], []
  for path, name in zip(tqdm(paths, desc="predict", unit="image"), distinct_names(paths)):
    try:
      image = read_image(path)
    except ImageError as error:
      problems.append(str(error))
      continue
    records.append(save_prediction(folder, name, image, predictor(image).joint, predictor.spec))
  if records:
    coco.write_index(folder / "panoptic.json", records, predictor.spec)
    print(
      f"{len(records)} images: pictures in {folder}, labels in {folder}/uids, {folder}/channels, {folder}/panoptic"
    )
  if problems:
    sys.exit(
      f"{len(problems)} of {len(paths)} images could not be read:\n  " + "\n  ".join(problems)
    )


if __name__ == "__main__":
  app.run(main)
