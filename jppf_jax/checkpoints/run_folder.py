"""The config and the taxonomy in the folder of a run: with the weights, all that a run needs.

The config is `config.json`. A taxonomy that is no name of ours is copied beside it, and the config
names the copy, so that the folder can be moved.
"""

import json
from pathlib import Path
from typing import Any

from jppf_jax.saving import write_text

CONFIG = "config.json"


class RunError(ValueError):
  """A folder holds no run, or what it stores cannot be read."""


def write_run(workdir: Path, config: dict[str, Any], taxonomy: Path | None) -> None:
  """Writes the config, and the copy of the taxonomy that it names.

  Args:
    workdir: the folder of the run.
    config: JSON values; `["data"]["labels"]` is the name of the copy if there is one.
    taxonomy: the YAML file to copy; None if the config names one of our taxonomies.
  """
  if taxonomy is not None:
    write_text(workdir / config["data"]["labels"], taxonomy.read_text(encoding="utf-8"))
  write_text(workdir / CONFIG, json.dumps(config, indent=2))


def read_config(workdir: Path, like: dict[str, Any]) -> dict[str, Any]:
  """Returns the config of a run. Lists become tuples, as they are in configs.

  Args:
    workdir: the folder of the run.
    like: a config whose keys must all be there, with values of the same type.

  Raises:
    RunError: the folder has no config.
    RunError: the file is no JSON, or values are missing or of another type; all are listed.
  """
  path = workdir / CONFIG
  if not path.is_file():
    raise RunError(
      f"{workdir} holds no run: there is no {CONFIG}. Train one with `jppf train`, or name the "
      "folder of one with --workdir."
    )
  try:
    config = json.loads(path.read_bytes())
  except ValueError as error:  # no JSON, or no text
    raise RunError(f"{path} is damaged: {error}; give the config with --config=FILE.") from error
  config = _with_tuples(config)
  problems = list(_problems(config, like))
  if problems:
    listed = "".join(f"\n  {problem}" for problem in problems)
    raise RunError(
      f"{path} is damaged or from another version; give the config with --config=FILE:{listed}"
    )
  if (workdir / config["data"]["labels"]).is_file():
    config["data"]["labels"] = str(workdir / config["data"]["labels"])
  return config


def filled(values: dict[str, Any], default: dict[str, Any]) -> dict[str, Any]:
  """Returns nested values, with those of `default` where they have none."""
  result = {**default, **values}
  for key, inner in default.items():
    if isinstance(inner, dict) and isinstance(values.get(key), dict):
      result[key] = filled(values[key], inner)
  return result


def _with_tuples(value: Any) -> Any:
  """Replaces lists by tuples, at any depth."""
  if isinstance(value, dict):
    return {key: _with_tuples(entry) for key, entry in value.items()}
  return tuple(map(_with_tuples, value)) if isinstance(value, list) else value


def _problems(found: Any, like: Any, name: str = "config") -> list[str]:
  """Returns one line for each value that is missing or of another type than in `like`."""
  if isinstance(like, dict):
    if not isinstance(found, dict):
      return [f"{name} is no mapping of names to values"]
    lines = []
    for key, wanted in like.items():
      inner = f"{name}.{key}"
      lines += _problems(found[key], wanted, inner) if key in found else [f"{inner} is missing"]
    return lines
  if _kind(found) == _kind(like) or (_kind(found), _kind(like)) == ("int", "float"):
    return []
  return [f"{name} is {found!r}, expected a value like {like!r}"]


def _kind(value: Any) -> str:
  """Returns the name of a type; sequences also say what they hold."""
  if not isinstance(value, list | tuple):
    return type(value).__name__
  return "numbers" if all(type(entry) in (int, float) for entry in value) else "others"


def changes(before: dict[str, Any], now: dict[str, Any], name: str = "") -> list[str]:
  """Returns each value that differs between two configs, such as "seed 0 -> 1"."""
  found = []
  for key in sorted(before.keys() | now.keys()):
    old, new = before.get(key), now.get(key)
    inner = f"{name}.{key}" if name else key
    if isinstance(old, dict) and isinstance(new, dict):
      found += changes(old, new, inner)
    elif _with_tuples(old) != _with_tuples(new):
      found.append(f"{inner} {old} -> {new}")
  return found
