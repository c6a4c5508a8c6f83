from jppf_jax.fusion.channels import part_channels, stuff_channels
from jppf_jax.labels.registry import load_spec
from tests.fusion.scenes import PERSON, SPEC, TRAIN

SEMBG = load_spec("cpp_grouped_sembg")


def test_part_channels_are_the_parts_of_a_class_or_the_background():
  table = part_channels(SPEC, allow_void_part=True)
  person, train = SPEC.num_stuff + PERSON - 1, SPEC.num_stuff + TRAIN - 1
  assert table.channels[person][table.valid[person]].tolist() == [1, 2, 3, 4, 0]
  assert table.labels[person][table.valid[person]].tolist() == [1, 2, 3, 4, 255]
  assert table.channels[train][table.valid[train]].tolist() == [0] and table.labels[train][0] == 0


def test_part_channels_are_the_background_of_the_class_where_classes_have_one():
  table = part_channels(SEMBG, allow_void_part=True)
  person, train, sky = (
    SPEC.num_stuff + PERSON - 1,
    SPEC.num_stuff + TRAIN - 1,
    SPEC.class_names.index("sky"),
  )
  assert table.channels[person][table.valid[person]].tolist() == [
    1,
    2,
    3,
    4,
    23,
  ]  # 23: all backgrounds together
  assert [table.channels[k][table.valid[k]].tolist() for k in (0, 1, sky, train)] == [
    [0],
    [10],
    [19],
    [20],
  ]
  assert not table.labels[[0, 1, sky, train]].any()


def test_stuff_is_fused_with_its_background_or_its_parts():
  assert stuff_channels(SPEC) == [(0,)] * SPEC.num_stuff
  own = stuff_channels(SEMBG)
  assert own[:3] == [(0,), (10,), (11,)] and len(own) == SEMBG.num_stuff
