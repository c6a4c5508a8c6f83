"""Predictions as files of other tools, read back by the tools' own readers and by ours."""

import json

import numpy as np
import pytest

from jppf_jax.conversion.convert import convert
from jppf_jax.conversion.export import TOOLS, export
from jppf_jax.labels.formats import files
from jppf_jax.labels.registry import load_spec
from tests.conversion import scenes

SIZES = {"a": (16, 25), "b ü": (25, 16)}
BACK = {"coco-panoptic": ("coco", "panoptic.json"), "coco": ("coco", "instances.json")}
BACK["labelme"] = ("labelme", "")


@pytest.fixture
def predictions(tmp_path):
  """A folder as `jppf predict` leaves it, and its uids."""
  rng = np.random.default_rng(0)
  made = {name: scenes.random_uids(rng, size) for name, size in SIZES.items()}
  for name, uids in made.items():
    files.write_uids(tmp_path / "predictions/uids" / f"{name}.tif", uids)
    scenes.write_photo(tmp_path / "photos" / f"{name}.jpg", uids.shape)
  (tmp_path / "predictions/a.png").write_bytes(b"")  # the picture
  return made


def write(tmp_path, tool, **options):
  spec = scenes.write_spec(tmp_path / "spec")
  options = {"photos": tmp_path / "photos"} | options
  return export(tool, tmp_path / "predictions", spec, tmp_path / tool, **options)


@pytest.mark.parametrize("tool", TOOLS)
def test_what_is_written_is_read_back_as_the_same_uids(tmp_path, predictions, tool):
  assert write(tmp_path, tool) == 2
  source, name = BACK[tool]
  spec = str(tmp_path / "spec" / "warehouse.yaml")
  place = tmp_path / tool / name
  report = convert(source, place, spec, tmp_path / "back", photos=tmp_path / "photos")
  assert not report.failures
  for image_id, uids in predictions.items():
    has_part = uids >= 100_000
    expected = np.where(has_part, uids // 100, uids) if tool == "coco-panoptic" else uids
    found = files.read_uids(tmp_path / "back/labels" / f"{image_id}.tif")
    np.testing.assert_array_equal(found, expected)


def test_labelme_finds_the_photo_from_its_file(tmp_path, predictions):
  write(tmp_path, "labelme")
  for image_id in predictions:
    path = tmp_path / "labelme" / f"{image_id}.json"
    content = json.loads(path.read_text())
    assert (path.parent / content["imagePath"]).samefile(tmp_path / "photos" / f"{image_id}.jpg")
    assert (content["imageHeight"], content["imageWidth"]) == SIZES[image_id]


def test_coco_names_the_photos(tmp_path, predictions):
  write(tmp_path, "coco")
  content = json.loads((tmp_path / "coco/instances.json").read_text())
  assert {image["file_name"] for image in content["images"]} == {"a.jpg", "b ü.jpg"}
  assert len({image["id"] for image in content["images"]}) == 2


def test_panoptic_images_are_called_as_their_photos_if_these_are_known(tmp_path, predictions):
  for photos, suffix in ((tmp_path / "photos", ".jpg"), (None, ".png")):
    write(tmp_path, "coco-panoptic", photos=photos)
    content = json.loads((tmp_path / "coco-panoptic/panoptic.json").read_text())
    names = {
      kind: [one["file_name"] for one in content[kind]] for kind in content if kind[0] in "ai"
    }
    assert names == {
      "images": [f"a{suffix}", f"b ü{suffix}"],
      "annotations": ["a.png", "b ü.png"],
    }


@pytest.mark.parametrize("tool", ["coco", "labelme"])
def test_without_photos_they_are_asked_for(tmp_path, predictions, tool):
  with pytest.raises(ValueError, match=f"Files of {tool} name their photos.*--photos=DIR"):
    write(tmp_path, tool, photos=None)
  assert write(tmp_path, "coco-panoptic", photos=None) == 2


@pytest.mark.parametrize("tool", ["coco", "coco-panoptic"])
def test_small_pieces_are_left_out_of_labelmes_files_only(tmp_path, predictions, tool):
  with pytest.raises(ValueError, match=f"Only files of labelme .* not those of {tool}"):
    write(tmp_path, tool, min_area=5)
  write(tmp_path, "labelme")
  exact = (tmp_path / "labelme/a.json").read_text()
  write(tmp_path, "labelme", min_area=5)
  assert len((tmp_path / "labelme/a.json").read_text()) < len(exact) / 2


def test_missing_photos_are_counted(tmp_path, predictions):
  (tmp_path / "photos/a.jpg").unlink()
  with pytest.raises(FileNotFoundError, match="1 of 2 label files have no photo in .*, e.g. a"):
    write(tmp_path, "coco")
  with pytest.raises(FileNotFoundError, match="There is no folder .*nowhere"):
    write(tmp_path, "coco", photos=tmp_path / "nowhere")


def test_bad_label_files_are_listed_and_the_others_are_written(tmp_path, predictions):
  files.write_uids(tmp_path / "predictions/uids/a.tif", np.full((3, 3), 88))
  with pytest.raises(ValueError, match="(?s)1 of 2 label files could not.*a.tif: 9 pix"):
    write(tmp_path, "labelme")
  assert [path.name for path in (tmp_path / "labelme").iterdir()] == ["b ü.json"]


def test_results_may_not_join_the_label_files(tmp_path, predictions):
  spec = scenes.write_spec(tmp_path / "spec")
  uids = tmp_path / "predictions" / "uids"
  with pytest.raises(FileExistsError, match="results would join"):
    export("coco-panoptic", uids, spec, uids / "out")


GROUPS = """
stuff:
  floor: {id: 1, color: [110, 110, 110]}
things:
  person: {id: 2, color: [220, 20, 60], parts: {hat: [19, 20, 17, 47], skin: [41]}}
  rider: {id: 3, color: [0, 0, 142], parts: {skin: [9, 4], hat: [5, 12]}}
"""


@pytest.mark.parametrize("tool", ["coco", "labelme"])
@pytest.mark.parametrize("share", [False, True])
def test_predicted_parts_of_several_ids_are_read_back_as_the_same_uids(tmp_path, tool, share):
  text = f"{GROUPS}share_parts: {str(share).lower()}\n"
  place = scenes.write_spec(tmp_path / "spec", text)
  spec, rng, size = load_spec(place), np.random.default_rng(1), (24, 30)
  semantic = rng.integers(0, 3, size).repeat(3, 0)[:24]
  part = np.zeros(size, int)
  for k in (1, 2):
    drawn = rng.choice(spec.class_parts[k], size)
    part[semantic == k] = drawn[semantic == k]
  uids = spec.to_uids(semantic, (semantic > 0) * 7, part)
  assert {200717, 200741, 300704, 300705} <= set(np.unique(uids).tolist())
  files.write_uids(tmp_path / "predictions/uids/a.tif", uids)
  scenes.write_photo(tmp_path / "photos/a.jpg", size)
  options = {"photos": tmp_path / "photos"}
  export(tool, tmp_path / "predictions", place, tmp_path / tool, **options)
  source, name = BACK[tool]
  convert(source, tmp_path / tool / name, place, tmp_path / "back", **options)
  np.testing.assert_array_equal(files.read_uids(tmp_path / "back/labels/a.tif"), uids)
