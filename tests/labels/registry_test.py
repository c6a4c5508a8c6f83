import pytest

from jppf_jax.labels.evaluation_spec import package_folder
from jppf_jax.labels.registry import SPECS, load_spec


@pytest.mark.parametrize(
  "name, classes, stuff, parts, with_parts",
  [
    ("cpp", 19, 11, 10, 5),
    ("cpp_grouped", 19, 11, 10, 5),
    ("cpp_default", 19, 11, 24, 5),
    ("ppp", 59, 39, 58, 15),
  ],
)
def test_specs_have_the_documented_sizes(name, classes, stuff, parts, with_parts):
  spec = load_spec(name)
  assert (spec.num_classes, spec.num_stuff, spec.num_parts) == (classes, stuff, parts)
  assert spec.has_parts.sum() == with_parts
  assert spec.name == ("cpp_grouped" if name == "cpp" else name)


def test_a_name_gives_the_same_object_each_time():
  # a function that is compiled for one is compiled for both
  assert load_spec("cpp") is load_spec("cpp_grouped")
  for name in SPECS:
    spec = load_spec(name)
    assert load_spec(name) is spec
    assert spec.name == ("cpp_grouped" if name == "cpp" else name)


def test_a_file_in_the_format_of_the_package_is_a_spec():
  path = package_folder() / "specs" / "eval_specs" / "ppq_cpp_19_23_cvpr21_default_evalspec.yaml"
  spec = load_spec(str(path))
  assert spec.name == path.stem and spec.part_names == load_spec("cpp_default").part_names


def test_unknown_names_and_missing_files_are_different_errors(tmp_path):
  with pytest.raises(ValueError, match="No label spec 'citiscapes'; .* cityscapes, cpp,"):
    load_spec("citiscapes")
  with pytest.raises(FileNotFoundError, match=r"missing\.yaml does not exist"):
    load_spec(str(tmp_path / "missing.yaml"))


def test_a_dataset_without_a_spec_says_where_to_set_it():
  with pytest.raises(ValueError, match="set SPEC in the dataset's Builder"):
    load_spec("")
