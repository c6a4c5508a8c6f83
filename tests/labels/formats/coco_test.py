import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.formats import coco, files
from jppf_jax.labels.ppp import ppp
from jppf_jax.panoptic import Detection
from tests.labels import yaml_mutations
from tests.oracles import random_labels

NUMBER = str(coco.image_number("x"))
same_folder = settings(
  suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30
)


@given(ids=arrays.arrays(np.int32, (3, 5), elements=st.integers(0, 2**24 - 1)))
def test_every_segment_id_has_a_colour(ids):
  np.testing.assert_array_equal(coco.decode_ids(coco.encode_ids(ids)), ids)


def test_a_colour_is_read_as_in_coco():
  assert coco.decode_ids(np.array([[[3, 2, 1]]], np.uint8)).tolist() == [[3 + 2 * 256 + 1 * 65536]]


@same_folder
@given(seed=st.integers(0, 2**20), spec=st.sampled_from([cpp(), ppp()]))
def test_segments_are_read_as_they_were_written(tmp_path, seed, spec):
  uids, _ = random_labels.random_pair(spec, np.random.default_rng(seed))
  entry = coco.write_panoptic(tmp_path / "x.png", uids, spec)
  coco.write_index(tmp_path / "all.json", [entry], spec)
  entries = coco.read_index(tmp_path / "all.json")
  scene, instance = coco.read_panoptic(tmp_path / "x.png", entries[NUMBER])
  decoded = spec.decode(uids)
  np.testing.assert_array_equal(scene, spec.train_to_sid[decoded.semantic])
  written = np.where(decoded.semantic == 255, -1, decoded.semantic * 10_000 + decoded.instance + 1)
  read = np.where(scene == 255, -1, scene * 10_000 + instance)
  pairs = set(zip(written.flat, read.flat))
  # the same segments, with other numbers
  assert len(pairs) == len(np.unique(written)) == len(np.unique(read))
  ids = coco.decode_ids(files.read_channels(tmp_path / "x.png"))
  for segment in entries[NUMBER]["segments_info"]:
    mask = ids == segment["id"]
    (y0, x0), (y1, x1) = np.argwhere(mask).min(0), np.argwhere(mask).max(0)
    assert segment["area"] == mask.sum() and segment["bbox"] == [x0, y0, x1 - x0 + 1, y1 - y0 + 1]
    assert bool(segment["iscrowd"]) == decoded.crowd[mask].all()


def test_the_index_names_images_and_categories(tmp_path):
  entry = coco.write_panoptic(tmp_path / "x.png", np.full((2, 3), 7, np.int32), cpp())
  coco.write_index(tmp_path / "all.json", [entry], cpp())
  content = json.loads((tmp_path / "all.json").read_text())
  assert content["images"] == [{"id": int(NUMBER), "file_name": "x.png", "height": 2, "width": 3}]
  assert content["categories"][13] == {"id": 26, "name": "car", "isthing": 1, "color": [0, 0, 142]}


def test_instances_are_numbered_in_the_order_of_the_entry(tmp_path):
  files.write_channels(tmp_path / "x.png", coco.encode_ids(np.array([[900, 5, 70, 0]])))
  segments = [(70, 26), (900, 26), (5, 7)]
  entry = {"segments_info": [{"id": id_, "category_id": sid} for id_, sid in segments]}
  scene, instance = coco.read_panoptic(tmp_path / "x.png", entry)
  assert scene.tolist() == [[26, 7, 26, 255]] and instance.tolist() == [[2, 1, 1, 0]]


def test_segments_that_the_index_does_not_list_are_refused(tmp_path):
  files.write_channels(tmp_path / "x.png", coco.encode_ids(np.array([[5, 900]])))
  message = r"x\.png has segments that its JSON does not list, e\.g\. 900"
  with pytest.raises(ValueError, match=message):
    coco.read_panoptic(tmp_path / "x.png", {"segments_info": [{"id": 5, "category_id": 7}]})


@same_folder
@given(mask=arrays.arrays(bool, (5, 4)), score=st.floats(0, 1))
def test_instances_are_read_as_they_were_written(tmp_path, mask, score):
  (tmp_path / "r.json").write_text(json.dumps([coco.result("7", Detection(26, score, mask))]))
  [entry] = coco.read_results(tmp_path / "r.json")["7"]
  scene, read_score, read_mask = coco.detection(entry, (5, 4))
  assert (scene, read_score) == (26, score)
  np.testing.assert_array_equal(read_mask, mask)


def test_uncompressed_run_lengths_are_read():
  segmentation = {"size": [2, 2], "counts": [1, 2, 1]}
  entry = {"image_id": 1, "category_id": 26, "score": 1, "segmentation": segmentation}
  mask = coco.detection(entry, (2, 2)).mask
  assert mask.tolist() == [[False, True], [True, False]]  # column by column


@pytest.mark.parametrize(
  "content, message",
  [
    ("{", "is not a JSON file"),
    ("[]", "is no COCO panoptic JSON"),
    ('{"annotations": [{"image_id": 3}]}', "annotation 0 .image 3. has no 'file_name'"),
    (
      json.dumps({"annotations": [{"image_id": 3, "file_name": "a.png", "segments_info": []}] * 2}),
      "two annotations of",
    ),
  ],
)
def test_the_error_says_what_is_wrong_with_an_index(tmp_path, content, message):
  (tmp_path / "x.json").write_text(content)
  with pytest.raises(ValueError, match=rf"x\.json.*{message}"):
    coco.read_index(tmp_path / "x.json")


