import numpy as np

from jppf_jax.street_scenes.annotate import annotate
from tests.scene_stage import stage

GREY = (0.5, 0.5, 0.5)


def box(x0, y0, x1, y1):
  return [x0, y0, x1, y0, x1, y1, x0, y1]


def test_instances_count_up_per_class_and_parts_belong_to_them():
  canvas = stage()
  canvas.brush(7).polygon(box(0, 0, 256, 128), 9.0, GREY)
  for x in (10, 40, 70):
    car = canvas.brush(26, instance=True)
    car.polygon(box(x, 10, x + 20, 30), 5.0, GREY, 5)
    car.polygon(box(x, 10, x + 20, 15), 5.0, GREY)
  canvas.brush(31, instance=True).polygon(box(10, 50, 60, 80), 5.0, GREY)
  canvas.brush(24).polygon(box(100, 50, 120, 80), 5.0, GREY, 2)  # a crowd
  uids = annotate(canvas, smallest=1, no_parts_below=1, rim=0)
  # inside an instance the part may be unknown: SS_III and SS_III_00 by turns
  assert set(np.unique(uids).tolist()) == {
    7,
    24,
    31_000,
    26_000,
    2_600_005,
    2_600_100,
    2_600_105,
    26_002,
    2_600_205,
  }
  assert (uids == 26_000).sum() == 100 and (uids == 2_600_005).sum() == 300


def test_small_instances_lose_their_parts_and_tiny_ones_everything():
  canvas = stage()
  for index, side in enumerate((20, 8, 2)):
    canvas.brush(24, instance=True).polygon(
      box(40 * index, 0, 40 * index + side, side), 5.0, GREY, 1
    )
  uids = annotate(canvas, smallest=10, no_parts_below=100, rim=0)
  assert set(np.unique(uids).tolist()) == {0, 2_400_001, 24_001, 5}


def test_hidden_instances_use_up_no_id():
  canvas = stage()
  canvas.brush(33, instance=True).polygon(box(0, 0, 20, 20), 9.0, GREY)
  canvas.brush(33, instance=True).polygon(box(0, 0, 20, 20), 5.0, GREY)
  assert set(np.unique(annotate(canvas, smallest=1, no_parts_below=1, rim=0)).tolist()) == {
    0,
    33_000,
  }


def test_the_rim_is_out_of_the_region_of_interest_and_counts_for_no_instance():
  canvas = stage()
  canvas.brush(33, instance=True).polygon(box(0, 0, 2, 128), 9.0, GREY)
  canvas.brush(33, instance=True).polygon(box(50, 50, 90, 90), 9.0, GREY)
  uids = annotate(canvas, smallest=1, no_parts_below=1, rim=2)
  assert (
    (uids[:2] == 3).all()
    and (uids[:, :2] == 3).all()
    and (uids[:, -2:] == 3).all()
    and uids[-1, 5] == 0
  )
  assert set(np.unique(uids).tolist()) == {0, 3, 33_000}
