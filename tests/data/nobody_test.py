import numpy as np
import pytest
from etils import epath
from PIL import Image

from jppf_jax.input_pipeline import datasets
from jppf_jax_data.clothing_co_parsing import nobody
from jppf_jax_data.clothing_co_parsing.clothing_co_parsing_dataset_builder import split_of
from tests.data import raw_files

Builder = datasets.module("clothing_co_parsing").Builder
RNG = np.random.default_rng(0)
PERSON = np.zeros((60, 40), bool)
PERSON[10:50, 15:25] = True


def test_surroundings_grow_into_the_place_of_a_person_and_nothing_of_it_stays():
  photo = RNG.integers(0, 100, (60, 40, 3), np.uint8)
  photo[PERSON] = 255
  found = nobody.without(photo, PERSON)
  assert found[PERSON].max() < 100
  far = ~np.pad(PERSON, 14)[14:-14, 14:-14]
  far[2:58, 5:35] = False
  np.testing.assert_array_equal(found[far], photo[far])
  flat = np.full((60, 40, 3), 7, np.uint8)
  np.testing.assert_array_equal(nobody.without(flat, PERSON), flat)
  np.testing.assert_array_equal(nobody.without(photo, np.ones_like(PERSON)), photo)
  np.testing.assert_array_equal(nobody.without(photo, np.zeros_like(PERSON)), photo)


def test_the_nearest_border_is_a_mirror():
  photo = np.zeros((1, 20, 3), np.uint8)
  photo[0, :, 0] = 10 * np.arange(20)
  person = np.zeros((1, 20), bool)
  person[0, 12:] = (
    True  # up to the border of the photo: the mirror image of 13 is 9, that of 19 is 3
  )
  expected = 10 * (22 - np.arange(12, 20))
  np.testing.assert_array_equal(nobody.without(photo, person)[0, 12:, 0], expected)
  turned = nobody.without(photo.swapaxes(0, 1), person.T)
  np.testing.assert_array_equal(turned[12:, 0, 0], expected)


def test_material_covers_the_mask_fades_outside_and_leaves_the_rest():
  photo, material = np.zeros((60, 40, 3), np.uint8), np.full((60, 40, 3), 200, np.uint8)
  found = nobody.blended(photo, material, PERSON)[..., 0]
  assert (found[PERSON] == 200).all() and (found[:, :3] == 0).all() and (found[:, -3:] == 0).all()
  row = found[30, :16]
  assert (np.diff(row.astype(int)) >= 0).all() and 0 < row[13] <= 200


def test_pieces_and_round_things_have_the_size_of_the_photo_and_differ():
  photo = RNG.integers(0, 256, (50, 30, 3), np.uint8)
  pieces = [nobody.piece(photo, (60, 40), np.random.default_rng(seed)) for seed in range(3)]
  assert {piece.shape for piece in pieces} == {(60, 40, 3)}
  assert not np.array_equal(pieces[0], pieces[1])
  shares = [nobody.blobs((60, 40), np.random.default_rng(seed)).mean() for seed in range(30)]
  assert 0 < min(shares) < 0.2 < max(shares) < 1


def write_people(root, labels, count):
  """Grey photos, each of its own level, with a red person in a seam that has no labels."""
  for name in ("photos", "annotations"):
    (root / name).mkdir()
  for n in range(count):
    photo = np.full((120, 100, 3), 60 + 20 * n, np.uint8)
    photo[:45, :25] = photo[:36, :34] = (200, 0, 0)
    Image.fromarray(photo).save(root / "photos" / f"{n}.jpg", quality=95, subsampling=0)
    Image.fromarray(labels).save(root / "annotations" / f"{n}.png")


def test_nobody_is_left_in_a_photo_and_each_is_made_in_its_way(tmp_path, monkeypatch):
  monkeypatch.setattr(nobody, "THINGS", ("brick",))
  labels = np.zeros((120, 100), np.uint8)
  labels[:20, :25], labels[20:36, :25] = 41, 14
  write_people(tmp_path, labels, count=5)
  assert nobody.make(tmp_path, 5) == 6
  for n in range(5):
    made = np.asarray(Image.open(tmp_path / nobody.NOBODY / f"{n}.jpg")).astype(int)
    assert np.ptp(made, axis=-1).max() < 20  # nothing is red
    differs = abs(made[..., 0] - (60 + 20 * n)) > 10
    was_person = np.zeros_like(differs)
    was_person[:49, :39] = True
    if n % 3 == 0:  # its surroundings
      assert not differs.any()
    elif n % 3 == 1:  # something else, there alone
      assert differs[:40, :25].mean() > 0.5 and not differs[60:].any() and not differs[:, 50:].any()
    else:  # something else, elsewhere too
      assert differs[~was_person].any()


