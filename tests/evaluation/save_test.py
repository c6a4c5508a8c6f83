import json
from pathlib import Path

import numpy as np
from PIL import Image

from jppf_jax.evaluation.save import distinct_names, save_prediction
from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.formats import coco, files
from jppf_jax.structs import PanopticParts, Segments

SPEC = cpp()
CAR = SPEC.class_names.index("car")


def answer() -> PanopticParts:
  """Road, and a car with a window and chassis."""
  semantic, instance, part = (np.zeros((20, 30), np.int32) for _ in range(3))
  semantic[5:15, 5:20], instance[5:15, 5:20] = CAR, 1
  part[5:15, 5:20] = SPEC.class_parts[CAR][4]
  part[6:9, 7:12] = SPEC.class_parts[CAR][0]
  empty = Segments(
    np.zeros(1, np.int32), np.zeros(1, np.float32), np.zeros(1, np.int32), np.zeros(1, bool)
  )
  return PanopticParts(semantic, instance, part, empty)


def test_all_forms_of_a_prediction_say_the_same(tmp_path):
  image = np.zeros((20, 30, 3), np.uint8)
  record = save_prediction(tmp_path, "a", image, answer(), SPEC)
  coco.write_index(tmp_path / "panoptic.json", [record], SPEC)
  decoded = SPEC.decode(files.read_uids(tmp_path / "uids" / "a.tif"))
  np.testing.assert_array_equal(decoded.semantic, answer().semantic)
  np.testing.assert_array_equal(decoded.part, answer().part)
  channels = files.read_channels(tmp_path / "channels" / "a.png")
  assert set(map(tuple, channels.reshape(-1, 3).tolist())) == {(7, 0, 1), (26, 1, 1), (26, 1, 5)}
  segments = json.loads((tmp_path / "panoptic.json").read_text())["annotations"][0]["segments_info"]
  assert {segment["category_id"] for segment in segments} == {7, 26}
  with Image.open(tmp_path / "a.png") as picture:
    assert picture.width > 500


def test_files_of_one_name_get_names_of_their_own():
  paths = [Path("x/a.jpg"), Path("y/a.jpg"), Path("b.jpg")]
  assert distinct_names(paths) == ["x_a.jpg", "y_a.jpg", "b"]
