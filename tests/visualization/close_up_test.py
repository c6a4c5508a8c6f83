"""Windows around boxes, and heat on one scale."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jppf_jax.structs import PanopticParts, Segments
from jppf_jax.visualization import close_up, sheet
from jppf_jax.visualization.close_up import cropped, heat_maps, window_around
from jppf_jax.visualization.palette import heat

PHOTO = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)
WINDOW = (slice(10, 25), slice(20, 40))  # 15 x 20


@given(
  corner=st.tuples(st.floats(-20, 70), st.floats(-20, 50)),
  extent=st.tuples(st.floats(0, 80), st.floats(0, 60)),
  margin=st.floats(0, 1),
)
def test_a_window_lies_in_the_image_and_contains_the_box_as_far_as_it_is_inside(
  corner, extent, margin
):
  box = np.array([*corner, *np.add(corner, extent)], np.float32)
  rows, columns = window_around(box, (40, 60), margin=margin)
  for side, low, high, end in ((rows, box[1], box[3], 40), (columns, box[0], box[2], 60)):
    assert 0 <= side.start < side.stop <= end
    low, high = np.clip([low, high], 0, end)
    assert side.start <= low + 1 and side.stop >= high - 1  # whole pixels


@pytest.mark.parametrize("box", [(195, 140, 205, 200), (120, 160, 220, 180)], ids=["tall", "wide"])
def test_tall_and_wide_boxes_have_windows_of_the_same_proportions(box):
  rows, columns = window_around(np.array(box), (400, 400), margin=0.25)
  height, width = rows.stop - rows.start, columns.stop - columns.start
  assert width / height == pytest.approx(4 / 3, rel=0.03)
  longer = height if box[0] == 195 else width
  assert longer == max(box[2] - box[0], box[3] - box[1]) * 1.5  # and a quarter of it on both ends
  assert (rows.start + rows.stop) / 2 == pytest.approx((box[1] + box[3]) / 2, abs=1)
  assert (columns.start + columns.stop) / 2 == pytest.approx((box[0] + box[2]) / 2, abs=1)


def test_a_window_is_pushed_back_into_the_image_before_it_is_cut():
  rows, columns = window_around(np.array([0, 0, 12, 9]), (200, 200), margin=0.5)
  assert (rows, columns) == (slice(0, 18), slice(0, 24))
  rows, columns = window_around(np.array([0, 0, 200, 200]), (200, 100))
  assert (rows, columns) == (slice(0, 200), slice(0, 100))


def test_photo_and_maps_are_cropped_alike():
  semantic = np.arange(40 * 60, dtype=np.int32).reshape(40, 60)
  none = np.zeros(1, np.int32)
  segments = Segments(none, none.astype(np.float32), none, none.astype(bool))
  answer = PanopticParts(semantic, semantic + 1, semantic + 2, segments)
  image, maps = cropped(PHOTO, answer, WINDOW)
  np.testing.assert_array_equal(image, PHOTO[10:25, 20:40])
  for offset, values in enumerate(maps):
    np.testing.assert_array_equal(values, semantic[10:25, 20:40] + offset)


def pictures_and_legend(monkeypatch, maps, **options):
  """Returns the sheet, its pictures by title, and the entries of its legend."""
  seen = {}

  def spy(name):
    draw = getattr(sheet, name)

    def record(content, **settings):
      seen[name] = content
      return draw(content, **settings)

    monkeypatch.setattr(close_up, name, record)

  spy("grid")
  spy("legend")
  whole = heat_maps(PHOTO, maps, WINDOW, width=40, **options)
  return whole, seen["grid"], seen["legend"]


def test_maps_share_one_scale_of_what_the_window_shows(monkeypatch):
  small, large = np.full((40, 60), 1.0), np.full((40, 60), 3.0)
  small[0, 0] = -100  # outside the window
  whole, pictures, legend = pictures_and_legend(monkeypatch, {"small": small, "large": large})
  assert list(pictures) == ["Photo", "small", "large"] and list(legend) == ["Scale"]
  # twice as large, pixels stay squares
  np.testing.assert_array_equal(pictures["Photo"][::2, ::2], PHOTO[WINDOW])
  dark, light = heat(np.array([[0.0, 1.0]]))[0]
  assert pictures["small"].shape == (30, 40, 3)
  assert (pictures["small"] == dark).all() and (pictures["large"] == light).all()
  numbers = [float(name) for name in legend["Scale"]]
  assert numbers == pytest.approx([1, 4 / 3, 5 / 3, 2, 7 / 3, 8 / 3, 3], abs=0.01)
  assert (legend["Scale"]["1"] == dark).all() and (legend["Scale"]["3"] == light).all()
  assert whole.shape[1] > 3 * 40


def test_a_given_scale_is_kept_and_values_beyond_it_are_clipped(monkeypatch):
  values = np.linspace(-5, 5, 40 * 60).reshape(40, 60)
  _, pictures, legend = pictures_and_legend(monkeypatch, {"x": values}, low=0, high=0.5)
  np.testing.assert_array_equal(pictures["x"][::2, ::2], heat(values, 0, 0.5)[WINDOW])
  numbers = [float(name) for name in legend["Scale"]]
  assert numbers == pytest.approx(np.linspace(0, 0.5, 7), abs=0.001)


def test_values_that_are_not_finite_are_grey_and_named_in_the_legend(monkeypatch):
  values = np.full((40, 60), -np.inf)
  values[10:25, 30:] = 2.0
  _, pictures, legend = pictures_and_legend(monkeypatch, {"x": values})
  assert (pictures["x"][:, :20] == 128).all() and not (pictures["x"][:, 20:] == 128).all(-1).any()
  assert (legend["Other"]["does not compete here"] == 128).all()
  nowhere = pictures_and_legend(monkeypatch, {"x": np.full((40, 60), -np.inf)})[1]["x"]
  assert (nowhere == 128).all()
