import numpy as np
import pytest
import yaml

from jppf_jax.labels.evaluation_spec import package_folder
from jppf_jax.labels.registry import load_spec

FOLDER = package_folder() / "specs" / "eval_specs"


@pytest.mark.parametrize(
  "name, classes, stuff, parts, with_parts",
  [("cpp", 19, 11, 10, 5), ("cpp_grouped", 19, 11, 10, 5), ("cpp_default", 19, 11, 24, 5), ("ppp", 59, 39, 58, 15)],
)
def test_the_documented_sizes(name, classes, stuff, parts, with_parts):
  spec = load_spec(name)
  assert (spec.num_classes, spec.num_stuff, spec.num_parts, spec.has_parts.sum()) == (classes, stuff, parts, with_parts)
  assert spec.name == ("cpp_grouped" if name == "cpp" else name)


def test_cpp_uses_the_train_ids_of_cityscapes():
  spec = load_spec("cpp")
  assert spec.class_ids.tolist() == [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]
  assert spec.class_names[13] == "car" and spec.colors[13].tolist() == [0, 0, 142]
  assert spec.sid_to_train[[0, 6, 7, 29, 33, 34, 99]].tolist() == [255, 255, 0, 255, 18, 255, 255]


def test_ppp_names_are_those_of_their_ids():
  spec = load_spec("ppp")  # the reference prints the names of 26 of these rows wrongly
  by_id = dict(zip(spec.class_ids.tolist(), spec.class_names))
  assert (by_id[24], by_id[25], by_id[43], by_id[99], by_id[15]) == ("bedclothes", "bench", "curtain", "wood", "person")


def test_occurrences_of_ppp_parts_are_folded_exactly_once():
  pids = load_spec("ppp").sid_pid_to_pid
  assert pids[1, [6, 15, 16, 25]].tolist() == [2, 2, 5, 5]  # engines stay engines, wheels do not become engines
  assert pids[7, [10, 19, 20, 29, 30, 39, 40, 59]].tolist() == [
    5,
    5,
    2,
    2,
    3,
    3,
    1,
    1,
  ]  # car door, wheel, light, window
  assert pids[15, [10, 11, 12, 13, 14, 24]].tolist() == [1, 2, 2, 3, 4, 5]
  assert pids[[2, 14, 3], 0].tolist() == [2, 2, 0]  # unlabelled bicycles and motorbikes are body


def test_pid_5_of_persons_is_kept_for_evaluation_and_ignored_in_training():
  spec = load_spec("cpp")
  assert spec.sid_pid_to_pid[24, 5] == 5 and spec.sid_pid_to_channel[24, 5] == 255


def test_the_two_cpp_specs_differ_only_in_their_channels():
  grouped, default = load_spec("cpp_grouped"), load_spec("cpp_default")
  np.testing.assert_array_equal(grouped.sid_pid_to_pid, default.sid_pid_to_pid)
  assert grouped.class_parts[13] == grouped.class_parts[14] == (5, 6, 7, 8, 9)
  assert default.class_parts[13] == (9, 10, 11, 12, 13) and default.class_parts[14] == (14, 15, 16, 17, 18)


def test_a_file_in_the_format_of_the_package_is_a_spec():
  path = FOLDER / "ppq_cpp_19_23_cvpr21_default_evalspec.yaml"
  spec = load_spec(str(path))
  assert spec.name == path.stem and spec.part_names == load_spec("cpp_default").part_names


def own_spec(**changes):
  """Two classes, one with two parts, the data set described in the same file."""
  return {
    "dataset_spec": {
      "scene_class2part_classes": {"floor": [], "robot": ["arm", "wheel"]},
      "scene_class2color": {"floor": [1, 2, 3], "robot": [4, 5, 6]},
    },
    "dataset_sid2eval_sid": {1: 1, 2: 2, "DEFAULT": "IGNORED"},
    "dataset_sid_pid2eval_sid_pid": {201: 201, 202: 202},
    "eval_sid_stuff": [1],
    "eval_sid_things": [2],
    "eval_sid_parts": [2],
    "eval_sid_pid2eval_pid_flat": {201: 1, 202: 2},
    "eval_sid2scene_label": {1: "floor", 2: "robot"},
    "eval_pid_flat2scene_part_label": {1: "robot-arm", 2: "robot-wheel"},
  } | changes


def test_a_spec_of_ones_own_stands_in_one_file(tmp_path):
  (tmp_path / "robots.yaml").write_text(yaml.safe_dump(own_spec()))
  spec = load_spec(str(tmp_path / "robots.yaml"))
  assert spec.class_names == ("floor", "robot") and spec.class_parts == ((), (1, 2))
  decoded = spec.decode(np.array([[1, 2000, 200002]], np.int32))
  assert decoded.part.tolist() == [[0, 255, 2]]


@pytest.mark.parametrize(
  "name, content, error, message",
  [
    ("cityscapes", None, ValueError, "No label spec 'cityscapes'; expected one of cpp,"),
    ("missing.yaml", None, FileNotFoundError, "missing.yaml does not exist"),
    ("list.yaml", [1], ValueError, "holds list, expected a mapping"),
    ("tab.yaml", "a: [", ValueError, "is not a YAML file"),
    ("fields.yaml", {"dataset_spec": {}}, ValueError, "has no entry 'eval_sid_stuff'"),
    ("where.yaml", own_spec(dataset_spec=None) | {}, ValueError, "has no entry"),
    ("parts.yaml", own_spec(eval_sid_parts=[1]), ValueError, r"eval_sid_parts are \[1\], but \[2\]"),
  ],
)
def test_what_is_wrong_with_a_spec_is_said(tmp_path, name, content, error, message):
  path = name
  if content is not None:
    path = tmp_path / name
    if name == "where.yaml":
      content.pop("dataset_spec")
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
  elif name.endswith(".yaml"):
    path = tmp_path / name
  with pytest.raises(error, match=message):
    load_spec(str(path))


def test_a_data_set_specification_that_is_nowhere_is_named(tmp_path):
  spec = own_spec(dataset_spec_path="nowhere.yaml")
  spec.pop("dataset_spec")
  (tmp_path / "robots.yaml").write_text(yaml.safe_dump(spec))
  with pytest.raises(FileNotFoundError, match=r"nowhere\.yaml, which is neither of"):
    load_spec(str(tmp_path / "robots.yaml"))
