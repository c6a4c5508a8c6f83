"""A label whose pixels lie in another one is found, and what lies everywhere is not."""

import numpy as np

from jppf_jax.conversion.nesting import Inside, Nesting
from jppf_jax.labels.formats.region import Labelled, Region


def photo(*boxes, size=(40, 60)):
  """A photo with named boxes: name, first column and row, and those behind the last."""

  def region(name, left, top, right, bottom):
    mask = np.zeros(size, bool)
    mask[top:bottom, left:right] = True
    return Region(name, lambda: mask)

  return Labelled(size, [region(*box) for box in boxes])


def found(*photos, **options):
  nesting = Nesting(**options)
  for one in photos:
    nesting.add(one)
  return nesting.found()


PERSON = ("person", 10, 0, 30, 40)


def test_a_label_inside_another_one_in_all_photos_together_is_found():
  hair = ("hair", 12, 0, 22, 9), ("hair", 12, 0, 22, 1)
  assert found(photo(PERSON, hair[0])) == {"hair": Inside("person", 1.0)}
  without = photo(("hair", 40, 0, 50, 1))
  assert found(photo(PERSON, hair[0]), without) == {"hair": Inside("person", 0.9)}
  assert found(photo(PERSON, hair[1]), without) == {}


def test_two_shapes_of_the_owner_may_hold_a_shape_together():
  halves = ("person", 10, 0, 30, 20), ("person", 10, 20, 30, 40)
  assert set(found(photo(*halves, ("belt", 10, 18, 30, 22)))) == {"belt"}


def test_the_outermost_label_is_the_owner():
  nested = photo(PERSON, ("face", 12, 2, 22, 12), ("eye", 14, 4, 16, 6))
  owners = {label: one.owner for label, one in found(nested).items()}
  assert owners == {"face": "person", "eye": "person"}


def test_what_covers_nearly_the_whole_photo_holds_nothing():
  assert found(photo(("floor", 0, 0, 60, 38), ("box", 1, 1, 9, 9))) == {}


def test_pixels_that_lie_in_no_label_are_counted():
  nesting = Nesting(lambda name: "" if "/" in name else name)
  assert nesting.bare == 0
  nesting.add(photo(PERSON, ("hair", 12, 0, 22, 9), size=(40, 60)))
  assert nesting.bare == 2 / 3
  nesting.add(photo(("person/arm", 0, 0, 60, 20), size=(40, 60)))  # drawn, whatever it counts as
  assert nesting.bare == 2800 / 4800
  nesting.add(photo(size=(4000, 60)))  # of large photos each fourth row and column
  assert nesting.bare == (2800 + 15_000) / (4800 + 15_000)


def test_two_labels_on_the_same_pixels_hold_each_other_not():
  assert found(photo(PERSON, ("human", *PERSON[1:]))) == {}


def test_a_name_can_count_as_another_one_or_not_at_all():
  one = photo(PERSON, ("Hair", 12, 0, 22, 9), ("person/arm", 10, 20, 12, 30))
  known = {"person": "person", "Hair": "hair"}
  assert set(found(one, label_of=lambda name: known.get(name, ""))) == {"hair"}


def test_shapes_without_a_pixel_and_large_photos_are_fine():
  large = photo(("person", 0, 0, 1500, 900), ("hair", 3, 3, 90, 90), ("dot", 5, 5, 5, 5))
  assert found(large) == {}
  large = photo(("person", 0, 0, 1500, 900), ("hair", 3, 3, 90, 90), size=(2000, 3000))
  assert found(large) == {"hair": Inside("person", 1.0)}


def test_of_large_photos_each_second_row_and_column_is_counted():
  size = (1025, 12)
  even = {"rows": np.zeros(size, bool), "columns": np.zeros(size, bool)}
  even["rows"][:20:2, 2:8], even["columns"][:20, 2:8:2] = True, True
  owner = np.ones(size, bool)
  owner[100:] = False
  for mask in even.values():
    for shift, expected in ((0, {"label": Inside("owner", 1.0)}), (1, {})):
      moved = np.roll(mask, (shift, shift), (0, 1))
      regions = [Region("owner", lambda: owner), Region("label", lambda moved=moved: moved)]
      assert found(Labelled(size, regions)) == expected
