import base64
import io
import json
import zlib

import numpy as np
import pytest
from PIL import Image

from jppf_jax.report import images, read
from tests.report import small


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory):
  return read.read(small.write(tmp_path_factory.mktemp("runs") / "run"))


@pytest.fixture(scope="module")
def better(tmp_path_factory):
  mistakes = {image_id: {} for image_id in small.MISTAKES} | {"parts": small.MISTAKES["worst"]}
  return read.read(small.write(tmp_path_factory.mktemp("runs") / "better", mistakes))


def test_the_worst_images_come_first(evaluation):
  scores = images.per_image(evaluation.scores["joint"])
  assert scores["right"] == pytest.approx(1)
  assert scores["worst"] < scores["parts"] < 1
  assert images.chosen(evaluation, 2) == ["worst", "parts"]


def test_images_that_changed_most_are_among_the_chosen(evaluation, better):
  found = images.changes(better, evaluation)
  assert list(found) == ["worst", "parts", "right"]
  assert found["worst"] > 0 > found["parts"] and found["right"] == 0
  assert images.chosen(better, 1, evaluation) == ["worst"]  # though it is right now
  assert images.chosen(better, 1) == ["parts"]


def test_what_is_packed_is_what_was_recorded(evaluation):
  packed = images.packed(evaluation, 50)
  assert [image["id"] for image in packed["images"]] == ["worst", "parts", "right"]
  assert packed["quality"] == "PartPQ"
  assert [pane["key"] for pane in packed["panes"]] == ["joint", "top_down", "truth"]
  worst = packed["images"][0]
  assert worst["classes"][small.PERSON] == [0.0, 0, 0, 1]
  assert worst["classes"][small.CAR][1:] == [1, 1, 0]
  record = read.image(evaluation.folder, "worst")
  for key, numbers in record.maps.items():
    held = worst["maps"][key]
    content = zlib.decompress(base64.b64decode(held["data"]))
    found = np.frombuffer(content, f"<u{held['bytes']}").reshape(worst["size"])
    np.testing.assert_array_equal(found, numbers)
    assert held["regions"] == record.about["maps"][key]["regions"]


def test_an_image_has_the_counts_of_its_segments_where_partpq_leaves_some_out(tmp_path):
  mistakes = {"worst": {"no_car": True}, "right": {}}
  evaluation = read.read(small.write(tmp_path / "run", mistakes, parts=False))
  of_car = {
    image["id"]: image["classes"][small.CAR] for image in images.packed(evaluation, 50)["images"]
  }
  assert of_car == {"worst": [None, 0, 0, 1], "right": [None, 1, 0, 0]}


def test_two_bytes_are_little_endian():
  held = images._map(np.array([[1, 256]], np.uint16), (1, 2))
  assert held["bytes"] == 2
  assert zlib.decompress(base64.b64decode(held["data"])) == b"\1\0\0\1"


def test_pictures_shrink_until_they_fit(evaluation, monkeypatch):
  monkeypatch.setattr(images, "_SMALLEST", 8)
  whole = images.packed(evaluation, 50)
  size = sum(map(images._size, whole["images"]))
  fitting = images.packed(evaluation, 50, most_bytes=size - 1)
  assert sum(map(images._size, fitting["images"])) < size
  image = fitting["images"][0]
  assert image["size"] < whole["images"][0]["size"]
  with Image.open(io.BytesIO(base64.b64decode(image["photo"]))) as photo:
    assert [photo.height, photo.width] == image["size"]
  assert len(images.packed(evaluation, 50, most_bytes=1)["images"]) == 3  # it ends


def test_the_map_of_the_other_run_is_left_out_if_its_image_has_another_size(evaluation, tmp_path):
  other = read.read(small.write(tmp_path / "other"))
  file = other.folder / "images" / "right.npz"
  with np.load(file) as arrays:
    held = dict(arrays)
  about = json.loads(held["about"].tobytes()) | {"size": [small.SIZE[0], 2 * small.SIZE[1]]}
  held["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
  np.savez(file, allow_pickle=False, **held)
  packed = images.packed(evaluation, 50, other)
  joined = {image["id"]: "other" in image["maps"] for image in packed["images"]}
  assert joined == {"worst": True, "parts": True, "right": False}


def test_the_map_of_the_other_run_is_packed_if_it_has_the_image(evaluation, better, tmp_path):
  packed = images.packed(better, 50, evaluation)
  assert packed["panes"][-1] == {"key": "other", "title": "run: joint fusion"}
  assert all("other" in image["maps"] for image in packed["images"])
  change = images.changes(better, evaluation)["worst"]
  assert packed["images"][-1]["change"] == pytest.approx(change)
  alone = read.read(small.write(tmp_path / "alone", {"right": {}}))
  packed = images.packed(better, 50, alone)
  assert ["other" in image["maps"] for image in packed["images"]].count(True) == 1
