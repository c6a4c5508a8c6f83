"""Finds the folder of a model: one of the package, one on disk, or one of the model hub.

A model that is passed on is a folder with the file names of the hub:

- `config.json`: the config of its run, and the taxonomy's YAML file beside it if it names one;
- `model.safetensors`: parameters and running statistics, see `weights.py`;
- `README.md`: its card.

The folder of a run is one too: its weights are called `weights.safetensors`.
"""

import re
from pathlib import Path

from jppf_jax.checkpoints import hub
from jppf_jax.checkpoints.run_folder import CONFIG
from jppf_jax.checkpoints.weights import WeightsError

MODEL_WEIGHTS = "model.safetensors"
RUN_WEIGHTS = "weights.safetensors"
OF_RUN = {  # the weights that a run may keep
  "last": RUN_WEIGHTS,
  "ema": "weights_ema.safetensors",  # their exponential moving average
  "best": "weights_best.safetensors",  # those with the best scores while it trained
}
_KEPT_WITH = {"ema": "train.ema_decay=0.999", "best": "train.evaluate_every=500"}
CARD = "README.md"
PACKAGED = Path(__file__).parents[1] / "weights"

# name -> what the model was trained on; the best for photos first
_KNOWN = {
  "clothing": "photos of people and their clothes",
  "demo": "generated street scenes, no photos",
}
_ON_HUB = re.compile(r"[\w.-]+/[\w.-]+")


def shipped() -> dict[str, str]:
  """Returns what each model of the package was trained on, by name; the best for photos first."""
  return {name: text for name, text in _KNOWN.items() if (PACKAGED / name).is_dir()}


def find(name_or_folder: str | Path) -> Path:
  """Returns the folder of a model.

  Args:
    name_or_folder: the name of a model of the package ("demo"), a folder that has `config.json` and
      weights, or the name of a model on the hub ("owner/repo"), which is fetched.

  Raises:
    WeightsError: there is no such model, or it cannot be fetched.
  """
  name = str(name_or_folder)
  if name in shipped():
    return PACKAGED / name
  folder = Path(name)
  if folder.is_dir():
    _check(folder)
    return folder
  if folder.exists():
    raise WeightsError(f"{folder} is a file; name the folder that has {CONFIG} and the weights.")
  if _ON_HUB.fullmatch(name):
    fetched = hub.fetch(name, (CONFIG, MODEL_WEIGHTS, CARD, "*.yaml", "*.yml"))
    _check(fetched)
    return fetched
  names = ", ".join(shipped())
  raise WeightsError(
    f"There is no model {name!r}: expected a model of the package ({names}), a folder with "
    f"{CONFIG} and weights, or OWNER/NAME of the model hub."
  )


def weights_in(folder: Path, which: str = "last") -> Path:
  """Returns the weights file in the folder of a model or of a run; the last one may not exist.

  Args:
    folder: of a model, which has one file, or of a run.
    which: weights of a run, a name of `OF_RUN`.

  Raises:
    WeightsError: there are no weights of this name, or the folder does not keep them.
  """
  if which not in OF_RUN:
    raise WeightsError(f"Weights of a run are {', '.join(OF_RUN)}; got {which!r}.")
  own = folder / MODEL_WEIGHTS
  if which == "last":
    return own if own.is_file() else folder / RUN_WEIGHTS
  weights = folder / OF_RUN[which]
  if not weights.is_file():
    raise WeightsError(
      f"{folder} has no {weights.name}: a run keeps it if it is trained with "
      f"--config.{_KEPT_WITH[which]}, for example."
    )
  return weights


def _check(folder: Path) -> None:
  """Checks that a folder has what a model needs.

  Raises:
    WeightsError: it does not; says what is missing.
  """
  missing = [path.name for path in (folder / CONFIG, weights_in(folder)) if not path.is_file()]
  if missing:
    raise WeightsError(
      f"{folder} holds no model: there is no {' and no '.join(missing)}. A folder written by "
      "`save_pretrained`, or that of a run, has both."
    )


def require_no_run(folder: Path) -> None:
  """Checks that a folder is not that of a run, whose files those of a model would replace.

  Raises:
    FileExistsError: it is.
  """
  if (folder / RUN_WEIGHTS).exists() or (folder / "checkpoints").exists():
    raise FileExistsError(f"{folder} is the folder of a run; name another for the model.")
