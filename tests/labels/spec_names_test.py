import pytest

from jppf_jax.labels import spec_names
from jppf_jax.labels.registry import load_spec
from tests.conversion import scenes


@pytest.mark.parametrize("name", ["cpp", "cpp_default", "ppp"])
def test_the_names_of_a_known_spec_are_its_ids(name):
  spec, names = load_spec(name), spec_names.load(name)
  for k, class_name in enumerate(spec.class_names):
    meaning = names.of(class_name)
    assert meaning.sid == spec.class_ids[k]
    assert meaning.is_thing == (k >= spec.num_stuff)
  assert len(names.targets.parts) == sum(
    len(pids) for pids, has_parts in zip(spec.class_pids, spec.has_parts) if has_parts
  )
  for part, (sid, pid) in names.targets.parts.items():
    owner, _, called = part.rpartition("/")
    channel = spec.part_names[spec.sid_pid_to_channel[sid, pid]]
    assert channel.endswith(f"-{called}")
    assert sid == names.of(owner).sid
    assert names.targets.part_names[sid, pid] == part


def test_cpp_has_the_parts_of_the_official_files():
  parts = spec_names.load("cpp").targets.parts
  assert parts["person/head"] == (24, 2)
  assert parts["bus/license_plate"] == (28, 4)


def test_all_part_ids_of_a_group_have_its_name():
  names = spec_names.load("ppp")
  of_cow = [pid for (sid, pid), part in names.targets.part_names.items() if part == "cow/lower leg"]
  assert len(of_cow) > 1


def test_a_yaml_has_its_own_names_and_those_of_other_files(tmp_path):
  names = spec_names.load(scenes.write_spec(tmp_path))
  assert names.targets.parts["robot/arm"] == (2, 1)
  assert names.of("bot") == names.of("robot")
  assert names.of("wheel").pids == {2: 3, 3: 1}


def test_a_wrong_name_in_the_yaml_is_refused_wherever_it_is_read(tmp_path):
  path = scenes.write_spec(tmp_path, scenes.SPEC.replace("bot: robot", "bot: robto"))
  for load in (spec_names.load, load_spec):
    with pytest.raises(ValueError, match="names: bot is 'robto'"):
      load(path)
