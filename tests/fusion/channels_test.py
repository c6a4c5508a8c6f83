"""The tables of part outputs, class by class."""

from jppf_jax.fusion.channels import part_channels, stuff_channels, unknown_parts
from jppf_jax.labels.ppp import ppp
from jppf_jax.labels.registry import load_spec
from tests.fusion.scenes import PERSON, SPEC, TRAIN, train_id

SEMBG = load_spec("cpp_grouped_sembg")


def row(table, column, k):
  return column[k][table.valid[k]].tolist()


def test_part_channels_are_the_parts_of_a_class_or_the_background():
  table = part_channels(SPEC, allow_void_part=True)
  person, train = train_id(PERSON), train_id(TRAIN)
  assert row(table, table.channels, person) == [1, 2, 3, 4, 0]
  assert row(table, table.labels, person) == [1, 2, 3, 4, 255]
  assert row(table, table.channels, train) == row(table, table.labels, train) == [0]


def test_part_channels_are_the_background_of_the_class_if_classes_have_one():
  table = part_channels(SEMBG, allow_void_part=True)
  all_backgrounds = 23
  assert row(table, table.channels, train_id(PERSON)) == [1, 2, 3, 4, all_backgrounds]
  without_parts = [0, 1, SPEC.class_names.index("sky"), train_id(TRAIN)]
  assert [row(table, table.channels, k) for k in without_parts] == [[0], [10], [19], [20]]
  assert not table.labels[without_parts].any()


def test_stuff_is_fused_with_its_background_or_its_parts():
  assert stuff_channels(SPEC) == [(0,)] * SPEC.num_stuff
  own = stuff_channels(SEMBG)
  assert own[:3] == [(0,), (10,), (11,)] and len(own) == SEMBG.num_stuff


def test_the_part_is_unknown_only_if_the_class_has_several():
  spec, table = ppp(), unknown_parts(ppp())
  unknown = {name: table[k] for k, name in enumerate(spec.class_names)}
  assert unknown["person"] == 255
  assert unknown["boat"] == 12  # its only part
  assert unknown["sky"] == 0
  assert table[255] == 0
