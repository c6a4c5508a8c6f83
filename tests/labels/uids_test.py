import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jppf_jax.labels import uids

known_ids = st.one_of(
  st.tuples(st.integers(0, 99), st.just(-1), st.just(-1)),
  st.tuples(st.integers(1, 99), st.integers(0, 999), st.just(-1)),
  st.tuples(st.integers(1, 99), st.integers(0, 999), st.integers(1, 99)),
)


def decode_by_digits(uid):
  """Reads the decimal digits; the oracle."""
  digits = str(uid)
  if len(digits) <= 2:
    return int(digits), -1, -1
  if len(digits) <= 5:
    return int(digits[:-3]), int(digits[-3:]), -1
  return int(digits[:-5]), int(digits[-5:-2]), int(digits[-2:]) or -1


def test_every_legal_uid_decodes_to_its_digits():
  legal = np.concatenate(
    [np.arange(100), np.arange(1000, 100_000, 7), np.arange(100_000, 10_000_000, 997)]
  )
  legal = np.append(legal, [99_999, 100_000, 9_999_999])
  expected = np.array([decode_by_digits(uid) for uid in legal])
  np.testing.assert_array_equal(np.stack(uids.decode(legal)), expected.T)


@given(st.lists(known_ids, min_size=1, max_size=20))
def test_encoding_and_decoding_are_inverse(ids):
  ids = np.array(ids).T
  encoded = uids.encode(*ids)
  assert encoded.dtype == np.int32
  np.testing.assert_array_equal(np.stack(uids.decode(encoded)), ids)


def test_the_documented_examples():
  sid, iid, pid = [23, 26, 26, 24], [-1, -1, 2, 10], [-1, -1, -1, 2]
  encoded = uids.encode(np.array(sid), np.array(iid), np.array(pid))
  np.testing.assert_array_equal(encoded, [23, 26, 26002, 2401002])


def test_part_zero_means_that_the_part_is_not_known():
  np.testing.assert_array_equal(np.stack(uids.decode(np.array([2_401_000]))), [[24], [10], [-1]])
  assert uids.encode(np.array([24]), np.array([10]), np.array([0])) == [24010]


@pytest.mark.parametrize("value", [-1, 100, 999, 10_000_000])
def test_illegal_uids_are_refused_with_their_number_and_an_example(value):
  with pytest.raises(ValueError, match=rf"2 of 3 pixels have illegal uids, e\.g\. {value};"):
    uids.decode(np.array([value, 7, value]))


@pytest.mark.parametrize(
  "ids, message",
  [
    ((100, -1, -1), "scene ids"),
    ((24, 1000, -1), "instance ids"),
    ((24, 0, 100), "part ids"),
    ((24, -1, 3), "part ids on pixels without an instance"),
    ((0, 5, -1), "instance ids on scene class 0"),
  ],
)
def test_ids_that_have_no_uid_are_refused(ids, message):
  with pytest.raises(ValueError, match=f"1 of 1 pixels have illegal {message}"):
    uids.encode(*(np.array([i]) for i in ids))


@given(st.integers(-5, 10_000_100))
def test_a_uid_is_accepted_if_and_only_if_it_has_a_legal_form_and_scene(value):
  divisor = 1 if value < 100 else 1000 if value < 100_000 else 100_000
  scene = value // divisor
  has_form = 0 <= value <= 9_999_999 and not 100 <= value < 1000
  array = np.array([[value]])
  if has_form and scene <= 34:
    assert uids.check(array, max_scene_id=34).dtype == np.int32
  else:
    with pytest.raises(ValueError, match=f"1 of 1 pixels have .*e.g. {value}"):
      uids.check(array, max_scene_id=34)


def test_only_whole_numbers_are_uids():
  with pytest.raises(ValueError, match="Expected one whole number per pixel, found type float32"):
    uids.check(np.zeros((2, 2), np.float32))
