import json

import numpy as np
import pytest
from pycocotools.coco import COCO

from jppf_jax.conversion.compose import compose
from jppf_jax.labels import spec_names
from jppf_jax.labels.formats import coco_objects, coco_regions
from tests.conversion import scenes


@pytest.fixture
def names(tmp_path):
  return spec_names.load(scenes.write_spec(tmp_path))


def write(path, uids, names):
  height, width = uids.shape
  image = {"id": 42, "file_name": "a.jpg", "height": height, "width": width}
  coco_objects.write(path, [image], [list(coco_objects.annotations(uids, names))], names)


@pytest.mark.parametrize("spec", [scenes.SPEC, scenes.FILLS, scenes.RESTS])
@pytest.mark.parametrize("size", [(23, 37), (37, 23), (1, 9), (9, 1)])
def test_masks_restore_each_uid(tmp_path, size, spec):
  names = spec_names.load(scenes.write_spec(tmp_path, spec))
  uids = scenes.random_uids(np.random.default_rng(size[0]), size)
  write(tmp_path / "a.json", uids, names)
  file = coco_regions.read(tmp_path / "a.json")
  labelled = coco_regions.instances(file.images[0], file)
  composed = compose(labelled.size, labelled.regions, names)
  np.testing.assert_array_equal(composed.uids, uids)
  assert not composed.problems


def test_ids_that_mean_one_part_are_one_mask(tmp_path, names):
  uids = np.full((4, 6), 200_101, np.int32)
  uids[:2] = 200_104
  write(tmp_path / "a.json", uids, names)
  file = coco_regions.read(tmp_path / "a.json")
  labelled = coco_regions.instances(file.images[0], file)
  assert [region.name for region in labelled.regions] == ["robot", "robot/arm"]
  assert all(region.draw().all() for region in labelled.regions)


def test_cocos_own_tools_read_the_file(tmp_path, names):
  uids = np.full((10, 12), 1, np.int32)
  uids[2:8, 3:9] = 2_005
  uids[2:4, 3:9] = 200_504  # the second part id of the arm
  uids[9, :4] = 3
  write(tmp_path / "a.json", uids, names)
  read = COCO(str(tmp_path / "a.json"))
  robot, arm = read.loadAnns([3, 4])
  assert (robot["category_id"], robot["area"], robot["bbox"]) == (2, 36, [3.0, 2.0, 6.0, 6.0])
  assert (arm["area"], arm["obj_ann_id"], arm["instance_id"]) == (12, 3, 5)
  (category,) = read.loadCats([arm["category_id"]])
  assert category == {"id": 201, "name": "robot/arm", "supercategory": "robot"}
  np.testing.assert_array_equal(read.annToMask(arm), uids == 200_504)
  (crowd,) = read.loadAnns(read.getAnnIds(iscrowd=True))
  assert (crowd["category_id"], crowd["area"]) == (3, 4)


def test_objects_of_the_second_image_are_named_by_their_own_ids(tmp_path, names):
  uids = np.full((4, 4), 200_101, np.int32)
  entries = [list(coco_objects.annotations(uids, names)) for _ in range(2)]
  images = [{"id": number, "file_name": f"{number}.jpg"} for number in (1, 2)]
  coco_objects.write(tmp_path / "a.json", images, entries, names)
  written = json.loads((tmp_path / "a.json").read_text())["annotations"]
  assert [entry["id"] for entry in written] == [1, 2, 3, 4]
  assert [entry.get("obj_ann_id") for entry in written] == [None, 1, None, 3]
  assert "object" not in written[1]
