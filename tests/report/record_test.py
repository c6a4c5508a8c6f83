import io
import json

import numpy as np
import pytest
from PIL import Image

from jppf_jax.metrics.cells import count_cells
from jppf_jax.metrics.scores import Scores
from jppf_jax.report import read, record
from tests.report import small


def test_the_record_has_the_segments_of_all_images_and_the_confusions(tmp_path):
  folder = small.write(tmp_path / "run") / "evaluation" / "validation"
  analysis = json.loads((folder / "analysis.json").read_text())
  assert analysis["images"] == list(small.MISTAKES)
  assert [entry["name"] for entry in analysis["spec"]["classes"]] == list(small.SPEC.class_names)
  assert [entry["thing"] for entry in analysis["spec"]["classes"]] == [False, False, True, True]
  joint, scores = analysis["methods"]["joint"], read.read(tmp_path / "run").scores["joint"]
  for train_id, row in enumerate(scores["per_class"]):
    rows = list(zip(joint["truth"]["class"], joint["truth"]["outcome"]))
    assert rows.count((train_id, "tp")) == row["pq"]["tp"]
    assert rows.count((train_id, "fn")) == row["pq"]["fn"]
    rows = list(zip(joint["predicted"]["class"], joint["predicted"]["outcome"]))
    assert rows.count((train_id, "fp")) == row["pq"]["fp"]
  pixels = small.SIZE[0] * small.SIZE[1] * 3
  assert np.sum(joint["confusion"]) == pixels
  by_class = dict(zip(joint["predicted"]["class"], joint["predicted"]["score"]))
  assert by_class == {
    small.SKY: None,
    small.ROAD: None,
    small.CAR: pytest.approx(0.7),
    small.PERSON: pytest.approx(0.8),
  }


def test_the_record_of_an_image_has_its_photo_and_what_became_of_the_truth(tmp_path):
  folder = small.write(tmp_path / "run") / "evaluation" / "validation"
  found = read.image(folder, "worst")
  with Image.open(io.BytesIO(found.photo)) as photo:
    assert photo.size == (32, 16)
    assert np.abs(np.asarray(photo).astype(int) - 120).max() < 4
  assert found.about["size"] == list(small.SIZE)
  assert found.maps.keys() == found.about["maps"].keys() == {"truth", "joint", "top_down"}
  outcomes = [row[0] for row in found.about["maps"]["joint"]["truth"]]
  assert outcomes == ["tp", "tp", "tp", "fn"]


@pytest.mark.parametrize(
  "size, expected", [((1024, 2048), (512, 1024)), ((2048, 500), (1024, 250)), ((9, 7), (9, 7))]
)
def test_large_images_are_reduced_and_small_ones_stay(size, expected):
  assert record.reduced(*size, 1024) == expected
  assert record.reduced(5000, 1, 1024) == (1024, 1)


def test_large_images_are_stored_small_with_areas_of_the_full_size(tmp_path, monkeypatch):
  monkeypatch.setattr(record, "SIDE", 16)
  folder = small.write(tmp_path / "run", {"a": {}}) / "evaluation" / "validation"
  found = read.image(folder, "a")
  assert found.maps["joint"].shape == found.maps["truth"].shape == (8, 16)
  assert found.about["size"] == [16, 32]
  assert sum(row[2] for row in found.about["maps"]["joint"]["segments"]) == 16 * 32


def test_an_image_without_a_method_is_not_recorded(tmp_path):
  recorder = record.Recorder(tmp_path, small.SPEC)
  recorder.add("a", None, small.truth(), {})
  assert recorder.images == []


def test_a_folder_that_cannot_be_written_is_an_error_in_time(tmp_path):
  (tmp_path / "file").write_text("")
  recorder = record.Recorder(tmp_path / "file", small.SPEC)
  cells = count_cells(small.SPEC, small.truth(), small.predicted())
  recorder.add("a", None, small.truth(), {"joint": record.Answer(small.predicted(), cells)})
  with pytest.raises(OSError, match="file"):
    recorder.save({"joint": Scores(small.SPEC)})
