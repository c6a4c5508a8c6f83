"""From a prediction to its scores: each number is measured on what its name says."""

import numpy as np
import pytest

from jppf_jax.build import MultiScale
from jppf_jax.evaluation.compare import Comparison, Prediction
from jppf_jax.evaluation.evaluate import score_dataset
from jppf_jax.fusion.config import FusionConfig
from jppf_jax.input_pipeline.read import Examples
from jppf_jax.labels.registry import load_spec
from jppf_jax.structs import Detections, PanopticParts, Segments

SPEC = load_spec("cpp")
ROAD, SIDEWALK, PERSON = 0, 1, SPEC.num_stuff
SIZE = (20, 50)
NOTHING = Detections(
  np.zeros((1, 4), np.float32),
  np.zeros(1, np.int32),
  np.zeros(1, np.float32),
  np.zeros((1, 28, 28), np.float32),
  np.zeros(1, bool),
)
NO_SEGMENTS = Segments(*[np.zeros(1, kind) for kind in (np.int32, np.float32, np.int32, bool)])


def maps(semantic: int, part: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Returns the three maps of an image of one class: semantic, instance, part."""
  instance = 1 if semantic == PERSON else 0
  semantic, instance, part = (
    np.full(SIZE, value, np.int32) for value in (semantic, instance, part)
  )
  return semantic, instance, part


class Fixed(Comparison):
  """A predictor that gives the same answer for each image."""

  def __init__(self, *, joint, top_down, semantic, part):
    self.spec, self.config, self.testing = SPEC, FusionConfig(), MultiScale()
    fused = (PanopticParts(*answer, NO_SEGMENTS) for answer in (joint, top_down))
    self._prediction = Prediction(*fused, semantic, part, NOTHING)

  def __call__(self, image):
    return self._prediction


class Given(Examples):
  """Examples that lie in memory."""

  def __init__(self, rows):
    self._rows = rows

  def __len__(self):
    return len(self._rows)

  def __getitem__(self, index):
    return self._rows[index]


@pytest.fixture
def persons():
  """One image that is a person throughout, half torso (uid part 1), half head (2)."""
  uids = np.full(SIZE, 24 * 100_000 + 1, np.int32)
  uids[:, 25:] += 1
  return Given([{"image_id": "a", "image": np.zeros((*SIZE, 3), np.uint8), "uids": uids}])


def test_the_mean_ious_of_the_heads_are_those_before_fusion(persons, tmp_path):
  truth = SPEC.decode(persons[0]["uids"])
  wrong, right = maps(ROAD), (truth.semantic, maps(PERSON)[1], truth.part)
  predictor = Fixed(joint=wrong, top_down=wrong, semantic=right[0], part=right[2])
  report = score_dataset(predictor, persons, tmp_path)
  assert report["heads"]["semantic_miou"] == report["heads"]["part_miou"] == 1
  assert report["joint"]["semantic_miou"] == 0
  predictor = Fixed(joint=right, top_down=right, semantic=wrong[0], part=wrong[2])
  report = score_dataset(predictor, persons, tmp_path)
  assert report["heads"]["semantic_miou"] == report["heads"]["part_miou"] == 0
  assert report["joint"]["semantic_miou"] == 1


def test_each_way_to_fuse_is_scored_on_its_own_answer(persons, tmp_path):
  truth = SPEC.decode(persons[0]["uids"])
  right, wrong = (truth.semantic, maps(PERSON)[1], truth.part), maps(SIDEWALK)
  predictor = Fixed(joint=right, top_down=wrong, semantic=right[0], part=right[2])
  report = score_dataset(predictor, persons, tmp_path)
  assert report["joint"]["part_pq"]["all"]["part_pq"] == 1
  assert report["top_down"]["part_pq"]["all"]["part_pq"] == 0
