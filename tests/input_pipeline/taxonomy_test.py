import io

import numpy as np
import pytest
from PIL import Image

from jppf_jax.input_pipeline import taxonomy
from jppf_jax.input_pipeline.read import Examples
from jppf_jax.labels.registry import load_spec

OWN = "stuff: {floor: {id: 1, color: [1, 2, 3]}}\nthings: {robot: {id: 2, color: [4, 5, 6]}}\n"


def test_a_recorded_name_is_returned(tmp_path):
  taxonomy.record(tmp_path, "cpp_grouped")
  assert taxonomy.recorded(tmp_path) == "cpp_grouped"


def test_a_recorded_file_is_a_copy(tmp_path):
  file = tmp_path / "robots.yaml"
  file.write_text(OWN)
  (tmp_path / "built").mkdir()
  taxonomy.record(tmp_path / "built", str(file))
  file.unlink()
  assert taxonomy.recorded(tmp_path / "built") == str(tmp_path / "built" / "robots.yaml")
  assert load_spec(taxonomy.recorded(tmp_path / "built")).class_names == ("floor", "robot")


def test_a_folder_that_cannot_be_written_is_left_as_it_is(tmp_path, monkeypatch):
  def read_only(*args):
    raise OSError(30, "Read-only file system")

  monkeypatch.setattr(taxonomy, "write_text", read_only)
  taxonomy.record(tmp_path, "cpp_grouped")
  assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [None, "", "[]", "{}", "3"])
def test_without_a_readable_record_the_error_names_the_flags(tmp_path, content):
  if content is not None:
    (tmp_path / "labels.json").write_text(content)
  with pytest.raises(
    taxonomy.TaxonomyError, match=r"--config\.data\.labels=.*--config\.data\.name"
  ):
    taxonomy.recorded(tmp_path)


@pytest.fixture
def spec(tmp_path):
  (tmp_path / "own.yaml").write_text(OWN)
  return load_spec(str(tmp_path / "own.yaml"))


def examples(*ids):
  content = io.BytesIO()
  Image.new("RGB", (3, 2)).save(content, "png")
  record = {"image_id": b"a", "image": content.getvalue()}
  return Examples([record | {"uids": np.full((2, 3), uid, np.int32)} for uid in ids])


@pytest.mark.parametrize("ids", [(0, 1, 2), (2_001,), (0,), (1,) * 30])
def test_ids_of_the_taxonomy_are_accepted(spec, ids):
  taxonomy.check(examples(*ids), spec, "x")


@pytest.mark.parametrize("place", [0, 29])
def test_ids_that_the_taxonomy_does_not_have_are_refused(spec, place):
  ids = [1] * 30
  ids[place] = 2_001_03
  with pytest.raises(taxonomy.TaxonomyError, match=r"own is not .* in x: .* = \(2, 3\)\. Leave"):
    taxonomy.check(examples(*ids), spec, "x")


def test_ids_that_are_all_ignored_are_refused():
  cpp = load_spec("cpp_grouped")
  with pytest.raises(taxonomy.TaxonomyError, match=r"none of the scene ids 1, 2 is a class of it"):
    taxonomy.check(examples(0, 1, 2_001), cpp, "x")
  taxonomy.check(examples(0, 1, 7), cpp, "x")
