"""What the folders of runs and of models store of their config, and where weights lie."""

import json
from pathlib import Path
from typing import Any

from jppf_jax.build.defaults import Config, completed, later_values, of_all_versions
from jppf_jax.build.network import label_spec, labels_of
from jppf_jax.checkpoints import model_folder, run_folder
from jppf_jax.checkpoints.weights import dataset_name
from jppf_jax_configs import cpp

RUN_WEIGHTS = model_folder.RUN_WEIGHTS  # in the folder of a run
WEIGHTS_OF_RUN = model_folder.OF_RUN  # the same and others, by name
# keys that the model hub reads in `config.json`
_OF_HUB = {"library_name": "jppf_jax", "model_type": "jppf", "architectures": ["JPPF"]}
_CLASSES = "id2label"


def run_config(workdir: str | Path) -> Config:
  """Returns the config that the folder of a run stores; it is valid in any working directory.

  The folder may be that of a model, see `store_model`: the keys of the model hub are left out.
  Values that a config may leave out are there, see `defaults.completed`.

  Raises:
    RunError: the folder holds no run, or its config is damaged.
  """
  like = json.loads(cpp.get_config().to_json_best_effort())
  folder = Path(workdir).resolve()
  stored = run_folder.read_config(folder, of_all_versions(like))
  own = {name: value for name, value in stored.items() if name not in (*_OF_HUB, _CLASSES)}
  return completed(Config(run_folder.filled(own, later_values())))


def store_run(config: Config, workdir: Path) -> None:
  """Writes what `run_config` reads, and the taxonomy if it is a file."""
  run_folder.write_run(workdir, stored_config(config), _taxonomy_file(config))


def model_config(folder: Path) -> Config:
  """Returns the config in the folder of a model or of a run.

  What prediction needs must be there. Values that only training reads may come from another version
  of this package: unknown ones are left out, missing ones are those of `configs/cpp.py`.

  Raises:
    RunError: the folder has no config, or it is damaged.
  """
  default = cpp.get_config().to_dict()
  needed = {name: default[name] for name in ("model", "detection", "fusion")}
  needed["data"] = {name: default["data"][name] for name in ("labels", "eval_size")}
  stored = run_folder.read_config(folder.resolve(), of_all_versions(needed))
  known = {name: value for name, value in stored.items() if name in default}
  return completed(Config(run_folder.filled(known, default)))


def store_model(config: Config, folder: Path) -> None:
  """Writes what `model_config` reads, with the keys of the model hub.

  Nothing in it depends on this machine: the paths of data and of pretrained weights are left out.
  """
  default, stored = cpp.get_config(), stored_config(config)
  name = dataset_name(stored["data"]["name"])
  stored["data"] |= {"name": name, "data_dir": default.data.data_dir, "manual_dir": ""}
  start = Path(stored["model"]["pretrained"])
  if start.name != str(start) or start.suffix:
    stored["model"]["pretrained"] = ""
  names = dict(enumerate(label_spec(config).class_names))
  run_folder.write_run(folder, _OF_HUB | {_CLASSES: names} | stored, _taxonomy_file(config))


def _taxonomy_file(config: Config) -> Path | None:
  """Returns the YAML file of the taxonomy; None if it is one of ours."""
  labels = Path(labels_of(config))
  return labels if labels.suffix in (".yaml", ".yml") else None


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
  """Returns the file of shipped weights ("demo"), that of a folder, or the path itself."""
  if name_or_path in model_folder.shipped():
    return model_folder.weights_in(model_folder.find(name_or_path))
  path = Path(name_or_path)
  return model_folder.weights_in(path) if path.is_dir() else path
