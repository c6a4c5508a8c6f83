"""What the folder of a run stores of its config, and where weights lie."""

import json
from pathlib import Path
from typing import Any

from jppf_jax.build.network import Config, labels_of
from jppf_jax.checkpoints import run_folder
from jppf_jax_configs import cpp

WEIGHTS = Path(__file__).parents[1] / "weights"  # shipped with the package
RUN_WEIGHTS = "weights.safetensors"  # in the folder of a run


def run_config(workdir: str | Path) -> Config:
  """Returns the config that the folder of a run stores; it is valid in any working directory.

  Raises:
    RunError: the folder holds no run, or its config is damaged.
  """
  like = json.loads(cpp.get_config().to_json_best_effort())
  stored = run_folder.read_config(Path(workdir).resolve(), like)
  return Config(stored).lock()


def store_run(config: Config, workdir: Path) -> None:
  """Writes what `run_config` reads, and the taxonomy if it is a file."""
  labels = labels_of(config)
  taxonomy = Path(labels) if Path(labels).suffix in (".yaml", ".yml") else None
  run_folder.write_run(workdir, stored_config(config), taxonomy)


def stored_config(config: Config) -> dict[str, Any]:
  """Returns the config as JSON values: absolute paths, and the taxonomy by name.

  A taxonomy that is a file has the name of its copy in the folder of the run.
  """
  stored = json.loads(config.to_json_best_effort())
  data, model = stored["data"], stored["model"]
  labels = Path(labels_of(config))
  data["labels"] = labels.name
  data["data_dir"] = _absolute(data["data_dir"])
  if data["manual_dir"]:
    data["manual_dir"] = _absolute(data["manual_dir"])
  if data["name"].endswith(".py"):
    data["name"] = _absolute(data["name"])
  if Path(model["pretrained"]).is_file():
    model["pretrained"] = _absolute(model["pretrained"])
  return stored


def _absolute(path: str) -> str:
  return str(Path(path).absolute())


def weights_path(name_or_path: str) -> Path:
  """Returns the file of shipped weights ("demo") or the path itself."""
  shipped = WEIGHTS / f"{name_or_path}.safetensors"
  return shipped if shipped.is_file() else Path(name_or_path)
