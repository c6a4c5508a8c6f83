import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jppf_jax.labels import uids
from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.ppp import ppp
from jppf_jax.structs import IGNORE

SPECS = {"cpp_grouped": cpp(), "cpp_default": cpp(grouped=False), "ppp": ppp()}


def image(*values):
  return np.array([values], np.int32)


def random_prediction(spec, rng, size=(6, 8)):
  """Returns train ids with void, instance ids (1..3 on things, 0 on stuff) and part channels.

  The channels are those of the class of each pixel; some are unknown.
  """
  semantic = rng.choice([*range(spec.num_classes), IGNORE], size).astype(np.int32)
  thing = (semantic >= spec.num_stuff) & (semantic != IGNORE)
  instance = np.where(thing, rng.integers(1, 4, size), 0).astype(np.int32)
  part = np.zeros(size, np.int32)
  for y, x in np.argwhere(semantic != IGNORE):
    k = semantic[y, x]
    if spec.has_parts[k]:
      part[y, x] = rng.choice([*spec.class_parts[k], IGNORE])
  return semantic, instance, part


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
@given(seed=st.integers(0, 2**16))
def test_the_uid_form_reads_back_as_what_was_written(spec, seed):
  semantic, instance, part = random_prediction(spec, np.random.default_rng(seed))
  decoded = spec.decode(spec.to_uids(semantic, instance, part))
  np.testing.assert_array_equal(decoded.semantic, semantic)
  np.testing.assert_array_equal(np.maximum(decoded.instance, 0), instance)
  void = semantic == IGNORE
  has_parts = spec.has_parts[np.where(void, 0, semantic)]
  known = (part != IGNORE) & ~void & has_parts
  np.testing.assert_array_equal(decoded.part[known], part[known])
  assert (decoded.part[void] == IGNORE).all()


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
@given(seed=st.integers(0, 2**16))
def test_the_channel_form_agrees_with_a_pixel_loop(spec, seed):
  semantic, instance, part = random_prediction(spec, np.random.default_rng(seed))
  for y, x in np.ndindex(*semantic.shape):
    k = semantic[y, x]
    if k == IGNORE:
      expected = (255, 0, 0)
    elif not spec.has_parts[k]:
      expected = (spec.class_ids[k], instance[y, x], 1)
    else:
      pids = dict(zip(spec.class_parts[k], spec.class_pids[k]))
      expected = (spec.class_ids[k], instance[y, x], pids.get(int(part[y, x]), 255))
    np.testing.assert_array_equal(spec.to_channels(semantic, instance, part)[y, x], expected)


def test_a_part_of_another_class_becomes_unknown():
  person, wheel = cpp().class_names.index("person"), cpp().part_names.index("vehicle-wheels")
  channels = cpp().to_channels(image(person), image(1), image(wheel))
  assert channels.tolist() == [[[24, 1, 255]]]
  assert cpp().to_uids(image(person), image(1), image(wheel)) == 24001


def test_the_channel_form_keeps_any_number_of_instances():
  ids = np.arange(1000, dtype=np.int32)[None]
  channels = cpp().to_channels(np.full_like(ids, 11), ids, np.ones_like(ids))
  np.testing.assert_array_equal(channels[..., 1], ids)
  np.testing.assert_array_equal(cpp().uids_to_channels(24_000 + ids)[..., 1], ids)


def test_a_thing_without_an_instance_is_no_part_of_instance_0():
  channels = cpp().uids_to_channels(image(24, 24_000, 24_001, 7, 7_000, 0))
  np.testing.assert_array_equal(channels[0, :, 0], [24, 24, 24, 7, 7, 255])
  np.testing.assert_array_equal(channels[0, :, 1], [-1, 0, 1, 0, 0, 0])


