"""Random ground truth and predictions as files, in every form that `score` and `merge` read."""

import numpy as np
from PIL import Image

from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.formats import coco, files
from jppf_jax.labels.formats.merge import merge_parts
from jppf_jax.metrics.scores import Scores
from tests.oracles import random_labels

SIZE = (12, 16)
IDS = ("aachen_000001_000019", "000042")
PANOPTIC_FORMS = ("panoptic", "panoptic.json", "channels", "uids", "ids")


def write_pairs(root, spec, count, *, official=False, uid_predictions=False):
  """Writes ground truth and predictions to `root/gt` and `root/pred`.

  Args:
    root: the folder.
    spec: the taxonomy.
    count: how many images.
    official: ground truth in the folders of the official layout, else flat.
    uid_predictions: the ground truth itself as predictions, as uid TIFFs; else random PNGs.

  Returns:
    The scores that they should get.
  """
  rng, scores = np.random.default_rng(0), Scores(spec)
  for number in range(count):
    uids, prediction = random_labels.random_pair(spec, rng)
    image_id = f"aachen_{number:06d}_000019"
    name = f"aachen/{image_id}_gtFinePanopticParts.tif" if official else f"{image_id}.tif"
    files.write_uids(root / "gt" / name, uids)
    if uid_predictions:
      files.write_uids(root / "pred" / f"{image_id}.tif", uids)
      prediction = spec.uids_to_channels(uids)
    else:
      files.write_channels(root / "pred" / f"{image_id}.png", prediction)
    scores.add(image_id, uids, prediction)
  return scores.to_json()


def write_image(path, array):
  """Writes an 8-bit image with one channel as PNG."""
  files.write_image(path, Image.fromarray(np.asarray(array, np.uint8)), format="PNG")


def write_parts(root, rng):
  """Writes random part channels of `IDS` to `root/parts`; returns them by image id."""
  shape = (len(IDS), *SIZE)
  parts = dict(zip(IDS, rng.integers(0, cpp().num_parts, shape, np.int32)))
  for image_id, channels in parts.items():
    write_image(root / "parts" / f"{image_id}.png", channels)
  return parts


def write_panoptic_forms(root):
  """Writes parts, and the same panoptic predictions in each of `PANOPTIC_FORMS`.

  Returns:
    What merging should give, by image id.
  """
  rng = np.random.default_rng(1)
  parts = write_parts(root, rng)
  spec, expected, annotations = cpp(), {}, []
  for image_id in IDS:
    ids = random_instance_ids(spec, rng)
    files.write_instance_ids(root / "ids" / f"{image_id}_instanceIds.png", ids)
    files.write_uids(root / "uids" / f"{image_id}.tif", ids)
    files.write_channels(root / "channels" / f"{image_id}.png", spec.uids_to_channels(ids))
    picture = root / "panoptic" / f"{image_id}.png"
    entry = coco.write_panoptic(picture, ids, spec)
    annotations.append(entry)
    expected[image_id] = merge_parts(coco.read_panoptic(picture, entry), parts[image_id], spec)
  coco.write_index(root / "panoptic.json", annotations, spec)
  return expected


def random_instance_ids(spec, rng):
  """Returns uids without parts and without crowd, which is for ground truth."""
  uids, _ = random_labels.random_pair(spec, rng, SIZE)
  ids = np.where(uids > 99_999, uids // 100, uids)
  crowd = np.isin(ids, spec.class_ids[spec.num_stuff :])
  stuff_instance = (ids > 999) & (ids < 24_000)
  return np.where(crowd | stuff_instance, 7, ids)
