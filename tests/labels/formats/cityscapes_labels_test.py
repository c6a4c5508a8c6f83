import json

import numpy as np
import pytest
from PIL import Image

from jppf_jax.conversion.compose import compose
from jppf_jax.labels import spec_names
from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.formats import cityscapes_labels

NAMES = spec_names.load("cityscapes")


def polygon(label, left, top, right, bottom, **more):
  corners = [[left, top], [right, top], [right, bottom], [left, bottom]]
  return {"label": label, "polygon": corners, **more}


def uids_of(labelled):
  return compose(labelled.size, labelled.regions, NAMES).uids


def write(path, *objects, **changes):
  content = {"imgHeight": 10, "imgWidth": 20, "objects": list(objects)}
  path.write_text(json.dumps(content | changes))
  return path


def test_the_names_are_at_the_ids_of_the_classes():
  spec = cpp()
  for name, sid in zip(spec.class_names, spec.class_ids):
    assert cityscapes_labels.NAMES[sid] == name
  assert len(cityscapes_labels.NAMES) == 34
  scored = set(cityscapes_labels.NAMES) - cityscapes_labels.NOT_SCORED
  assert scored == set(spec.class_names)


def test_polygons_that_reach_outside_the_image_are_marked(tmp_path):
  plate = polygon("license plate", 30, 2, 40, 4)  # not drawn
  shapes = polygon("road", 0, 0, 20, 10), polygon("car", -3, 2, 6, 7), plate
  found = cityscapes_labels.read_polygons(write(tmp_path / "a_polygons.json", *shapes)).regions
  assert [(region.name, region.outside) for region in found] == [("road", False), ("car", True)]


def test_polygons_become_what_the_official_script_writes(tmp_path):
  """Later ones on top, instances from 0 per class, groups without, license plates not drawn."""
  path = write(
    tmp_path / "a_polygons.json",
    polygon("ego vehicle", 0, 0, 19, 9),
    polygon("road", 0, 5, 19, 9),
    polygon("cargroup", 12, 2, 15, 4),
    polygon("car", 2, 2, 6, 7),
    polygon("car", 5, 3, 9, 6),
    polygon("license plate", 3, 3, 4, 4),
    polygon("polegroup", 17, 0, 18, 4),
    polygon("person", 10, 0, 11, 3, deleted=1),
    polygon("person", 10, 5, 10, 8),
  )
  expected = np.zeros((10, 20), np.int32)
  expected[5:] = 7
  expected[2:8, 2:7] = 26_000
  expected[3:7, 5:10] = 26_001
  expected[2:5, 12:16] = 26
  expected[5:9, 10] = 24_000
  np.testing.assert_array_equal(uids_of(cityscapes_labels.read_polygons(path)), expected)


def test_labels_without_score_are_void_without_further_notice(tmp_path):
  path = write(tmp_path / "a_polygons.json", polygon("ego vehicle", 0, 0, 5, 5))
  labelled = cityscapes_labels.read_polygons(path)
  assert not compose(labelled.size, labelled.regions, NAMES).problems


def test_instance_ids_stay_as_they_are(tmp_path):
  ids = np.array([[7, 7, 26_003], [24, 1, 26_000], [26, 0, 3]])
  Image.fromarray(ids.astype(np.uint16)).save(tmp_path / "a.png")
  labelled = cityscapes_labels.read_instances(tmp_path / "a.png")
  expected = np.where(np.isin(ids, [1, 3]), 0, ids)
  np.testing.assert_array_equal(uids_of(labelled), expected)


def test_label_ids_that_cityscapes_does_not_have_are_refused(tmp_path):
  Image.fromarray(np.full((3, 3), 40, np.uint16)).save(tmp_path / "a.png")
  with pytest.raises(ValueError, match="label ids that Cityscapes does not have, e.g. 40"):
    cityscapes_labels.read_instances(tmp_path / "a.png")


@pytest.mark.parametrize(
  "changes, message",
  [
    ({"objects": 3}, "has no polygons"),
    ({"imgHeight": 0}, "imgHeight and imgWidth are \\(0, 20\\)"),
    ({"objects": [3]}, "object 0: found 3, expected a label and a polygon"),
    ({"objects": [{"label": "car", "polygon": 1}]}, "object 0: the points are 1"),
  ],
)
def test_a_file_that_is_not_cityscapes_is_refused(tmp_path, changes, message):
  with pytest.raises(ValueError, match=message):
    cityscapes_labels.read_polygons(write(tmp_path / "a_polygons.json", **changes))
