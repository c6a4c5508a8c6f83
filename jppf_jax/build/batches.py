"""A config to examples and batches of its dataset, which is built first if it can be."""

import grain
import jax

from jppf_jax import config_rules
from jppf_jax.build.defaults import Config
from jppf_jax.build.network import label_spec
from jppf_jax.input_pipeline import augment, building, datasets, loader, read, taxonomy
from jppf_jax.labels.spec import LabelSpec


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


def eval_split(config: Config) -> str:
  """Returns the split that the run is scored on."""
  return config.data.eval_split


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
  examples = train_examples(config) if opened is None else opened
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
    color_jitter=data.color_jitter,
    beside=data.beside,
    others=examples,
  )
  return loader.train_iterator(
    examples,
    view,
    batch_size=data.batch_size // processes,
    seed=config.seed,
    process=(jax.process_index(), processes),
    workers=data.workers,
  )


def describe(config: Config, spec: LabelSpec, images: int, parameters: int) -> tuple[str, ...]:
  """Returns lines that say what is trained on what.

  Args:
    config: of the run.
    spec: its taxonomy.
    images: number of training images.
    parameters: number of the network's parameters.
  """
  data, encoder, heads = config.data, config.model.encoder, tuple(config.model.heads)
  height, width = data.train_size
  parts = spec.num_parts - 1  # without the background
  named = f"{', '.join(heads)} head{'s' if len(heads) > 1 else ''}"
  return (
    f"data: {data.name}, {data.train_split}: {images} images",
    f"views of {height} x {width}, batches of {data.batch_size}",
    f"labels: {spec.num_classes} classes, {spec.num_things} of them things, {parts} parts",
    f"network: encoder {encoder}, {named}, {parameters / 1e6:.2f} M parameters",
  )
