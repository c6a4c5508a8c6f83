import pytest

from jppf_jax.labels.yaml_file import LARGEST, load_yaml

ALIASES = "a: &a [x, x]\n" + "".join(
  f"{key}: &{key} [{', '.join([f'*{before}'] * 9)}]\n"
  for before, key in zip("abcdefghi", "bcdefghij")
)
MERGES = "a: &a {x: 1}\n" + "".join(
  f"{key}: &{key} {{<<: [{', '.join([f'*{before}'] * 9)}]}}\n"
  for before, key in zip("abcdefgh", "bcdefghi")
)


def load(tmp_path, text):
  path = tmp_path / "spec.yaml"
  path.write_text(text, encoding="utf-8")
  return load_yaml(path)


def test_a_mapping_is_read_with_aliases(tmp_path):
  assert load(tmp_path, "a: &x [1, é]\nb: *x") == {"a": [1, "é"], "b": [1, "é"]}
  assert load(tmp_path, ALIASES)["c"][0] == [["x", "x"]] * 9  # shared, not copied


@pytest.mark.parametrize(
  "text, message",
  [
    ("", "is empty, expected a mapping"),
    ("a: [", "is not a YAML file"),
    ("a: 1\na: 2", "'a' occurs twice"),
    ("x: {b: 1, b: 1}", "'b' occurs twice"),
    (MERGES, "merge keys"),
    ("[" * 900, "is not a YAML file: maximum recursion"),
    ("a: " + "9" * 5000, "is not a YAML file"),
    ("a: 2001-99-99", "is not a YAML file: month"),
    ("a: !!int ''", "is not a YAML file"),
    ("a: !!timestamp x", "is not a YAML file"),
    ("a: !!python/object:os.system x", "is not a YAML file"),
    ("a: !" + "x" * 900 + " 1", "is not a YAML file"),
    ("? [1]\n: 2", "is not a YAML file"),
    ("#" * (LARGEST + 1), "a label spec has at most"),
  ],
)
def test_the_error_is_short_and_names_the_file(tmp_path, text, message):
  with pytest.raises(ValueError, match=message) as caught:
    load(tmp_path, text)
  assert str(tmp_path / "spec.yaml") in str(caught.value)
  assert len(str(caught.value)) < 500 + len(str(tmp_path))
