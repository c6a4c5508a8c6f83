import numpy as np

from jppf_jax.labels.registry import load_spec
from jppf_jax.visualization.contact_sheet import HEIGHT, WIDTH, contact_sheet

SPEC = load_spec("cpp")


def example(image_id, uids, color=0):
  image = np.full((*uids.shape, 3), color, np.uint8)
  return {"image_id": image_id, "image": image, "uids": uids}


def test_objects_without_labelled_parts_have_the_colour_of_their_class():
  uids = np.full((16, 32), 7, np.int32)
  uids[:, 16:] = 26_000  # a car without parts
  drawn = contact_sheet([[example("a", uids)]], SPEC).astype(int)
  red, green, blue = np.moveaxis(drawn, -1, 0)
  is_car = (blue > 60) & (np.maximum(red, green) < blue // 2)  # (0, 0, 142)
  assert is_car.sum() > 480 * 240 / 4  # half of the labels, which are half of the picture


def test_strips_stay_inside_their_cell():
  for size in ((4000, 2), (2, 4000)):
    drawn = contact_sheet([[example("a", np.full(size, 7, np.int32))]], SPEC)
    assert drawn.shape[0] < HEIGHT + 300 and drawn.shape[1] < 2 * WIDTH + 100


def test_examples_of_all_splits_are_shown_and_at_most_count():
  uids = np.full((60, 20), 7, np.int32)  # upright
  first = [example(f"a{i}", uids, 40 * i) for i in range(4)]
  second = [example(f"b{i}", uids, 40 * i) for i in range(4)]
  height, width, _ = contact_sheet([first, second], SPEC, count=8).shape
  _, width_of_one, _ = contact_sheet([first, second], SPEC, count=1).shape
  cell_width = 2 * HEIGHT * 20 // 60
  assert width > 3 * cell_width and height > 3 * HEIGHT
  assert cell_width < width_of_one < 2 * WIDTH
