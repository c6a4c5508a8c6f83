import json

import numpy as np
import pytest
from PIL import Image

from jppf_jax.evaluation.outputs import OutputError
from jppf_jax.evaluation.predict import Predictor
from jppf_jax.evaluation.save import predict_files, save_prediction
from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.formats import coco, files
from jppf_jax.structs import PanopticParts
from tests.evaluation import empty

SPEC = cpp()
CAR = SPEC.class_names.index("car")
FORMS_OF_A = ("a.png", "a.png", "a.png", "a.tif")  # picture, channels, panoptic, uids
FORMS_OF_C = ("c.png", "c.png", "c.png", "c.tif")
PHOTO = np.zeros((20, 30, 3), np.uint8)


def answer() -> PanopticParts:
  """Road, and a car with a window and chassis."""
  semantic, instance, part = np.zeros((3, 20, 30), np.int32)
  window, *_, chassis = SPEC.class_parts[CAR]
  car = np.s_[5:15, 5:20]
  semantic[car], instance[car], part[car] = CAR, 1, chassis
  part[6:9, 7:12] = window
  return PanopticParts(semantic, instance, part, empty.SEGMENTS)


class Stub(Predictor):
  """Predicts `answer()` for each image."""

  def __init__(self):
    self.spec = SPEC

  def __call__(self, image):
    return answer()


def test_all_forms_of_a_prediction_say_the_same(tmp_path):
  record = save_prediction(tmp_path, "a", PHOTO, answer(), SPEC)
  decoded = SPEC.decode(files.read_uids(tmp_path / "uids" / "a.tif"))
  np.testing.assert_array_equal(decoded.semantic, answer().semantic)
  np.testing.assert_array_equal(decoded.part, answer().part)
  channels = files.read_channels(tmp_path / "channels" / "a.png")
  distinct = np.unique(channels.reshape(-1, 3), axis=0)
  assert distinct.tolist() == [[7, 0, 1], [26, 1, 1], [26, 1, 5]]
  panoptic = coco.read_panoptic(tmp_path / "panoptic" / "a.png", record)
  np.testing.assert_array_equal(panoptic.scene, channels[..., 0])
  with Image.open(tmp_path / "a.png") as picture:
    assert 500 < picture.width < 2000


@pytest.fixture
def photos(tmp_path):
  """Two photos, and a third that is broken."""
  paths = [tmp_path / f"{name}.png" for name in "abc"]
  for path in paths:
    Image.fromarray(PHOTO).save(path)
  paths[1].write_bytes(b"not a picture")
  return paths


def test_files_are_predicted_and_those_that_cannot_be_read_are_listed(photos, tmp_path):
  problems = predict_files(Stub(), photos, tmp_path / "out")
  assert len(problems) == 1
  assert f"{photos[1]} cannot be read as an image" in problems[0]
  written = sorted(path.name for path in (tmp_path / "out").rglob("*.*"))
  assert written == [*FORMS_OF_A, *FORMS_OF_C, "panoptic.json"]
  index = json.loads((tmp_path / "out" / "panoptic.json").read_text())
  assert [entry["file_name"] for entry in index["annotations"]] == ["a.png", "c.png"]


def test_nothing_is_written_if_no_file_can_be_read(photos, tmp_path):
  problems = predict_files(Stub(), photos[1:2], tmp_path / "out")
  assert len(problems) == 1
  assert not (tmp_path / "out").exists()


def index_of(folder):
  content = json.loads((folder / "panoptic.json").read_text())
  assert len(content["images"]) == len(content["annotations"])
  return sorted(entry["file_name"] for entry in content["annotations"])


class Failing(Stub):
  """Raises `error` for the image of this number, from 1."""

  def __init__(self, error, number):
    super().__init__()
    self.error, self.left = error, number

  def __call__(self, image):
    self.left -= 1
    if self.left == 0:
      raise self.error
    return super().__call__(image)


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_the_index_lists_what_is_complete_if_the_run_is_stopped(photos, tmp_path, error):
  with pytest.raises(error, match="stopped"):
    predict_files(Failing(error("stopped"), 2), photos, tmp_path / "out")
  assert index_of(tmp_path / "out") == ["a.png"]


def test_an_image_without_enough_memory_does_not_stop_the_others(photos, tmp_path):
  problems = predict_files(Failing(MemoryError(), 1), [photos[0], photos[2]], tmp_path / "out")
  assert len(problems) == 1 and "a.png needs more memory" in problems[0]
  assert index_of(tmp_path / "out") == ["c.png"]


def test_a_second_run_adds_to_the_index_of_the_first(photos, tmp_path):
  predict_files(Stub(), photos[:1], tmp_path / "out")
  predict_files(Stub(), [photos[2], photos[0]], tmp_path / "out")
  assert index_of(tmp_path / "out") == ["a.png", "c.png"]


def test_nothing_is_predicted_if_results_would_be_lost(photos, tmp_path):
  for paths, folder in (([photos[2]] * 2, "out"), ([photos[2]], "."), ([photos[2]], "c.png")):
    with pytest.raises(OutputError, match=r"c\.png"):
      predict_files(Stub(), paths, tmp_path / folder)
  np.testing.assert_array_equal(np.asarray(Image.open(photos[2])), PHOTO)
  assert not (tmp_path / "out").exists()
