"""The builder and the config of a dataset of your own, as Python with a comment for each value."""

import json
import shlex
from collections.abc import Sequence
from typing import NamedTuple

from jppf_jax.conversion.look import Layout, Survey

_LONGEST_SIDE = 512  # pixels, of the images that the network sees
_GRID = 32  # its sides are multiples
_EPOCHS, _BATCH = 40, 4
_FEWEST_STEPS, _MOST_STEPS = 200, 20_000
_CACHED_PIXELS = 400e6  # of all photos; pixels and labels take 7 bytes
_PAPER_STUFF = 2048 / (1024 * 2048)  # EfficientPS: the smallest area of stuff, in images

_BUILDER = '''"""The photos and labels of {name}. Written by `jppf init`; change it as you like."""

import hashlib
from pathlib import Path

from jppf_jax_data import pairs
from jppf_jax_data.pairs_builder import PairsBuilder

# below manual_dir: the photos and the labels of each split
FOLDERS = {{
  "train": {train},
  "validation": {validation},
}}
PHOTOS, LABELS = {photos}, {labels}  # endings of their names


class Builder(PairsBuilder):
  """{name}."""

  MANUAL_DOWNLOAD_INSTRUCTIONS = "Photos and uid label files of the same names, see FOLDERS."
  SPEC = {spec}  # what the ids mean

  @classmethod
  def layout(cls, split):
    photos, labels = FOLDERS[split]
    endings = {{photos: PHOTOS}}
    endings[labels] = endings.get(labels, ()) + LABELS
    return {{folder: ", ".join(f"*{{ending}}" for ending in endings[folder]) for folder in endings}}

  @classmethod
  def files(cls, root, split):
    folders = [root / folder for folder in FOLDERS[split]]
    photos, labels = pairs.by_id(folders[0], *PHOTOS), pairs.by_id(folders[1], *LABELS)
    photos = {{key: photos[key] for key in labels if key in photos}}  # others have no label
    return of_split(photos, split, labels), of_split(labels, split, labels)

  @classmethod
  def read_label(cls, path):
    return pairs.read_uids(path, max_scene_id=99)


def of_split(files, split, labels):
  """Returns the files of a split; if both share a folder, one photo in ten is for validation."""
  if FOLDERS["train"] != FOLDERS["validation"]:
    return files
  by_hash = sorted(labels, key=lambda key: hashlib.sha256(key.encode()).digest())
  validation = by_hash[: max(1, len(by_hash) // 10)]
  return {{key: file for key, file in files.items() if (key in validation) == (split != "train")}}
'''

_CONFIG = '''r"""A first run on {name}: {images} photos for training. Written by `jppf init`.

{train}
jppf evaluate --workdir=runs/{name}

What is not named here is as in `configs/clothing.py` and `configs/cpp.py` of the package.
"""

from pathlib import Path

import jppf_jax
from jppf_jax_configs import clothing

HERE = Path(__file__).resolve().parent
WEIGHTS = Path(jppf_jax.__file__).with_name("weights") / "clothing" / "model.safetensors"


def get_config():
  config = clothing.get_config().unlock()
  config.data.update(
    name=str(HERE / "{builder_file}"),  # the builder; the records are made of it once
    manual_dir={manual_dir},  # the photos and labels
    data_dir="data_sets",  # where the records go
    train_size={size},  # rows and columns of a view, multiples of 32; the median photo is {median}
    eval_size={size},  # the same, for validation and `jppf predict`
    scale=(0.8, 1.25),  # views are photos in these sizes, relative to train_size
    flip={flip},  # {about_flip}
    color_jitter=0.2,  # up to 1: how much colours change at random
    beside=0.0,  # share of the views that show photos next to each other
    cache={cache},  # keep decoded photos in memory
    batch_size={batch},  # photos per step; more need more memory
    max_objects={max_objects},  # per view; the most in a photo are {most_objects}
    min_area=16,  # pixels of a view; smaller objects are not learned
  )
  config.model.heads = {heads}  # what the labels have: classes, parts, objects
  config.model.pretrained = str(WEIGHTS)  # of photos of people; outputs and anchors are others,
  config.model.pretrained_modules = ("encoder", "fpn", "semantic_head", "part_head")  # so not all
  config.model.anchor_scale = {anchor_scale}  # median side of objects: {side:.0f} pixels
  config.model.anchor_ratios = (0.5, 1.0, 2.0)  # height / width of objects
  config.model.finest_scale = {finest_scale}  # boxes up to twice this side use the finest features
  config.detection.max_detections = {max_detections}  # per photo
  config.fusion.min_stuff_area = {min_stuff}  # pixels; less is filled from around
  config.fusion.score_threshold = 0.5  # up to 1: objects with lower scores are left out
  config.fusion.box_margin = 0.04  # boxes count as larger by this share of their sides; paper: 0
  config.fusion.part_threshold = 0.2  # up to 1: leave out parts that seem less right; paper: 0
  config.phases.main.update(
    steps={steps},  # {epochs} times all photos
    learning_rate=5e-4,  # the largest; of AdamW
    warmup={warmup},  # steps until the learning rate is reached
    drops={drops},  # steps after which it is a tenth
  )
  config.train.update(
    log_every={log_every},  # steps
    checkpoint_every={checkpoint_every},  # steps; a run that is stopped goes on from there
    ema_decay=0.0,  # near 1: keep a moving average of the weights, too (weights_ema.safetensors)
  )
  return config.lock()
'''


