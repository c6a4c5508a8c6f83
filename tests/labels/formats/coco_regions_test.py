import json

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from jppf_jax.labels.formats import coco, coco_regions

SIZE = (12, 20)
SQUARE = [2.0, 2.0, 8.0, 2.0, 8.0, 7.0, 2.0, 7.0]
OTHER = [10.5, 1.0, 17.2, 3.0, 12.0, 9.7]
CATEGORIES = [
  {"id": 301, "name": "robot", "supercategory": "machine"},
  {"id": 7, "name": "arm", "supercategory": "robot"},
]


def content(*annotations, **changes):
  images = [{"id": 5, "file_name": "a.jpg", "height": SIZE[0], "width": SIZE[1]}]
  return {"images": images, "annotations": list(annotations), "categories": CATEGORIES} | changes


def annotation(number=1, segmentation=(SQUARE,), **changes):
  about = {"id": number, "image_id": 5, "category_id": 301, "iscrowd": 0}
  segmentation = segmentation if isinstance(segmentation, dict) else list(segmentation)
  return about | {"segmentation": segmentation} | changes


def read(tmp_path, made):
  path = tmp_path / "a.json"
  path.write_text(json.dumps(made))
  return coco_regions.read(path)


def instances(tmp_path, *annotations, **options):
  file = read(tmp_path, content(*annotations))
  return coco_regions.instances(file.images[0], file, **options)


def rle(mask, *, compressed):
  flat = np.asarray(mask, np.uint8).ravel(order="F")
  edges = np.flatnonzero(np.diff(np.concatenate([[0], flat, [1 - flat[-1]]])))
  counts = np.diff(np.concatenate([[0], edges])).tolist()
  if not compressed:
    return {"size": list(mask.shape), "counts": counts}
  from pycocotools import mask as encoder

  coded = encoder.encode(np.asfortranarray(mask, np.uint8))
  return {"size": list(mask.shape), "counts": coded["counts"].decode()}


def test_polygons_and_run_lengths_have_the_pixels_that_pycocotools_gives_them(tmp_path):
  mask = np.random.default_rng(0).random(SIZE) < 0.4
  mask[0, 0] = True  # the first run is empty
  forms = [(SQUARE,), (SQUARE, OTHER), rle(mask, compressed=True), rle(mask, compressed=False)]
  entries = [annotation(number, form) for number, form in enumerate(forms, 1)]
  labelled = instances(tmp_path, *entries)
  reference = COCO(str(tmp_path / "a.json"))
  assert labelled.size == SIZE
  for region, entry in zip(labelled.regions, entries, strict=True):
    np.testing.assert_array_equal(region.draw(), reference.annToMask(entry))
  np.testing.assert_array_equal(labelled.regions[2].draw(), mask)


def test_a_region_says_its_category_the_parent_of_it_and_its_object(tmp_path):
  entries = [
    annotation(1),
    annotation(2, category_id=7, obj_ann_id=1),
    annotation(3, iscrowd=1),
    annotation(4, instance_id=17),
    annotation(5, category_id=7),
  ]
  one, part, crowd, numbered, lonely = instances(tmp_path, *entries).regions
  assert (one.name, one.parent, one.crowd) == ("robot", "machine", False)
  assert (part.name, part.parent) == ("arm", "robot")
  assert part.group == one.group != lonely.group
  assert crowd.crowd and numbered.group == 17


@pytest.mark.parametrize("value, crowd", [(1, True), (True, True), (0, False), (None, False)])
def test_only_a_mark_makes_a_crowd(tmp_path, value, crowd):
  (region,) = instances(tmp_path, annotation(iscrowd=value)).regions
  assert region.crowd is crowd


def test_crowds_of_cvat_are_objects(tmp_path):
  (region,) = instances(tmp_path, annotation(iscrowd=1), crowds=False).regions
  assert not region.crowd


def test_an_annotation_without_segmentation_has_no_pixel(tmp_path):
  (region,) = instances(tmp_path, annotation(segmentation=())).regions
  assert not region.draw().any()


