"""A config to the network, its taxonomy, and what else a prediction needs."""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from jppf_jax import config_rules
from jppf_jax.build.defaults import Config, MultiScale, completed, optional_values
from jppf_jax.checkpoints import meaning
from jppf_jax.checkpoints.meaning import Meaning
from jppf_jax.encoder.efficientnet import Classifier, EfficientNet
from jppf_jax.encoder.variants import LITE_MEAN, LITE_STD, variant
from jppf_jax.fpn import TwoWayFPN
from jppf_jax.fusion.config import FusionConfig, problem
from jppf_jax.heads.instance_regions import BoxHead, MaskHead
from jppf_jax.heads.instance_rpn import RPNHead
from jppf_jax.heads.semantic_part import SemanticPartHead
from jppf_jax.labels.registry import load_spec
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.model import JPPF
from jppf_jax_configs import cpp

PHASES = ("main", "frozen")
_OPTIONAL = {"warmup": 0, "drops": ()}  # in each phase
_SIZE = (64, 64)  # any size the model accepts: parameters do not depend on it


@dataclasses.dataclass(frozen=True)
class Inference:
  """What a prediction needs besides weights.

  Attributes:
    model: the network.
    spec: the taxonomy that it predicts.
    meaning: what its weights mean, to be compared with those that are loaded.
    size: height and width that images are resized to.
    fusion: settings of the fusions.
    testing: what the network sees of an image.
  """

  model: JPPF
  spec: LabelSpec
  meaning: Meaning
  size: tuple[int, int]
  fusion: FusionConfig
  testing: MultiScale


def inference(config: Config) -> Inference:
  """Returns what a prediction needs: network, taxonomy, image size and settings of the fusions.

  Raises:
    ConfigError: names are unknown or missing, or values are not allowed.
  """
  check(config)
  spec = label_spec(config)
  net = model(config, spec)
  size = tuple(config.data.eval_size)
  meant = network_meaning(net, spec)
  return Inference(net, spec, meant, size, fusion(config), testing(config))


def check(config: Config) -> None:
  """Raises ConfigError if names are unknown or missing, or values are not allowed."""
  optional = optional_values() | {"phases": dict.fromkeys(PHASES, _OPTIONAL)}
  try:
    values = config.to_dict()
  except ZeroDivisionError as error:  # epochs are turned into steps
    raise config_rules.ConfigError("config.data.batch_size must be at least 1; got 0.") from error
  config_rules.check(values, cpp.get_config().to_dict(), optional)
  fusion(config)
  try:
    variant(config.model.encoder)
  except ValueError as error:
    raise config_rules.ConfigError(f"config.model.encoder: {error}") from error


def label_spec(config: Config) -> LabelSpec:
  """Returns the taxonomy of the run: `config.data.labels`, or the dataset's own if that is ""."""
  return load_spec(labels_of(config))


def labels_of(config: Config) -> str:
  """Returns the name or the YAML file of the taxonomy.

  Raises:
    TaxonomyError: it is not given, and neither a builder nor the built dataset says it.
  """
  data = config.data
  if data.labels:
    return data.labels
  from jppf_jax.input_pipeline import datasets, taxonomy  # seconds, which predictions do without

  if datasets.has_builder(data.name):
    return datasets.builder_class(data.name).SPEC
  return taxonomy.recorded(datasets.folder(data.name, data.data_dir))


