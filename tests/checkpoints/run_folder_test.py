import json

import pytest

from jppf_jax.checkpoints.run_folder import CONFIG, RunError, filled, read_config, write_run

CONFIG_OF_A_RUN = {
  "seed": 0,
  "data": {"labels": "cpp", "size": [64, 128], "cache": False},
  "model": {"width": 0.5, "pixel_mean": [1.0, 2.0, 3.0], "pretrained": ""},
  "drops": [],
}


def read(workdir):
  return read_config(workdir, CONFIG_OF_A_RUN)


def test_what_was_written_is_read_with_tuples_for_lists(tmp_path):
  write_run(tmp_path, CONFIG_OF_A_RUN, None)
  found = read(tmp_path)
  assert found["data"]["size"] == (64, 128)
  assert json.loads(json.dumps(found)) == CONFIG_OF_A_RUN
  assert [path.name for path in tmp_path.iterdir()] == [CONFIG]


def test_a_taxonomy_is_copied_and_found_after_the_folder_was_moved(tmp_path):
  own = tmp_path / "robots.yaml"
  own.write_text("stuff: {}  # Flächen\n", encoding="utf-8")
  data = CONFIG_OF_A_RUN["data"] | {"labels": "robots.yaml"}
  write_run(tmp_path / "run", CONFIG_OF_A_RUN | {"data": data}, own)
  own.unlink()
  moved = (tmp_path / "run").rename(tmp_path / "moved")
  assert read(moved)["data"]["labels"] == str(moved / "robots.yaml")
  assert (moved / "robots.yaml").read_text(encoding="utf-8") == "stuff: {}  # Flächen\n"


def test_a_folder_without_a_run_is_an_error_that_names_it(tmp_path):
  with pytest.raises(RunError, match=f"{tmp_path} holds no run"):
    read(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[1, 2]", b"null", b'"text"', b"{}"])
def test_a_damaged_config_is_an_error_that_names_the_file(tmp_path, content):
  (tmp_path / CONFIG).write_bytes(content)
  with pytest.raises(RunError, match=rf"{CONFIG} is damaged.*--config=FILE"):
    read(tmp_path)


@pytest.mark.parametrize(
  "section, key, value",
  [
    ("model", "width", "0.5"),
    ("model", "width", None),
    ("model", "pixel_mean", [1, "2", 3]),
    ("data", "size", 64),
    ("data", "size", {"rows": 64}),
    ("data", "cache", 1),
    ("data", "labels", 3),
  ],
)
def test_values_of_another_type_are_listed(tmp_path, section, key, value):
  changed = CONFIG_OF_A_RUN[section] | {key: value}
  (tmp_path / CONFIG).write_text(json.dumps(CONFIG_OF_A_RUN | {section: changed, "seed": 0.5}))
  with pytest.raises(RunError) as error:
    read(tmp_path)
  lines = str(error.value).splitlines()[1:]
  assert lines[0] == "  config.seed is 0.5, expected a value like 0"
  assert lines[1].startswith(f"  config.{section}.{key} is ")
  assert len(lines) == 2


def test_missing_values_are_listed_and_further_ones_are_kept(tmp_path):
  model = {"width": 2, "pixel_mean": [1, 2, 3], "more": "x"}
  (tmp_path / CONFIG).write_text(json.dumps(CONFIG_OF_A_RUN | {"model": model}))
  with pytest.raises(RunError, match=r"config\.model\.pretrained is missing$"):
    read(tmp_path)
  complete = {**model, "pretrained": ""}
  (tmp_path / CONFIG).write_text(json.dumps(CONFIG_OF_A_RUN | {"model": complete}))
  assert read(tmp_path)["model"]["more"] == "x"


def test_missing_values_are_filled_in_at_any_depth_and_others_stay():
  default = {"a": 1, "b": {"c": 2, "d": (1, 2)}, "e": {"f": 3}}
  assert filled({"b": {"d": (3,), "x": 4}, "e": {"f": 5}}, default) == {
    "a": 1,
    "b": {"c": 2, "d": (3,), "x": 4},
    "e": {"f": 5},
  }
  assert default["b"] == {"c": 2, "d": (1, 2)}