@pytest.mark.parametrize(
  "segmentation, message",
  [
    ([[1, 2, 3, 4]], "a polygon is \\[1, 2, 3, 4\\], expected"),
    ([[1, 2, 3, 4, 5]], "expected \\[x, y, x"),
    ([[1, 2, 3, 4, 5, 1e9]], "expected \\[x, y, x"),
    ([3], "a polygon is 3"),
    ("text", "a polygon is"),
    ({"size": [3, 3], "counts": [9]}, "has size \\[3, 3\\], the image has \\[12, 20\\]"),
  ],
)
def test_a_wrong_mask_is_refused(tmp_path, segmentation, message):
  file = read(tmp_path, content(annotation() | {"segmentation": segmentation}))
  with pytest.raises(ValueError, match=message):
    (region,) = coco_regions.instances(file.images[0], file).regions
    region.draw()


def test_only_polygons_reach_outside_the_image(tmp_path):
  beyond = [2.0, 2.0, 8.0, 2.0, 8.0, 13.5]
  border = [0, 0, 20, 0, 20, 12, 0, 12]
  forms = [(SQUARE, beyond), (border,), rle(np.ones(SIZE), compressed=True), ()]
  entries = [annotation(number, form) for number, form in enumerate(forms, 1)]
  found = [region.outside for region in instances(tmp_path, *entries).regions]
  assert found == [True, False, False, False]


TWICE = [{"id": 5, "file_name": name, "height": 3, "width": 3} for name in "ab"]
SAME = [{"id": number, "file_name": "a", "height": 3, "width": 3} for number in (1, 2)]


@pytest.mark.parametrize(
  "changes, message",
  [
    ({"images": 3}, 'has no annotations of COCO: expected {"images"'),
    ({"categories": [{"id": 1}]}, "a category is {'id': 1}, expected an id and a name"),
    ({"categories": [CATEGORIES[0]] * 2}, "two categories have the id 301"),
    ({"images": [{"id": 1, "file_name": "a"}]}, "height and width \\(None, None\\)"),
    ({"images": [3]}, "an image is 3, expected id, file_name"),
    ({"images": TWICE}, "the image 'b' \\(id 5\\) is listed twice"),
    ({"images": SAME}, "the image 'a' \\(id 2\\) is listed twice"),
    ({"annotations": [{"image_id": [6]}]}, "annotation 0 is of image \\[6\\], expected an id"),
    ({"annotations": [3]}, "annotation 0 is of image None"),
  ],
)
def test_a_file_that_is_not_cocos_is_refused(tmp_path, changes, message):
  with pytest.raises(ValueError, match=f"a.json.*{message}"):
    read(tmp_path, content(**changes))


def test_an_unknown_category_is_refused(tmp_path):
  with pytest.raises(ValueError, match="category_id 8, which is not listed"):
    instances(tmp_path, annotation(category_id=8))


def panoptic(tmp_path, ids, *segments):
  entry = {"image_id": 5, "file_name": "a.png", "segments_info": list(segments)}
  Image.fromarray(coco.encode_ids(ids)).save(tmp_path / "a.png")
  file = read(tmp_path, content(entry))
  assert file.is_panoptic
  return coco_regions.segments(file.images[0], file, tmp_path)


def segment(number, category=301, **changes):
  return {"id": number, "category_id": category, "iscrowd": 0} | changes


def test_segments_are_regions_with_the_numbers_that_ids_hold(tmp_path):
  ids = np.zeros(SIZE, np.int32)
  ids[2:5, 3:9], ids[6:8], ids[10:] = 301_017, 70_000, 3
  made = [segment(301_017), segment(70_000), segment(3, iscrowd=1)]
  labelled = panoptic(tmp_path, ids, *made)
  for region, entry in zip(labelled.regions, made, strict=True):
    np.testing.assert_array_equal(region.draw(), ids == entry["id"])
  assert [region.group for region in labelled.regions][:2] == [17, ("segment", 70_000)]
  assert labelled.regions[2].crowd


@pytest.mark.parametrize(
  "segments, message",
  [
    ([], "segments that the JSON does not list, e.g. 9"),
    ([segment(0)], "expected an id above 0"),
    ([3], "a segment is 3"),
    ([segment(9, 8)], "category_id 8, which is not listed"),
  ],
)
def test_segments_that_do_not_fit_are_refused(tmp_path, segments, message):
  with pytest.raises(ValueError, match=message):
    panoptic(tmp_path, np.full(SIZE, 9), *segments)


def test_a_png_of_another_size_is_refused(tmp_path):
  with pytest.raises(ValueError, match="has shape \\(3, 3\\), the JSON says \\(12, 20\\)"):
    panoptic(tmp_path, np.full((3, 3), 9), segment(9))
