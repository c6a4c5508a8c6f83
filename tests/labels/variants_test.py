import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jppf_jax.labels.registry import load_spec
from jppf_jax.labels.variants import semantic_background, void_as_background, without_parts
from jppf_jax.metrics.scores import Scores
from jppf_jax.structs import IGNORE
from tests.oracles import random_labels
from tests.small_spec import first_classes_without_parts

PLAIN = ["cpp_grouped", "cpp_default", "ppp"]


@pytest.mark.parametrize("name, crowd", [("cpp_grouped", 24), ("ppp", 15)])
def test_only_void_pixels_change_and_become_background(name, crowd):
  plain, tapps = load_spec(name), load_spec(f"{name}_void_background")
  stuff = plain.class_ids[0]
  uids = np.array([[0, stuff, crowd, crowd * 1000 + 1, crowd * 100_000 + 101]], np.int32)
  ours, theirs = plain.decode(uids), tapps.decode(uids)
  assert ours.part[0, :4].tolist() == [IGNORE, 0, IGNORE, IGNORE]
  assert theirs.part[0, :4].tolist() == [0, 0, IGNORE, IGNORE]
  np.testing.assert_array_equal(ours.semantic, theirs.semantic)
  np.testing.assert_array_equal(ours.instance, theirs.instance)
  assert ours.part[0, 4] == theirs.part[0, 4] > 0
  np.testing.assert_array_equal(theirs.part_target, theirs.part)
  assert tapps.name == f"{name}_void_background"


@pytest.mark.parametrize(
  "name, outputs", [("cpp_grouped", 9 + 14), ("cpp_default", 23 + 14), ("ppp", 57 + 39)]
)
def test_each_class_without_parts_has_its_own_background(name, outputs):
  plain, spec = load_spec(name), load_spec(f"{name}_sembg")
  assert plain.num_part_outputs == plain.num_parts == spec.num_parts
  assert spec.num_part_outputs == outputs
  backgrounds = [b for parts, b in zip(spec.class_parts, spec.class_background) if not parts]
  assert backgrounds == [0, *range(spec.num_parts, outputs)]
  assert {b for parts, b in zip(spec.class_parts, spec.class_background) if parts} == {IGNORE}
  assert spec.output_to_part.tolist() == [*range(spec.num_parts), *[0] * (outputs - spec.num_parts)]


@pytest.mark.parametrize("name", PLAIN)
@given(seed=st.integers(0, 2**20))
def test_targets_are_those_of_one_background_divided_by_class(name, seed):
  plain, spec = load_spec(name), load_spec(f"{name}_sembg")
  uids, _ = random_labels.random_uids(plain, np.random.default_rng(seed), (8, 10))
  decoded, divided = plain.decode(uids), spec.decode(uids)
  np.testing.assert_array_equal(divided.part, decoded.part)
  np.testing.assert_array_equal(decoded.part_target, decoded.part)
  without_parts = [k for k, parts in enumerate(plain.class_parts) if not parts]
  for y, x in np.ndindex(*uids.shape):
    expected = decoded.part[y, x]
    if expected == 0:  # a class without parts, or a train of PPP whose only part is not labelled
      k = decoded.semantic[y, x]
      backgrounds = dict(zip(without_parts, [0, *range(spec.num_parts, 999)]))
      expected = backgrounds.get(k, IGNORE)
    assert divided.part_target[y, x] == expected


def test_void_and_unlabelled_parts_are_ignored():
  uids = np.array([[0, 7, 8, 24, 24_001, 2_400_101, 33_002, 33]], np.int32)
  decoded = load_spec("cpp_grouped_sembg").decode(uids)
  assert decoded.part_target[0].tolist() == [255, 0, 10, 255, 255, 1, 22, 22]
  # void, an ignored class, bag, window, wood; a train and a boat
  uids = np.array([[0, 22, 21, 97, 99, 19_001, 4_001]], np.int32)
  decoded = load_spec("ppp_sembg").decode(uids)
  assert decoded.part_target[0].tolist() == [255, 255, 0, 94, 95, 255, 12]


@pytest.mark.parametrize("name", PLAIN)
def test_scores_of_a_prediction_do_not_depend_on_the_backgrounds(name):
  rng, reports = np.random.default_rng(0), []
  pairs = [random_labels.random_pair(load_spec(name), rng) for _ in range(4)]
  for spec in (load_spec(name), load_spec(f"{name}_sembg")):
    scores = Scores(spec)
    for number, pair in enumerate(pairs):
      scores.add(str(number), *pair)
    reports.append(scores.to_json() | {"spec": None})
  assert reports[0] == reports[1]


def test_the_background_of_a_single_class_is_the_plain_background():
  plain = first_classes_without_parts(1)
  spec = semantic_background(plain)
  assert spec.background_outputs == (0,) and spec.num_part_outputs == plain.num_parts
  uids = np.array([[0, 7, 8, 24, 24_001, 2_400_101, 2_600_104]], np.int32)
  np.testing.assert_array_equal(spec.decode(uids).part_target, plain.decode(uids).part_target)


def test_if_every_class_has_parts_there_is_no_background_to_divide():
  with pytest.raises(ValueError, match="Every class of cpp_grouped has parts"):
    semantic_background(first_classes_without_parts(0))


def test_variants_that_contradict_each_other_are_refused():
  spec = load_spec("cpp_grouped")
  orders = [(void_as_background, semantic_background), (semantic_background, void_as_background)]
  for first, second in orders:
    with pytest.raises(ValueError, match="void is background, but there are several"):
      second(first(spec))
  with pytest.raises(ValueError, match="cpp_grouped_sembg already have their own backgrounds"):
    semantic_background(semantic_background(spec))


@pytest.mark.parametrize("name", PLAIN)
def test_without_parts_all_is_background_but_void(name):
  plain = load_spec(name)
  spec = without_parts(plain, name="panoptic_only")
  uids, _ = random_labels.random_uids(plain, np.random.default_rng(0), (30, 40))
  before, decoded = plain.decode(uids), spec.decode(uids)
  assert (before.part > 0).any() and (before.semantic == IGNORE).any()
  expected = np.where(before.semantic == IGNORE, IGNORE, 0)
  np.testing.assert_array_equal(decoded.part, expected)
  np.testing.assert_array_equal(decoded.semantic, before.semantic)
  np.testing.assert_array_equal(decoded.instance, before.instance)
  assert spec.name == "panoptic_only" and spec.num_parts == 1
  assert not spec.sid_pid_to_pid.any()