def test_photos_from_which_nobody_can_be_taken_are_left_out(tmp_path, monkeypatch):
  monkeypatch.setattr(nobody, "THINGS", ())
  write_people(tmp_path, np.zeros((120, 100), np.uint8), count=2)  # not labelled
  Image.fromarray(np.ones((120, 100), np.uint8)).save(tmp_path / "annotations" / "1.png")
  assert nobody.make(tmp_path, 2) == 0
  assert not list((tmp_path / nobody.NOBODY).iterdir())


def test_a_photo_may_end_in_jpeg_and_one_that_is_missing_is_one_line(tmp_path, monkeypatch, capsys):
  monkeypatch.setattr(nobody, "THINGS", ("brick",))
  labels = np.zeros((120, 100), np.uint8)
  labels[:36, :25] = 41
  write_people(tmp_path, labels, count=1)
  photo = tmp_path / "photos" / "0.jpg"
  photo.rename(photo.with_suffix(".jpeg"))
  assert nobody.make(tmp_path, 1) == 2
  photo.with_suffix(".jpeg").unlink()
  for folder, said in ((tmp_path, str(photo)), (tmp_path / "none", "annotations/*.png")):
    with pytest.raises(SystemExit):
      nobody.main([str(folder), "1"])
    last = capsys.readouterr().err.splitlines()[-1]
    assert said in last and "Expected a folder with photos" in last


def test_photos_that_were_there_are_said_and_an_annotation_of_another_size_is_one_line(
  tmp_path, monkeypatch, capsys
):
  monkeypatch.setattr(nobody, "THINGS", ("brick",))
  labels = np.zeros((120, 100), np.uint8)
  labels[:36, :25] = 41
  write_people(tmp_path, labels, count=2)
  nobody.main([str(tmp_path), "2"])
  assert f"3 photos in {tmp_path / 'nobody'}\n" in capsys.readouterr().out
  nobody.main([str(tmp_path), "1"])
  assert "nobody, beside 1 that were there\n" in capsys.readouterr().out
  Image.fromarray(labels.T).save(tmp_path / "annotations" / "0.png")
  with pytest.raises(SystemExit):
    nobody.main([str(tmp_path), "2"])
  last = capsys.readouterr().err.splitlines()[-1]
  assert "0.jpg has 120 x 100 pixels, its annotation 100 x 120." in last


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  root = tmp_path_factory.mktemp("clothing")
  raw_files.write_clothing(root, 20)
  return root


def test_the_photos_are_trained_on_as_background_and_are_not_for_validation(
  folder, tmp_path, capsys
):
  before, _ = Builder.find(epath.Path(folder))
  nobody.main([str(folder), "6"])
  said = capsys.readouterr().out
  assert f"{len(nobody.THINGS) + 6} photos" in said
  assert f"jppf prepare clothing_co_parsing --manual_dir={folder} --rebuild" in said
  found, problems = Builder.find(epath.Path(folder))
  assert not problems and found["validation"] == before["validation"]
  new = [pair for pair in found["train"] if pair.image_id.startswith("nobody_")]
  assert len(new) == len(nobody.THINGS) + 6 == len(found["train"]) - len(before["train"])
  made = sorted(pair.image_id.removeprefix("nobody_") for pair in new)[:6]
  trained = [f"{n:04d}" for n in range(1, 21) if split_of(f"{n:04d}") == "train"]
  assert len(trained) < 20  # those for validation are not seen without their person either
  assert made == [trained[n * len(trained) // 6] for n in range(6)]
  for pair in new:
    with Image.open(pair.image) as photo:
      size = photo.size[::-1]
    uids = Builder.read_label(pair.label)
    assert uids.shape == size and (uids == 1).all()
  first = {path.name: path.read_bytes() for path in (folder / nobody.NOBODY).iterdir()}
  nobody.make(folder, 6)
  assert first == {path.name: path.read_bytes() for path in (folder / nobody.NOBODY).iterdir()}
  datasets.build("clothing_co_parsing", data_dir=tmp_path / "built", manual_dir=folder)


def test_a_folder_without_labels_is_said(tmp_path):
  with pytest.raises(FileNotFoundError, match="annotations"):
    nobody.make(tmp_path)
