import numpy as np

from jppf_jax.input_pipeline.side_by_side import side_by_side
from jppf_jax.labels.uids import decode


def example(shape, uid, value):
  return np.full((*shape, 3), value, np.uint8), np.full(shape, uid, np.int32)


def test_one_image_stays_as_it_is():
  image, uids = example((5, 4), 2_003_07, 9)
  row, labels = side_by_side([(image, uids)])
  np.testing.assert_array_equal(row, image)
  np.testing.assert_array_equal(labels, uids)


def test_images_stand_in_a_row_as_high_as_the_first_and_stay_aligned():
  row, labels = side_by_side(
    [example((8, 4), 1, 10), example((4, 6), 2, 20), example((16, 6), 3, 30)]
  )
  assert row.shape == (8, 4 + 12 + 3, 3) and row.dtype == np.uint8
  assert labels.shape == row.shape[:2] and labels.dtype == np.int32
  np.testing.assert_array_equal(row[..., 0], 10 * labels)
  assert (labels[0] == [1] * 4 + [2] * 12 + [3] * 3).all()


def test_a_scaled_image_is_interpolated():
  step = np.zeros((4, 4, 3), np.uint8)
  step[:, 2:] = 200
  row, _ = side_by_side([example((8, 1), 1, 0), (step, np.ones((4, 4), np.int32))])
  assert ((row[:, 1:] > 0) & (row[:, 1:] < 200)).any()


def test_a_scaled_label_lies_where_its_pixels_lie():
  rng = np.random.default_rng(0)
  uids = np.kron(rng.integers(1, 25, (4, 5)), np.ones((10, 10), int)).astype(np.int32)
  image = np.repeat((10 * uids).astype(np.uint8)[..., None], 3, -1)
  first = example((20, 3), 7, 70)
  row, labels = side_by_side([first, (image, uids)])
  inside = (row[..., 0] == 10 * labels).mean()
  assert row.shape[:2] == (20, 3 + 25) and inside > 0.5
  np.testing.assert_array_equal(labels[2::5, 5::5], uids[5::10, 5::10])  # centres of the blocks


def test_instances_of_different_images_have_different_numbers():
  forms = np.array([[1, 24_000, 24_001, 24_001_00, 24_001_03, 7]], np.int32)
  image = np.zeros((1, 6, 3), np.uint8)
  _, labels = side_by_side([(image, forms), (image, forms), (image, forms)])
  first, second, third = np.split(labels, 3, axis=1)
  np.testing.assert_array_equal(first, forms)
  np.testing.assert_array_equal(second, [[1, 24_002, 24_003, 24_003_00, 24_003_03, 7]])
  np.testing.assert_array_equal(third, [[1, 24_004, 24_005, 24_005_00, 24_005_03, 7]])
  assert (decode(labels).sid == np.tile(decode(forms).sid, 3)).all()


def test_an_image_whose_instances_have_no_numbers_left_ends_the_row():
  full, one = example((2, 2), 24_998, 1), example((2, 3), 24_000, 2)
  _, labels = side_by_side([full, one, one])
  assert labels.shape == (2, 5) and set(labels.ravel().tolist()) == {24_998, 24_999}