_FLIP = {
  True: "mirror half of the views; set it to False if left and right must not be exchanged",
  False: "names say left or right; True mirrors half of the views: give the YAML pairs first",
}


class Parts(NamedTuple):
  """What the network has to tell apart.

  Attributes:
    things: whether classes have objects.
    parts: whether objects have parts.
    sides: whether something is called left or right, and is no pair that a mirrored view exchanges.
  """

  things: bool
  parts: bool
  sides: bool = False


def builder(name: str, spec: str, found: Layout) -> str:
  """Returns the Python file of a builder.

  Args:
    name: of the dataset.
    spec: the YAML beside it, or the name of a spec.
    found: where the files lie.
  """
  text = json.dumps(spec, ensure_ascii=False)
  is_file = spec.endswith((".yaml", ".yml"))
  return _BUILDER.format(
    name=name,
    spec=f"str(Path(__file__).with_name({text}))" if is_file else text,
    train=_tuple(found.folders["train"]),
    validation=_tuple(found.folders["validation"]),
    photos=_tuple(found.photo_suffixes),
    labels=_tuple(found.label_suffixes),
  )


def _tuple(texts: Sequence[str]) -> str:
  listed = ", ".join(json.dumps(text, ensure_ascii=False) for text in texts)
  return f"({listed},)" if len(texts) == 1 else f"({listed})"


def config(name: str, files: tuple[str, str], manual_dir: str, found: Survey, parts: Parts) -> str:
  """Returns the Python file of a config.

  Args:
    name: of the dataset.
    files: of the config, as it is given to `jppf train`, and of the builder, beside it.
    manual_dir: the folder of photos and labels, as a Python expression.
    found: what the labels hold.
    parts: what is learned.
  """
  height, width = found.median_size
  shrink = min(1.0, _LONGEST_SIDE / max(height, width))
  rows, columns = _on_grid(height * shrink), _on_grid(width * shrink)
  images = found.counts["train"]
  if not found.counts["validation"]:  # one in ten of the others
    images -= max(1, images // 10)
  wanted = _EPOCHS * images // _BATCH
  steps = max(_FEWEST_STEPS, min(_MOST_STEPS, wanted))
  sides = sorted(found.sides) or [64.0]
  middle = len(sides) // 2
  side = sides[middle] * shrink
  anchor_scale = 8.0 if side >= _GRID else 4.0
  fours = -(-found.most_objects // 4)
  objects = max(4, min(100, 4 * fours))
  learned = {"semantic": True, "part": parts.parts, "instance": parts.things}
  heads = tuple(head for head, is_learned in learned.items() if is_learned)
  min_stuff = round(_PAPER_STUFF * rows * columns)
  drops = steps * 2 // 3, steps * 9 // 10
  return _CONFIG.format(
    name=name,
    train=shlex.join(["jppf", "train", f"--config={files[0]}", f"--workdir=runs/{name}"]),
    builder_file=files[1],
    manual_dir=manual_dir,
    images=images,
    flip=not parts.sides,
    about_flip=_FLIP[not parts.sides],
    cache=images * height * width <= _CACHED_PIXELS,
    size=(rows, columns),
    median=f"{height} x {width}",
    batch=_BATCH,
    max_objects=objects,
    most_objects=found.most_objects,
    heads=heads,
    anchor_scale=anchor_scale,
    side=side,
    finest_scale=7 * anchor_scale,
    max_detections=min(100, 2 * objects),
    min_stuff=max(1, min_stuff),
    steps=steps,
    epochs=steps * _BATCH // max(1, images),
    warmup=steps // 10,
    drops=drops,
    log_every=min(20, steps // 10),
    checkpoint_every=steps // 5,
  )


def _on_grid(side: float) -> int:
  """Returns the nearest side that the network can have."""
  cells = round(side / _GRID)
  return _GRID * max(2, cells)
