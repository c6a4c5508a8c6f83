import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jppf_jax.input_pipeline.batch import FIELDS, stack, targets
from jppf_jax.labels.registry import load_spec
from tests.data import raw_files
from tests.oracles import object_targets

SPEC = load_spec("cpp_grouped")
WITHOUT_OBJECT = [0, 7, 23, 24, 26, 29_001]
OBJECTS = [24_000, 24_001, 2_400_103, 26_000, 2_600_105, 33_002, 31_000, 28_999]
IDS = np.array([*WITHOUT_OBJECT, *OBJECTS], np.int32)


def black(*size):
  return np.zeros((*size, 3), np.uint8)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(1, 30))
def test_objects_equal_the_loop_oracle(seed, max_objects, min_area):
  rng = np.random.default_rng(seed)
  uids = np.kron(rng.choice(IDS, (4, 6)), np.ones((3, 4), np.int32))
  fields = targets(black(12, 24), uids, SPEC, max_objects=max_objects, min_area=min_area)
  decoded = SPEC.decode(uids)
  expected = object_targets.objects(
    decoded.semantic, decoded.instance, SPEC.num_stuff, max_objects, min_area
  )
  assert fields["valid"].sum() == len(expected) and fields["instance"].max() == len(expected)
  for row, ((train_id, _), (mask, box)) in enumerate(expected.items()):
    np.testing.assert_array_equal(fields["instance"] == row + 1, mask)
    np.testing.assert_array_equal(fields["boxes"][row], box)
    assert fields["labels"][row] == train_id - SPEC.num_stuff + 1
  assert not fields["boxes"][len(expected) :].any() and not fields["labels"][len(expected) :].any()


def test_classes_and_parts_come_from_the_spec():
  image, uids = raw_files.scene()
  fields = targets(image, uids, SPEC, max_objects=10)
  decoded = SPEC.decode(uids)
  np.testing.assert_array_equal(fields["semantic"], decoded.semantic)
  np.testing.assert_array_equal(fields["part"], decoded.part)
  assert fields["part"][uids == 2_600_102].tolist()[0] == SPEC.part_names.index("vehicle-wheels")
  names = [SPEC.class_names[SPEC.num_stuff + t - 1] for t in fields["labels"][fields["valid"]]]
  assert names == ["person", "car", "train"]


def test_part_targets_have_the_background_of_the_class_if_classes_have_their_own():
  image, uids = raw_files.scene()
  spec = load_spec("cpp_grouped_sembg")
  fields = targets(image, uids, spec, max_objects=10)
  np.testing.assert_array_equal(fields["part"], spec.decode(uids).part_target)
  assert fields["part"].dtype == np.int32
  further = (fields["part"] >= spec.num_parts) & (fields["part"] != 255)
  assert further.any()


def test_crowds_and_objects_that_are_too_small_keep_their_class_but_are_no_objects():
  image, uids = raw_files.scene()
  uids[0, 20] = 24_009
  fields = targets(image, uids, SPEC, max_objects=10, min_area=2)
  person = SPEC.class_names.index("person")
  for pixels in (uids == 24, uids == 24_009):
    assert (fields["semantic"][pixels] == person).all() and not fields["instance"][pixels].any()
    assert (fields["part"][pixels] == 255).all()


def test_of_too_many_objects_the_largest_stay():
  uids = np.full((8, 16), 7, np.int32)
  for index, width in enumerate((1, 4, 2, 3)):
    uids[2 * index, :width] = 26_000 + index
  fields = targets(black(8, 16), uids, SPEC, max_objects=2)
  np.testing.assert_array_equal(fields["boxes"], [[0, 2, 4, 3], [0, 6, 3, 7]])
  assert not fields["instance"][uids == 26_000].any()
  assert (fields["instance"][uids == 26_003] == 2).all()


def test_an_image_without_objects_is_kept():
  fields = targets(black(4, 4), np.zeros((4, 4), np.int32), SPEC, max_objects=3)
  assert not fields["valid"].any()
  assert (fields["semantic"] == 255).all() and (fields["part"] == 255).all()


def test_an_id_that_the_spec_does_not_have_is_refused():
  with pytest.raises(ValueError, match="cpp"):
    targets(black(4, 4), np.full((4, 4), 5_000_101, np.int32), SPEC, max_objects=3)


def test_a_table_without_rows_is_refused():
  with pytest.raises(ValueError, match="max_objects"):
    targets(black(4, 4), np.zeros((4, 4), np.int32), SPEC, max_objects=0)


def test_stacking_keeps_rows_ids_and_dtypes():
  image, uids = raw_files.scene()
  examples = []
  for shift, name in enumerate("ab"):
    moved_image, moved_uids = np.roll(image, shift, 1), np.roll(uids, shift, 1)
    fields = targets(moved_image, moved_uids, SPEC, max_objects=5)
    examples.append({"image_id": name, **fields})
  batch, ids = stack(examples)
  assert ids == ["a", "b"]
  for name in FIELDS:
    for row, fields in enumerate(examples):
      np.testing.assert_array_equal(getattr(batch, name)[row], fields[name])
      assert getattr(batch, name).dtype == fields[name].dtype