def test_the_error_says_what_is_wrong_with_results(tmp_path):
  (tmp_path / "x.json").write_text('[{"image_id": 1}]')
  with pytest.raises(ValueError, match=r"x\.json is no COCO results JSON"):
    coco.read_results(tmp_path / "x.json")


def test_image_ids_are_whole_numbers_that_depend_on_the_name_alone():
  names = ["x", "X", "7", "007", "000000000007", "139", "000000000139", "2007_000032", "é", ""]
  numbers = [coco.image_number(name) for name in names]
  assert len(set(numbers)) == len(names) and all(0 <= number < 2**53 for number in numbers)
  assert coco.image_number("000000000139") == 139  # COCO's own id of this file
  assert coco.image_number("x") == 50963728025382


def index(**changes):
  """Returns the text of an index with one image, whose entry has the given changes."""
  segments = [{"id": 5, "category_id": 7}, {"id": 9, "category_id": 26}]
  entry = {"image_id": 3, "file_name": "x.png", "segments_info": segments}
  return json.dumps({"annotations": [entry | changes]})


def test_an_index_with_text_as_ids_is_still_read(tmp_path):
  (tmp_path / "x.json").write_text(index(image_id="x"))
  assert list(coco.read_index(tmp_path / "x.json")) == ["x"]


@pytest.mark.parametrize(
  "changes, message",
  [
    ({"segments_info": [{"id": 0, "category_id": 26}]}, "id 0, expected a whole number 1"),
    ({"segments_info": [{"id": 2**24, "category_id": 26}]}, "expected a whole number 1"),
    ({"segments_info": [{"id": 5, "category_id": 26}] * 2}, "lists the segment 5 twice"),
    ({"segments_info": [{"id": 5}]}, "category_id None, expected a scene id"),
    ({"segments_info": [{"id": 5, "category_id": 255}]}, "category_id 255, expected"),
    ({"segments_info": [{"id": True, "category_id": 26}]}, "id True, expected"),
    ({"segments_info": [5]}, r"segments_info \[5\], expected a list"),
    ({"segments_info": {"id": 5}}, "segments_info .* expected a list"),
    ({"file_name": 5}, "the file_name 5"),
    ({"file_name": ""}, "the file_name ''"),
    ({"file_name": "."}, r"the file_name '\.'"),
    ({"image_id": 3.5}, "the image_id 3.5, expected"),
    ({"image_id": None}, "the image_id None, expected"),
  ],
)
def test_entries_of_an_index_are_held_to_their_form(tmp_path, changes, message):
  (tmp_path / "x.json").write_text(index(**changes))
  with pytest.raises(ValueError, match=rf"x\.json: annotation 0 .*{message}"):
    coco.read_index(tmp_path / "x.json")


def test_a_file_belongs_to_one_image(tmp_path):
  entries = json.loads(index())["annotations"] + json.loads(index(image_id=4))["annotations"]
  (tmp_path / "x.json").write_text(json.dumps({"annotations": entries}))
  with pytest.raises(ValueError, match=r"images '3' and '4' have the same file 'x\.png'"):
    coco.read_index(tmp_path / "x.json")


def test_a_segment_without_pixels_is_refused(tmp_path):
  files.write_channels(tmp_path / "x.png", coco.encode_ids(np.array([[5, 0]])))
  [entry] = json.loads(index())["annotations"]
  with pytest.raises(ValueError, match=r"x\.png lacks segments that its JSON lists, e\.g\. 9"):
    coco.read_panoptic(tmp_path / "x.png", entry)


@pytest.mark.parametrize(
  "changes, message",
  [
    ({"score": math.nan}, "score nan, expected a finite number"),
    ({"score": math.inf}, "score inf"),
    ({"score": 10**400}, "score <integer"),
    ({"score": "0.5"}, "score '0.5'"),
    ({"score": None}, "score None"),
    ({"score": True}, "score True"),
    ({"category_id": 0}, "category_id 0, expected a scene id"),
    ({"category_id": "26"}, "category_id '26'"),
    ({"segmentation": [[0, 0, 1, 1, 0, 1]]}, "category_id 26: segmentation .* polygons"),
  ],
)
def test_results_are_held_to_their_form(changes, message):
  segmentation = {"size": [2, 2], "counts": [1, 2, 1]}
  entry = {"image_id": 1, "category_id": 26, "score": 1, "segmentation": segmentation} | changes
  with pytest.raises(ValueError, match=message):
    coco.detection(entry, (2, 2))


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5000, "\ufeff{}", "{} {}", "nul"])
def test_any_text_that_is_no_json_is_refused_in_a_sentence(tmp_path, text):
  (tmp_path / "x.json").write_text(text)
  for read in (coco.read_index, coco.read_results):
    with pytest.raises(ValueError, match=r"x\.json is no") as caught:
      read(tmp_path / "x.json")
    assert len(str(caught.value)) < 500 + len(str(tmp_path))


def test_any_wrong_value_in_a_json_is_accepted_or_refused_in_a_short_sentence(monkeypatch):
  panoptic = json.loads(index())
  segmentation = {"size": [2, 2], "counts": [1, 2, 1]}
  results = {"image_id": 1, "category_id": 26, "score": 1, "segmentation": segmentation}
  content, refused, path = None, 0, Path("x.json")
  monkeypatch.setattr(coco, "read_json", lambda path: content)

  def attempt(read):
    nonlocal refused
    try:
      read()
    except ValueError as error:
      refused += 1
      assert len(str(error)) < 700

  for value in yaml_mutations.mutations(panoptic):
    content = value
    attempt(lambda: coco.read_index(path))
  for value in yaml_mutations.mutations(results):
    content = [value]
    attempt(lambda: [coco.detection(*one, (2, 2)) for one in coco.read_results(path).values()])
  assert refused > 400
