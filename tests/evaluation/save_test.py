import json

import numpy as np
import pytest
from PIL import Image

from jppf_jax.evaluation import save
from jppf_jax.evaluation.batches import Photo
from jppf_jax.evaluation.outputs import OutputError
from jppf_jax.evaluation.predict import Predictor
from jppf_jax.evaluation.save import Choices, predict_files, predict_video, save_prediction
from jppf_jax.evaluation.video import VideoError
from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.formats import coco, files
from jppf_jax.structs import PanopticParts
from tests.evaluation import empty

SPEC = cpp()
CAR = SPEC.class_names.index("car")
FORMS_OF_A = ("a.json", "a.png", "a.png", "a.png", "a.tif")  # segments, three pictures, uids
FORMS_OF_C = ("c.json", "c.png", "c.png", "c.png", "c.tif")
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
    self.spec, self.size = SPEC, (64, 128)

  def batch(self, images):
    return [answer() for _ in images]


def test_all_forms_of_a_prediction_say_the_same(tmp_path):
  record, segments = save_prediction(tmp_path, "a", PHOTO, answer(), SPEC)
  decoded = SPEC.decode(files.read_uids(tmp_path / "uids" / "a.tif"))
  np.testing.assert_array_equal(decoded.semantic, answer().semantic)
  np.testing.assert_array_equal(decoded.part, answer().part)
  channels = files.read_channels(tmp_path / "channels" / "a.png")
  distinct = np.unique(channels.reshape(-1, 3), axis=0)
  assert distinct.tolist() == [[7, 0, 1], [26, 1, 1], [26, 1, 5]]
  panoptic = coco.read_panoptic(tmp_path / "panoptic" / "a.png", record)
  np.testing.assert_array_equal(panoptic.scene, channels[..., 0])
  written = json.loads((tmp_path / "segments" / "a.json").read_text())
  assert written == {"image": "a", "height": 20, "width": 30, "segments": segments}
  of_coco = {entry["id"]: (entry["area"], entry["bbox"]) for entry in record["segments_info"]}
  for segment in segments:
    x0, y0, x1, y1 = segment["box"]
    assert of_coco.pop(segment["id"]) == (segment["area"], [x0, y0, x1 - x0, y1 - y0])
  assert not of_coco
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
  assert written == sorted([*FORMS_OF_A, *FORMS_OF_C, "panoptic.json", "segments.csv"])
  index = json.loads((tmp_path / "out" / "panoptic.json").read_text())
  assert [entry["file_name"] for entry in index["annotations"]] == ["a.png", "c.png"]
  lines = (tmp_path / "out" / "segments.csv").read_text().splitlines()
  assert [line.split(",")[:3] for line in lines if "road" in line] == [
    ["a", "7", "road"],
    ["c", "7", "road"],
  ]


def test_nothing_is_written_if_no_file_can_be_read(photos, tmp_path):
  problems = predict_files(Stub(), photos[1:2], tmp_path / "out")
  assert len(problems) == 1
  assert not (tmp_path / "out").exists()


def index_of(folder):
  content = json.loads((folder / "panoptic.json").read_text())
  assert len(content["images"]) == len(content["annotations"])
  return sorted(entry["file_name"] for entry in content["annotations"])


class Failing(Stub):
  """Raises `error` for the batch of this number, from 1."""

  def __init__(self, error, number):
    super().__init__()
    self.error, self.left = error, number

  def batch(self, images):
    self.left -= 1
    if self.left == 0:
      raise self.error
    return super().batch(images)


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


class Counting(Stub):
  """Keeps how many images came together; answers those of other sizes with road."""

  def __init__(self):
    super().__init__()
    self.came = []

  def batch(self, images):
    self.came.append([image.shape[:2] for image in images])
    return [answer() if image.shape == PHOTO.shape else road(image) for image in images]


def road(image):
  nothing = np.zeros(image.shape[:2], np.int32)
  return PanopticParts(nothing, nothing, nothing, empty.SEGMENTS)


def test_batches_have_one_orientation_and_one_length_and_each_image_its_own_answer(tmp_path):
  wide, high = (20, 30), (30, 20)
  paths = [tmp_path / f"{name}.png" for name in "abcd"]
  for path, size in zip(paths, (wide, high, wide, wide)):
    Image.fromarray(np.zeros((*size, 3), np.uint8)).save(path)
  predictor = Counting()
  assert not predict_files(predictor, paths, tmp_path / "out", Choices(batch_size=2))
  assert predictor.came == [[wide, wide], [wide, wide], [high, high]]
  assert index_of(tmp_path / "out") == ["a.png", "b.png", "c.png", "d.png"]
  records = json.loads((tmp_path / "out/segments/b.json").read_text())
  assert [segment["class"] for segment in records["segments"]] == ["road"]


def test_a_video_gives_results_for_its_frames_up_to_where_it_breaks(tmp_path, monkeypatch):
  def frames(path, *, every):
    assert every == 5
    yield Photo("000000", PHOTO, "")
    yield Photo("000005", PHOTO, "")
    raise VideoError("v.mp4 cannot be read")

  monkeypatch.setattr(save, "frames", frames)
  problems = predict_video(Stub(), tmp_path / "v.mp4", tmp_path / "v", every=5)
  assert problems == ["v.mp4 cannot be read"]
  assert index_of(tmp_path / "v") == ["000000.png", "000005.png"]
  assert (tmp_path / "v" / "uids" / "000005.tif").is_file()