def model(config: Config, spec: LabelSpec, *, axis_name: str | None = None) -> JPPF:
  """Returns the network.

  Args:
    config: of the run.
    spec: gives the numbers of classes and parts.
    axis_name: the mapped axis whose replicas share norm statistics; inference needs none.

  Raises:
    ValueError: `config.model.dtype` is unknown.
  """
  c = config.model
  dtype = _dtype(c.dtype)
  pixelwise_head = partial(
    SemanticPartHead, channels=c.head_channels, axis_name=axis_name, dtype=dtype
  )
  network = JPPF(
    encoder=EfficientNet(
      c.encoder,
      width=c.width,
      depth=c.depth,
      axis_name=axis_name,
      dtype=dtype,
      remat=c.remat,
    ),
    fpn=TwoWayFPN(c.fpn_channels, axis_name=axis_name, dtype=dtype),
    semantic_head=pixelwise_head(spec.num_classes),
    part_head=pixelwise_head(spec.num_part_outputs),
    rpn_head=RPNHead(len(c.anchor_ratios), dtype=dtype),
    box_head=BoxHead(spec.num_things, c.box_hidden, dtype=dtype),
    mask_head=MaskHead(spec.num_things, c.mask_channels, axis_name=axis_name, dtype=dtype),
    anchor_scale=c.anchor_scale,
    anchor_ratios=tuple(c.anchor_ratios),
    finest_scale=c.finest_scale,
    train_proposals=c.train_proposals,
    eval_proposals=c.eval_proposals,
    legacy=c.legacy,
    proposal_nms=config.detection.proposal_nms,
    score_threshold=config.detection.score_threshold,
    detection_nms=config.detection.nms_threshold,
    max_detections=config.detection.max_detections,
    pixel_mean=tuple(c.pixel_mean),
    pixel_std=tuple(c.pixel_std),
    remat=c.remat,
  )
  return network.with_heads(c.heads)


def fusion(config: Config) -> FusionConfig:
  """Returns the settings of the fusions.

  Raises:
    ConfigError: a value is not allowed.
  """
  values = config.get("fusion", {})
  for name, value in values.items():
    found = problem(name, value)
    if found:
      raise config_rules.ConfigError(f"config.fusion.{found}")
  return FusionConfig(**values)


def testing(config: Config) -> MultiScale:
  """Returns what the network sees of an image."""
  values = completed(config).testing
  return MultiScale(tuple(map(float, values.scales)), values.flip)


def variable_shapes(net: JPPF) -> Any:
  """Returns the shapes of `{"params", "batch_stats"}` without computing anything."""
  return jax.eval_shape(_init(net), jax.random.key(0))


def classifier_shapes(variant: str) -> Any:
  """Returns the shapes of an encoder with its ImageNet classifier."""
  image = jnp.zeros((1, *_SIZE, 3))
  init = partial(Classifier(EfficientNet(variant)).init, train=False)
  return jax.eval_shape(init, jax.random.key(0), image)


def init_variables(key: jax.Array, net: JPPF) -> Any:
  """Returns freshly initialised `{"params", "batch_stats"}` as host arrays.

  The program runs once, so it is compiled without LLVM's optimizations: in 20 s of processor time
  instead of 49 for a small network.
  """
  options = {"xla_backend_optimization_level": 0}
  return jax.device_get(jax.jit(_init(net), compiler_options=options)(key))


def _init(net: JPPF) -> Callable[[jax.Array], Any]:
  return lambda key: net.init(key, jnp.zeros((1, *_SIZE, 3), jnp.uint8), train=False)


def imagenet_meaning(variant: str) -> Meaning:
  """Returns what ImageNet weights of an encoder mean.

  The files of b0 to b7 do not say how pixels were scaled, which depends on who trained them.
  """
  network: dict[str, Any] = {"encoder": variant, "width": 1.0, "depth": 1.0}
  if variant.startswith("lite"):
    network |= {"pixel_mean": [LITE_MEAN] * 3, "pixel_std": [LITE_STD] * 3}
  return {"network": network, "taxonomy": {}}


def network_meaning(net: JPPF, spec: LabelSpec) -> Meaning:
  """Returns what the weights of a network mean; JSON values, to be stored with them."""
  network = {
    "heads": list(net.heads),
    "encoder": net.encoder.variant,
    "width": net.encoder.width,
    "depth": net.encoder.depth,
    "pixel_mean": list(net.pixel_mean),
    "pixel_std": list(net.pixel_std),
    "anchor_scale": net.anchor_scale,
    "anchor_ratios": list(net.anchor_ratios),
    "finest_scale": net.finest_scale,
    "legacy": net.legacy,
  }
  return {"network": network, "taxonomy": meaning.taxonomy(spec)}


def _dtype(name: str) -> jnp.dtype:
  if name not in ("float32", "bfloat16"):
    raise ValueError(f"config.model.dtype must be 'float32' or 'bfloat16'; got {name!r}.")
  return jnp.dtype(name)
