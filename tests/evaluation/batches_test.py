import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from jppf_jax.evaluation.batches import Photo, answers, in_batches
from jppf_jax.evaluation.predict import Predictor

SIZE = (64, 128)
SHAPES = {"wide": (3, 9), "high": (9, 3), "square": (4, 4)}


def photo(number, kind):
  return Photo(str(number), np.full((*SHAPES[kind], 3), number, np.uint8), kind)


@given(st.lists(st.sampled_from(list(SHAPES))), st.integers(1, 4))
def test_each_photo_is_in_one_batch_of_its_orientation_and_only_the_last_are_short(kinds, size):
  photos = [photo(number, kind) for number, kind in enumerate(kinds)]
  batches = list(in_batches(photos, size, SIZE))
  names = sorted(int(one.name) for batch in batches for one in batch)
  assert names == list(range(len(kinds)))
  short = {True: 0, False: 0}
  for batch in batches:
    assert len({one.source == "high" for one in batch}) == 1  # squares are not turned
    short[batch[0].source == "high"] += len(batch) < size
    assert 1 <= len(batch) <= size
    assert [int(one.name) for one in batch] == sorted(int(one.name) for one in batch)
  assert max(short.values()) <= 1


def test_a_batch_is_given_as_soon_as_it_is_full():
  def photos():
    yield photo(0, "wide")
    yield photo(1, "high")
    yield photo(2, "wide")
    raise AssertionError("the first batch was full")

  batch = next(in_batches(photos(), 2, SIZE))
  assert [one.name for one in batch] == ["0", "2"]


def test_larger_images_share_a_batch_only_if_their_canvases_are_one():
  shapes = [(64, 128), (65, 130), (70, 140), (100, 140), (66, 131), (130, 65)]
  photos = [Photo(str(n), np.zeros((*shape, 3), np.uint8), "") for n, shape in enumerate(shapes)]
  batches = [[one.name for one in batch] for batch in in_batches(photos, 3, SIZE)]
  assert sorted(batches) == [["0"], ["1", "2", "4"], ["3"], ["5"]]


class Counting(Predictor):
  """Answers an image by its first value; keeps how many images came together."""

  def __init__(self):
    self.counts = []

  def batch(self, images):
    self.counts.append(len(images))
    return [int(image[0, 0, 0]) for image in images]


def test_a_short_batch_has_as_many_images_as_a_full_one_and_answers_for_its_own():
  program = Counting()
  images = [photo(number, "wide").image for number in (5, 6, 7)]
  assert answers(program, images, 3) == [5, 6, 7]
  assert answers(program, images[:1], 3) == [5]
  assert program.counts == [3, 3]
