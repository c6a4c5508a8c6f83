"""The flags that the verbs about runs share; absl allows one definition of each."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from absl import app, flags

from jppf_jax import config_rules
from jppf_jax.cli import configs

if TYPE_CHECKING:
  from jppf_jax.build import Config
  from jppf_jax.evaluation.together import Source

CONFIG_TEXT = f"CONFIG: a config of the package ({', '.join(configs.names())}), or a FILE.py"
WORKDIR_TEXT = "DIR: the folder of the run: checkpoints, logs, results, pictures"

CONFIG = flags.DEFINE_string("config", None, CONFIG_TEXT)
CHANGES = flags.DEFINE_multi_string(
  "config.PATH",
  [],
  "VALUE: change a value of the config, e.g. --config.data.batch_size=2 (default: none)",
)
WORKDIR = flags.DEFINE_string("workdir", None, WORKDIR_TEXT)
WHICH = flags.DEFINE_enum(
  "which",
  "last",
  ["last", "ema", "best"],
  "which weights of --workdir: the last, their moving average, or those of the best evaluation",
)
PART_WORKDIR = flags.DEFINE_string(
  "part_workdir", None, "DIR: a run whose part head is used, trained apart (default: none)"
)
INSTANCE_WORKDIR = flags.DEFINE_string(
  "instance_workdir", None, "DIR: a run whose instance head is used (default: none)"
)
WEIGHTS = flags.DEFINE_string(
  "weights", None, "MODEL: of the package by name, or a folder (default: the best of the package)"
)
SIZE = flags.DEFINE_string("size", None, "HxW: height and width of the images")
BATCH_SIZE = flags.DEFINE_integer(
  "batch_size", 1, "N: images that are computed together", lower_bound=1
)
SCALES = flags.DEFINE_list(
  "scales",
  None,
  "NUMBERS: scales at which the network sees each image, e.g. 0.75,1,1.25 (default: 1, or those of "
  "the config)",
)
FLIP = flags.DEFINE_bool(
  "flip", None, "the network sees each image mirrored, too (default: the config's)"
)

_SIZE = re.compile(r"(\d+)\s*[x,]\s*(\d+)")
_CHANGE = re.compile(r"--?(no)?config\.([^=]+)(=.*)?", re.DOTALL)


def as_flags(argv: Iterable[str]) -> list[str]:
  """Returns the arguments with `--config.a.b=text` as values of the flag `CHANGES`.

  The text may also be the next argument; `--noconfig.a.b` means false.
  """
  rest, written = list(argv), []
  while rest and rest[0] != "--":
    argument = rest.pop(0)
    found = _CHANGE.fullmatch(argument)
    if found is None:
      written.append(argument)
      continue
    negated, path, text = found.groups()
    if negated:
      text = "=false"
    elif text is None and rest and not rest[0].startswith("-"):
      text = f"={rest.pop(0)}"
    written.append(f"--{CHANGES.name}={path}{text or ''}")
  return [*written, *rest]


def config_or_none() -> "Config | None":
  """Returns the config of `--config`, with the changes of `--config.name=value`; None without it.

  Raises:
    UsageError: the config cannot be loaded, or has no such value.
  """
  if CONFIG.value is None:
    return None
  from jppf_jax import build

  return configs.changed(build.completed(configs.load(CONFIG.value)), CHANGES.value)


def config_or(other: "Callable[[], Config]") -> "Config":
  """Returns the config of `--config`, or else the `other`, with the changes of `--config.name`.

  Raises:
    UsageError: the config cannot be loaded, or has no such value.
  """
  return config_or_none() or configs.changed(other(), CHANGES.value)


def tested(config: "Config") -> "Config":
  """Returns the config with the changes of `--scales` and `--flip`.

  Raises:
    UsageError: a scale is no number, or too small or too large.
  """
  changes = []
  if SCALES.value is not None:
    changes.append(f"testing.scales={_scales(SCALES.value)}")
  if FLIP.value is not None:
    changes.append(f"testing.flip={FLIP.value}")
  return configs.changed(config, changes) if changes else config


def _scales(texts: list[str]) -> tuple[float, ...]:
  """Returns the numbers of `--scales`.

  Raises:
    UsageError: one of them is no number, or too small or too large.
  """
  allowed, which = config_rules.SCALES
  try:
    scales = tuple(map(float, texts))
  except ValueError:
    scales = ()
  if not allowed(scales):
    raise app.UsageError(f"--scales must be {which}, like 0.75,1,1.25; got {','.join(texts)!r}.")
  return scales


def rows_and_columns(*, multiple: int = 1) -> tuple[int, int] | None:
  """Returns the height and width of `--size`, None without it.

  Args:
    multiple: both must be multiples of it.

  Raises:
    UsageError: they are not, or the text is no size.
  """
  if SIZE.value is None:
    return None
  found = _SIZE.fullmatch(SIZE.value)
  height, width = (int(found[1]), int(found[2])) if found else (0, 0)
  if not (height and width) or height % multiple or width % multiple:
    multiples = "" if multiple == 1 else f", multiples of {multiple}"
    raise app.UsageError(f"--size is height x width{multiples}, like 512x1024; got {SIZE.value!r}.")
  return height, width


def workdir_or_none() -> Path | None:
  """Returns the absolute path of `--workdir`.

  Raises:
    UsageError: it is a file, or lies below one.
  """
  if WORKDIR.value is None:
    return None
  path = Path(WORKDIR.value).resolve()
  for above in (path, *path.parents):
    if above.exists() and not above.is_dir():
      raise app.UsageError(f"--workdir={WORKDIR.value} is no folder: {above} is a file.")
  return path


def config_and_workdir() -> "tuple[Config, Path]":
  """Returns the config and the absolute path of the folder.

  Raises:
    UsageError: one of the two flags is not given.
    UsageError: the config cannot be loaded, or has no such value.
  """
  config, workdir = config_or_none(), workdir_or_none()
  if config is None or workdir is None:
    raise app.UsageError(
      f"Needs --config=CONFIG ({', '.join(configs.names())}, or a FILE.py) and --workdir=DIR."
    )
  return config, workdir


def run_of_workdir() -> "tuple[Config, Path]":
  """Returns the config and the folder of a run that was trained.

  The config is the one that the folder stores; `--config` replaces it, `--config.name=value`
  changes one value.

  Raises:
    UsageError: `--workdir` is not given, or as `config_or`.
    RunError: the folder has no readable config, and `--config` is not given.
  """
  workdir = workdir_or_none()
  if workdir is None:
    raise app.UsageError("Needs --workdir=DIR, the folder of a run.")
  from jppf_jax import build

  return config_or(lambda: build.run_config(workdir)), workdir


def named_model(name: str) -> "tuple[Config, Path]":
  """Returns the config and the weights file of a model, as `--weights` names it.

  `--config` replaces the config, `--config.name=value` changes one value.

  Raises:
    UsageError: the name is empty; `--which` is given, which only runs have; or as `config_or`.
    RunError: the folder has no readable config, and `--config` is not given.
    WeightsError: there is no such model.
  """
  if WHICH.value != "last":
    raise app.UsageError(
      f"--which={WHICH.value} is for the weights of a run: name its folder with --workdir, and no "
      "--weights."
    )
  if not name:
    raise app.UsageError("--weights= names no model: give a name or a folder, or leave it out.")
  from jppf_jax import build
  from jppf_jax.checkpoints import model_folder

  folder = model_folder.find(name)
  return config_or(lambda: build.model_config(folder)), model_folder.weights_in(folder)


def weights_of_run(workdir: Path) -> Path:
  """Returns the weights file of a run that `--which` names; the last one may not exist.

  Raises:
    WeightsError: the run keeps no such weights.
  """
  from jppf_jax.checkpoints import model_folder

  return model_folder.weights_in(workdir, WHICH.value)


def other_networks() -> "dict[str, Source]":
  """Returns the networks of `--part_workdir` and `--instance_workdir`, by head.

  `--config.name=value` changes their configs too.

  Raises:
    UsageError: the config has no such value.
    RunError: a folder has no readable config.
  """
  from jppf_jax import build
  from jppf_jax.evaluation.together import Source

  found = {}
  for head, flag in (("part", PART_WORKDIR), ("instance", INSTANCE_WORKDIR)):
    if flag.value is not None:
      folder = Path(flag.value).resolve()
      config = configs.changed(build.run_config(folder), CHANGES.value)
      found[head] = Source(config, folder / build.RUN_WEIGHTS)
  return found
