import numpy as np
import pytest
import yaml

from jppf_jax.labels.evaluation_spec import package_folder, read


def own_spec(**changes):
  """Two classes, one with parts, and the dataset in the same file; None removes a field."""
  fields = {
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
  }
  return {key: value for key, value in (fields | changes).items() if value is not None}


def test_the_package_is_found_without_being_imported():
  assert (package_folder() / "specs" / "dataset_specs" / "cpp_datasetspec.yaml").is_file()


def test_your_own_spec_may_be_one_file(tmp_path):
  (tmp_path / "robots.yaml").write_text(yaml.safe_dump(own_spec()))
  spec = read(tmp_path / "robots.yaml", name="robots")
  assert spec.class_names == ("floor", "robot") and spec.class_parts == ((), (1, 2))
  assert spec.colors.tolist() == [[1, 2, 3], [4, 5, 6]]
  decoded = spec.decode(np.array([[1, 2000, 200002]], np.int32))
  assert decoded.part.tolist() == [[0, 255, 2]]


def test_the_dataset_may_be_described_in_another_file(tmp_path):
  (tmp_path / "data.yaml").write_text(yaml.safe_dump(own_spec()["dataset_spec"]))
  evaluation = own_spec(dataset_spec=None, dataset_spec_path="data.yaml")
  (tmp_path / "robots.yaml").write_text(yaml.safe_dump(evaluation))
  spec = read(tmp_path / "robots.yaml", name="robots")
  assert spec.part_names == ("background", "robot-arm", "robot-wheel")


@pytest.mark.parametrize(
  "content, error, message",
  [
    ([1], ValueError, "contains list, expected a mapping"),
    ("a: [", ValueError, "is not a YAML file"),
    ({"dataset_spec": {}}, ValueError, "has no entry 'eval_sid_stuff'"),
    (own_spec(dataset_spec=None), ValueError, "has no entry 'dataset_spec_path'"),
    (own_spec(eval_sid_parts=[1]), ValueError, r"eval_sid_parts are \[1\], but \[2\]"),
    (
      own_spec(dataset_spec=None, dataset_spec_path="x.yaml"),
      FileNotFoundError,
      r"dataset specification x\.yaml, but there is neither",
    ),
    (
      own_spec(dataset_spec=None, dataset_spec_path="x" * 5000),
      FileNotFoundError,
      r"dataset specification x{296} \.\.\., but",
    ),
  ],
)
def test_the_error_says_what_is_wrong_with_a_file(tmp_path, content, error, message):
  path = tmp_path / "spec.yaml"
  path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
  with pytest.raises(error, match=message):
    read(path, name="spec")