def test_training_targets_of_cpp():
  uids = image(0, 7, 24, 24003, 2400300, 2400304, 2400305, 33001, 33, 26001, 2600105)
  decoded = cpp().decode(uids)
  np.testing.assert_array_equal(decoded.semantic, [[255, 0, 11, 11, 11, 11, 11, 18, 18, 13, 13]])
  np.testing.assert_array_equal(decoded.instance, [[-1, -1, -1, 3, 3, 3, 3, 1, -1, 1, 1]])
  # void; stuff; crowd; part unknown, twice; leg; pid 5, an artefact; no parts, twice; part unknown;
  # chassis
  np.testing.assert_array_equal(decoded.part, [[255, 0, 255, 255, 255, 4, 255, 0, 0, 255, 9]])
  np.testing.assert_array_equal(decoded.crowd, [[0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0]])


def test_training_targets_of_ppp():
  # void; ignored stuff; bicycle unlabelled, crowd, wheel; boat; train unlabelled, part; bird
  # unlabelled; car window 40
  decoded = ppp().decode(image(0, 22, 2001, 2, 200101, 4001, 19001, 1900176, 3001, 700140))
  np.testing.assert_array_equal(decoded.part, [[255, 255, 7, 255, 6, 12, 0, 55, 255, 18]])
  np.testing.assert_array_equal(decoded.semantic, [[255, 255, 40, 40, 40, 42, 57, 57, 41, 45]])


def test_ids_that_the_dataset_does_not_have_are_named_in_the_error():
  message = r"1 pixels carry ids that cpp_grouped does not have; .* = \(35, 0\)\. .* label spec for"
  with pytest.raises(ValueError, match=message):
    cpp().decode(image(7, 35))
  with pytest.raises(ValueError, match=r"ppp does not have; .* = \(1, 26\), \(21, 1\)"):
    ppp().decode(image(100126, 2100001))
  with pytest.raises(ValueError, match="illegal uids"):
    cpp().decode(image(100))


def test_tables_cannot_be_changed():
  with pytest.raises(ValueError, match="read-only"):
    cpp().sid_to_train[0] = 1


def test_uids_written_are_legal_for_the_format():
  semantic, instance, part = random_prediction(ppp(), np.random.default_rng(0), (40, 40))
  uids.decode(ppp().to_uids(semantic, instance, part))


def test_instance_0_and_no_instance_are_written_differently():
  car = cpp().class_names.index("car")
  window = cpp().part_names.index("vehicle-windows")
  written = cpp().to_uids(image(car, car, car), image(-1, 0, 1), image(window, window, window))
  assert written.tolist() == [[26, 2_600_001, 2_600_101]]


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_both_forms_of_a_prediction_become_the_same_uids(spec):
  maps = random_prediction(spec, np.random.default_rng(0), (40, 40))
  written = spec.to_uids(*maps)
  np.testing.assert_array_equal(spec.channels_to_uids(spec.to_channels(*maps)), written)


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_uids_become_the_same_channels_one_by_one_and_together(spec):
  written = spec.to_uids(*random_prediction(spec, np.random.default_rng(0), (9, 13)))
  together = spec.uids_to_channels(written)
  assert together.shape == (9, 13, 3) and together.dtype == np.int32
  for y, x in np.ndindex(*written.shape):
    alone = spec.uids_to_channels(written[y : y + 1, x : x + 1])
    assert together[y, x].tolist() == alone[0, 0].tolist()


@pytest.mark.parametrize("wrong", [-1, 100, 10_000_000, 77])
def test_wrong_uids_are_counted_in_pixels(wrong):
  written = np.where(np.arange(12).reshape(3, 4) % 5 == 1, wrong, 7)
  with pytest.raises(ValueError, match="^3 (of 12 )?pixels "):
    cpp().uids_to_channels(written)


def test_channels_of_8_bits_become_uids():
  channels = np.array([[[255, 255, 255], [7, 0, 1], [26, 3, 255]]], np.uint8)
  assert cpp().channels_to_uids(channels).tolist() == [[0, 7, 26_003]]


def test_a_map_without_pairs_is_mirrored_into_itself():
  written = image(26, 2_600_101)
  assert cpp().mirrored(written) is written
