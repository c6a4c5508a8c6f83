import json

import numpy as np
import pytest
from PIL import Image, ImageShow

from jppf_jax.evaluation.outputs import OutputError
from jppf_jax.evaluation.save import save_prediction
from jppf_jax.evaluation.segmentation import Segmentation
from jppf_jax.visualization import render
from tests.evaluation.save_test import CAR, PHOTO, SPEC, answer


@pytest.fixture
def parts():
  return Segmentation(PHOTO, answer(), SPEC, "a")


def test_the_maps_are_those_of_the_answer_and_masks_those_of_the_segments(parts):
  np.testing.assert_array_equal(parts.semantic, answer().semantic)
  np.testing.assert_array_equal(parts.instance, answer().instance)
  np.testing.assert_array_equal(parts.part, answer().part)
  assert [segment["class"] for segment in parts.segments] == ["car", "road"]
  car, road = map(parts.mask, parts.segments)
  np.testing.assert_array_equal(car, parts.semantic == CAR)
  np.testing.assert_array_equal(road, parts.semantic != CAR)


def test_a_mask_is_of_one_instance_of_one_class():
  two = answer()
  two.instance[5:15, 15:20] = 2
  segments = two.segments
  doubled = type(segments)(*[np.repeat(np.asarray(field), 2) for field in vars(segments).values()])
  parts = Segmentation(PHOTO, type(two)(two.semantic, two.instance, two.part, doubled), SPEC)
  assert [int(parts.mask(segment).sum()) for segment in parts.segments] == [100, 50, 450]


def test_the_picture_is_that_of_the_command_and_notebooks_show_it(parts):
  sheet = parts.picture(scores=True)
  np.testing.assert_array_equal(sheet, render.explained(PHOTO, answer(), SPEC, scores=True))
  assert parts._repr_png_().startswith(b"\x89PNG")
  assert repr(parts) == "Segmentation of 'a', 20 x 30: 2 segments, 1 of them instances"


def test_show_opens_the_picture_and_says_if_it_cannot(parts, monkeypatch):
  shown = []
  monkeypatch.setattr(ImageShow, "show", lambda image, title: shown.append((image, title)) or True)
  parts.show()
  ((image, title),) = shown
  assert title == "a"
  np.testing.assert_array_equal(np.asarray(image), parts.picture())
  monkeypatch.setattr(ImageShow, "show", lambda image, title: False)
  with pytest.raises(RuntimeError, match=r"no viewer .*\.save\(FOLDER\)"):
    parts.show()


def files_of(folder):
  return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}


def test_saved_files_are_those_of_the_command_with_indexes(parts, tmp_path):
  parts.save(tmp_path / "x", scores=True)
  save_prediction(tmp_path / "y", "a", PHOTO, answer(), SPEC, scores=True)
  found = files_of(tmp_path / "x")
  assert found.items() >= files_of(tmp_path / "y").items()
  parts.save(tmp_path / "x", name="b")
  index = json.loads((tmp_path / "x" / "panoptic.json").read_text())
  assert [image["file_name"] for image in index["images"]] == ["a.png", "b.png"]
  lines = (tmp_path / "x" / "segments.csv").read_text().splitlines()
  assert [line[0] for line in lines[1:]] == [*"aaaa", *"bbbb"]


def test_a_photo_is_not_replaced_by_its_picture(tmp_path):
  path = tmp_path / "a.png"
  Image.fromarray(PHOTO).save(path)
  parts = Segmentation(PHOTO, answer(), SPEC, "a", path)
  with pytest.raises(OutputError, match="would overwrite the image"):
    parts.save(tmp_path)
  parts.save(tmp_path / "out")
  np.testing.assert_array_equal(np.asarray(Image.open(path)), PHOTO)
