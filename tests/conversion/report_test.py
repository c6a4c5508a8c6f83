import numpy as np
import pytest

from jppf_jax.conversion import compose, report
from jppf_jax.labels import spec_names
from tests.conversion import scenes


def problem(kind=compose.UNKNOWN, name="ladder", pixels=6, box=(2, 1, 5, 3), other=""):
  return compose.Problem(kind, name, other, pixels, 10, box)


def test_the_largest_of_the_worst_places_come_first_and_are_kept(monkeypatch):
  monkeypatch.setattr(report, "MOST_PLACES", 3)
  found = report.Report()
  for number in range(10):
    kinds = (compose.COVERED, compose.OUTSIDE)
    found.add(f"{number}", [problem(kind, pixels=number + 1) for kind in kinds])
  places = found.to_json()["places"]
  assert [(place["image"], place["kind"]) for place in places] == [
    ("9", compose.OUTSIDE),
    ("8", compose.OUTSIDE),
    ("7", compose.OUTSIDE),
  ]
  assert found.counts[compose.COVERED] == {"regions": 10, "pixels": 55, "images": 10}


def test_the_text_says_what_is_where(tmp_path):
  names = spec_names.load(scenes.write_spec(tmp_path))
  found = report.Report(written=["a"], failures=["b.json: broken"], empty=["c.json"])
  found.add("a", [problem(name="boxx"), problem(compose.NO_PIXEL, "box", 0, (0, 0, 0, 0))])
  found.add("a", [problem(compose.COVERED, "cart", other="box")])
  found.notes["a photo has no objects"] += 2
  found.without_labels = [f"{number}.jpg" for number in range(7)]
  found.without_shapes = ["d"]
  found.outside.update(a=2, b=1)
  text = found.text(names)
  for line in (
    "1 photo has labels now.",
    "  unknown name: 1 time in 1 image, 6 pixels",
    "  'boxx', 1 time; did you mean box?",
    "1 file without any label, left out: c.json",
    "2 times: a photo has no objects.",
    "7 photos without labels, left out: 0.jpg, 1.jpg, 2.jpg, 3.jpg, 4.jpg, ...",
    "1 photo without a shape, all unlabelled: d",
    "Points outside the image: 3 shapes in 2 photos: a, b",
    "1 could not be converted:",
    "  b.json: broken",
    "  a: unknown name: 'boxx', 6 of 10 pixels, columns 2 to 4, rows 1 to 2",
    "  a: shape without a pixel, such as a box or a line: 'box'",
    "  a: object partly below others: 'cart' (by 'box'), 6 of 10 pixels, "
    "columns 2 to 4, rows 1 to 2",
  ):
    assert line in text.splitlines()


@pytest.mark.parametrize("kind", compose.KINDS)
def test_a_picture_is_worth_it_unless_objects_only_overlap(kind):
  composed = compose.Composed(
    np.zeros((2, 2), np.int32), [problem(kind)], np.zeros((2, 2), np.uint8)
  )
  assert report.is_worth_a_picture(composed) == (kind not in (compose.COVERED, compose.NO_PIXEL))


def test_places_have_the_colour_of_their_kind_and_the_rest_is_grey():
  pixels = np.random.default_rng(0).integers(0, 255, (40, 600, 3), np.uint8)
  places = np.zeros((40, 600), np.uint8)
  kind = compose.KINDS.index(compose.TWO_PARTS)
  places[10:14, 300:310] = 1 + kind
  one = problem(compose.TWO_PARTS, "ä", box=(300, 10, 310, 14))
  picture = np.asarray(report.draw(pixels, places, [one]))
  assert picture.shape[0] > 40 and picture.shape[1] == 600
  color = np.array(report._COLORS[kind])
  is_marked = (picture[:40] == color).all(-1)
  frame = np.zeros((40, 600), bool)
  frame[6:18, 296:314] = True
  frame[7:17, 297:313] = False
  np.testing.assert_array_equal(is_marked, frame | (places > 0))
  rest = picture[:40][~is_marked]
  assert (rest == rest[:, :1]).all()
  assert (picture[40:] == color).all(-1).sum() > 50  # the legend


def test_a_large_picture_is_scaled_down_and_its_places_are_seen():
  pixels, places = np.zeros((1500, 3000, 3), np.uint8), np.zeros((1500, 3000), np.uint8)
  places[700, 2000] = 1
  picture = report.draw(pixels, places, [problem(box=(2000, 700, 2001, 701))])
  assert picture.width == 1280
  x, y = 2000 * 1280 // 3000, 700 * 1280 // 3000
  around = np.asarray(picture)[y - 8 : y + 8, x - 8 : x + 8]
  assert (around == report._COLORS[0]).all(-1).sum() > 20
