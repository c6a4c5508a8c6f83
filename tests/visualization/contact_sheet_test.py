import numpy as np

from jppf_jax.labels.registry import load_spec
from jppf_jax.visualization.contact_sheet import HEIGHT, WIDTH, contact_sheet

SPEC = load_spec("cpp")


def example(image_id, uids, color=0):
  image = np.full((*uids.shape, 3), color, np.uint8)
  return {"image_id": image_id, "image": image, "uids": uids}


def test_the_sheet_shows_the_class_of_objects_whose_parts_nobody_labelled():
  uids = np.full((16, 32), 7, np.int32)
  uids[:, 16:] = 26_000  # a car without parts
  drawn = contact_sheet([[example("a", uids)]], SPEC).astype(int)
  blue = (drawn[..., 2] > 60) & (drawn[..., :2].max(-1) < drawn[..., 2] // 2)  # (0, 0, 142)
  assert blue.sum() > 480 * 240 / 4  # half of the labels, which are half of the picture


def test_examples_of_all_splits_are_shown_and_no_more_than_asked_for():
  uids = np.full((60, 20), 7, np.int32)  # upright
  splits = [[example(f"{s}{i}", uids, 40 * i) for i in range(4)] for s in "ab"]
  one, all_of_them = (contact_sheet(splits, SPEC, count=n).shape for n in (1, 8))
  cell_width = 2 * HEIGHT * 20 // 60
  assert one[1] > cell_width and all_of_them[1] > 3 * cell_width and all_of_them[0] > 3 * HEIGHT
  assert one[1] < 2 * WIDTH
