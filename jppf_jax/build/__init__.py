"""Turns a config into objects; no other room reads a config.

A config holds values only. All other modules take plain arguments: training and evaluation get the
config as a `Config` and pass it on to the functions here.

    defaults         values that a config may lack
    network          the network, its taxonomy, all that a prediction needs
    stored           the config in the folder of a run; where weights lie
    batches          examples and batches of the dataset
    derived          configs of other networks and of other ways of testing
    training_setup   phases, optimizer, the variables that training starts from

Their public names are here as well, and are imported at their first use: a prediction needs neither
the input pipeline nor the optimizer.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
  from jppf_jax.build.batches import (
    describe,
    eval_split,
    examples,
    train_examples,
    train_iterator,
  )
  from jppf_jax.build.defaults import Config, MultiScale, completed, optional_values
  from jppf_jax.build.derived import (
    as_text,
    encoder_and_size,
    is_trained,
    network_config,
    same_config,
    testing_config,
  )
  from jppf_jax.build.network import (
    Inference,
    classifier_shapes,
    fusion,
    imagenet_meaning,
    inference,
    init_variables,
    label_spec,
    model,
    network_meaning,
    testing,
    variable_shapes,
  )
  from jppf_jax.build.stored import (
    RUN_WEIGHTS,
    WEIGHTS_OF_RUN,
    model_config,
    run_config,
    store_model,
    store_run,
    stored_config,
    weights_path,
  )
  from jppf_jax.build.training_setup import Training, optimization, start, training

__all__ = [
  "RUN_WEIGHTS",
  "WEIGHTS_OF_RUN",
  "Config",
  "Inference",
  "MultiScale",
  "Training",
  "as_text",
  "classifier_shapes",
  "completed",
  "describe",
  "encoder_and_size",
  "eval_split",
  "examples",
  "fusion",
  "imagenet_meaning",
  "inference",
  "init_variables",
  "is_trained",
  "label_spec",
  "model",
  "model_config",
  "network_config",
  "network_meaning",
  "optimization",
  "optional_values",
  "run_config",
  "same_config",
  "start",
  "store_model",
  "store_run",
  "stored_config",
  "testing",
  "testing_config",
  "train_examples",
  "train_iterator",
  "training",
  "variable_shapes",
  "weights_path",
]

_MODULE_OF = {
  "Config": "defaults",
  "Inference": "network",
  "MultiScale": "defaults",
  "RUN_WEIGHTS": "stored",
  "WEIGHTS_OF_RUN": "stored",
  "Training": "training_setup",
  "as_text": "derived",
  "classifier_shapes": "network",
  "completed": "defaults",
  "describe": "batches",
  "encoder_and_size": "derived",
  "eval_split": "batches",
  "examples": "batches",
  "fusion": "network",
  "imagenet_meaning": "network",
  "inference": "network",
  "init_variables": "network",
  "is_trained": "derived",
  "label_spec": "network",
  "model": "network",
  "model_config": "stored",
  "network_config": "derived",
  "network_meaning": "network",
  "optimization": "training_setup",
  "optional_values": "defaults",
  "run_config": "stored",
  "same_config": "derived",
  "start": "training_setup",
  "store_model": "stored",
  "store_run": "stored",
  "stored_config": "stored",
  "testing": "network",
  "testing_config": "derived",
  "train_examples": "batches",
  "train_iterator": "batches",
  "training": "training_setup",
  "variable_shapes": "network",
  "weights_path": "stored",
}


def __getattr__(name: str) -> Any:
  """Imports a public name when it is first used."""
  if name not in _MODULE_OF:
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
  value = getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
  globals()[name] = value  # the next use finds it without coming here
  return value


def __dir__() -> list[str]:
  """Lists the public names, imported or not, besides what the module has."""
  return sorted({*globals(), *__all__})
