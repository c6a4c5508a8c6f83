import json
import os
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from jppf_jax.evaluation import outputs
from jppf_jax.evaluation.outputs import OutputError, distinct_names
from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.formats import coco
from jppf_jax.labels.registry import load_spec

SPEC = cpp()


def test_a_name_is_the_stem_if_no_other_file_has_it():
  paths = [Path("x/a.jpg"), Path("y/a.jpg"), Path("b.jpg")]
  assert distinct_names(paths) == ["x_a.jpg", "y_a.jpg", "b"]


@pytest.mark.parametrize(
  "names",
  [
    ["b/same.jpg", "../b/same.jpg"],
    ["/x/a.png", "x/a.png"],
    ["a.png", "a.jpg"],
    ["a.png", "A.png", "A.PNG"],
    ["y_a.png", "x/y_a.png", "x_y/a.png", "x/y/a.png", "x_y_a.png.png", "z/x_y_a.png"],
    ["stra\u00dfe.png", "strasse.png", "e\u0301.png", "\u00e9.png"],
    ["a_leftImg8bit.png", "a.png"],
    ["a.png", "x/a.png", "x_a.png", "x_a.png.png", "X_a.png_2.png"],
    ["x" * 250 + ".png", "y/" + "x" * 250 + ".png", "x" * 251 + ".png"],
  ],
)
def test_names_differ_for_every_file_system_and_for_the_scores(names):
  for order in (names, names[::-1]):
    found = distinct_names([Path(name) for name in order])
    assert len({outputs._identity(name) for name in found}) == len(names)
    assert all("/" not in name and len(os.fsencode(name)) < 220 for name in found)


@pytest.mark.parametrize("again", ["a.png", "./a.png", "x/../a.png"])
def test_a_file_that_is_given_twice_is_an_error(tmp_path, monkeypatch, again):
  monkeypatch.chdir(tmp_path)
  Path("x").mkdir()
  with pytest.raises(OutputError, match="given twice"):
    distinct_names([Path("a.png"), Path("b.png"), Path(again)])


@pytest.mark.parametrize(
  "place", ["a.png", "channels/a.png", "panoptic/a.png", "uids/a.tif", "segments/a.json"]
)
def test_no_result_may_overwrite_an_image(tmp_path, place):
  image = tmp_path / "out" / place
  image.parent.mkdir(parents=True, exist_ok=True)
  image.write_bytes(b"")
  with pytest.raises(OutputError, match=f"would overwrite the image .*{image.name}"):
    outputs.check_folder(tmp_path / "out", [image], ["a"])
  outputs.check_folder(tmp_path / "out", [image], ["b"])


def record(folder, name, instances=1):
  uids = np.full((4, 4 + instances), 7, np.int32)
  uids[0, :instances] = 26_000 + np.arange(instances)
  return coco.write_panoptic(folder / "panoptic" / f"{name}.png", uids, SPEC)


def segments_of(record):
  """Records as of `segment_table`, as far as the table needs them: one for each of COCO's."""
  about = {"class": "car", "score": None, "box": [0, 0, 1, 1], "parts": {"wheel": 2}}
  return [{**about, "id": one["id"], "area": one["area"]} for one in record["segments_info"]]


def rows(folder):
  """How many rows of the table each image has, in the order of the table."""
  lines = (folder / "segments.csv").read_text().splitlines()[1:]
  return dict(Counter(line.split(",")[0] for line in lines))


def save(folder, *records):
  index = outputs.Index(folder, SPEC)
  for entry in records:
    index.add(entry, segments_of(entry))
  index.save()


def entries(folder):
  index = coco.read_index(folder / "panoptic.json")
  return {entry["file_name"]: len(entry["segments_info"]) for entry in index.values()}


def test_a_later_run_adds_images_and_replaces_those_it_predicts_again(tmp_path):
  save(tmp_path, record(tmp_path, "a"), record(tmp_path, "b"))
  save(tmp_path, record(tmp_path, "b", instances=3), record(tmp_path, "c"))
  assert entries(tmp_path) == {"a.png": 2, "b.png": 4, "c.png": 2}
  assert rows(tmp_path) == {"a": 4, "b": 8, "c": 4}  # each segment has one part
  images = json.loads((tmp_path / "panoptic.json").read_text())["images"]
  assert {image["file_name"]: image["width"] for image in images}["b.png"] == 7


def test_an_image_whose_files_were_removed_leaves_the_index(tmp_path):
  save(tmp_path, record(tmp_path, "a"), record(tmp_path, "b"))
  (tmp_path / "panoptic" / "a.png").unlink()
  save(tmp_path, record(tmp_path, "c"))
  assert set(entries(tmp_path)) == {"b.png", "c.png"}
  assert set(rows(tmp_path)) == {"b", "c"}


def test_runs_that_save_at_once_lose_nothing(tmp_path):
  names = [str(number) for number in range(8)]
  records = {name: record(tmp_path, name) for name in names}
  threads = [threading.Thread(target=save, args=(tmp_path, records[name])) for name in names]
  for thread in threads:
    thread.start()
  for thread in threads:
    thread.join()
  assert set(entries(tmp_path)) == {f"{name}.png" for name in names}
  assert set(rows(tmp_path)) == set(names)


def test_an_index_is_saved_now_and_then(tmp_path, monkeypatch):
  monkeypatch.setattr(outputs, "_SECONDS", -1)
  outputs.Index(tmp_path, SPEC).add(record(tmp_path, "a"), [])
  assert set(entries(tmp_path)) == {"a.png"}


def test_an_index_of_another_taxonomy_is_not_touched(tmp_path):
  save(tmp_path, record(tmp_path, "a"))
  with pytest.raises(OutputError, match="another taxonomy; use another folder"):
    outputs.Index(tmp_path, load_spec("ppp"))


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"categories": 3}', '{"categories": [1]}'])
def test_a_file_that_is_no_index_is_not_touched(tmp_path, text):
  (tmp_path / "panoptic.json").write_text(text)
  with pytest.raises(OutputError, match=r"panoptic\.json is no COCO panoptic JSON"):
    outputs.Index(tmp_path, SPEC)


def test_another_table_is_not_touched(tmp_path):
  (tmp_path / "segments.csv").write_text("mine,yours\n1,2\n")
  with pytest.raises(OutputError, match=r"segments\.csv is no table to add segments to; use"):
    outputs.Index(tmp_path, SPEC)


def test_videos_have_folders_of_their_own_that_are_not_those_of_labels(tmp_path):
  videos = [tmp_path / name for name in ("clip.mp4", "b/clip.mp4", "uids.mp4", "Segments.mov")]
  folders = outputs.video_folders(Path("out"), videos)
  assert [folder.name for folder in folders] == ["clip.mp4", "b_clip.mp4", "uids_2", "Segments_2"]
