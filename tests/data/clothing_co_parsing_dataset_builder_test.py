import numpy as np
import pytest
from etils import epath
from PIL import Image

from jppf_jax.input_pipeline import datasets, read
from jppf_jax.labels.registry import load_spec
from tests.data import raw_files

NAME = "clothing_co_parsing"
module = datasets.module(NAME)
SPEC = load_spec(module.Builder.SPEC)


def read_label(tmp_path, labels):
  Image.fromarray(labels).save(tmp_path / "label.png")
  return module.Builder.read_label(epath.Path(tmp_path / "label.png"))


def test_the_person_keeps_its_labels_and_the_rest_is_background_except_nearby(tmp_path):
  labels = np.zeros((40, 40), np.uint8)
  labels[15:25, 15:25] = 14
  uids = read_label(tmp_path, labels)
  assert (uids[labels == 14] == 200_114).all()
  assert (uids[10:30, 10:30][labels[10:30, 10:30] == 0] == 0).all()
  uids[10:30, 10:30] = 1
  assert (uids == 1).all()


def test_small_and_rare_labels_are_person_without_a_part(tmp_path):
  labels = np.arange(1, 59, dtype=np.uint8)[None]
  uids = read_label(tmp_path, labels)[0]
  for label in range(1, 59):
    assert uids[label - 1] == 200_100 + (0 if label in module.NO_PART else label)
  part = SPEC.decode(uids[None]).part[0]
  assert (part[[label - 1 for label in module.NO_PART]] == 255).all()
  assert (part < 255).sum() == 58 - len(module.NO_PART)


@pytest.mark.parametrize("shape, axis", [((1, 40), 1), ((40, 1), 0)])
def test_the_margin_is_five_pixels_on_every_side_and_stops_at_the_border(tmp_path, shape, axis):
  labels = np.zeros(shape, np.uint8)
  labels.flat[[2, 20]] = 41
  uids = read_label(tmp_path, labels).ravel()
  assert np.flatnonzero(uids == 1).tolist() == [*range(8, 15), *range(26, 40)]


def test_a_photo_without_any_label_is_void(tmp_path):
  assert not read_label(tmp_path, np.zeros((4, 4), np.uint8)).any()


def test_an_index_beyond_the_58_labels_and_a_coloured_label_are_refused(tmp_path):
  with pytest.raises(ValueError, match=r"16 pixels with labels outside 0\.\.58, e\.g\. 59"):
    read_label(tmp_path, np.full((4, 4), 59, np.uint8))
  with pytest.raises(ValueError, match="one whole number per pixel"):
    read_label(tmp_path, np.zeros((4, 4, 3), np.uint8))


def test_the_split_of_a_photo_does_not_depend_on_the_others(tmp_path):
  validation = {}
  for count in (20, 40):
    root = tmp_path / str(count)
    raw_files.write_clothing(root, count)
    found, problems = module.Builder.find(epath.Path(root))
    assert not problems and sum(len(pairs) for pairs in found.values()) == count
    validation[count] = {pair.image_id for pair in found["validation"]}
  assert validation[20]
  assert validation[20] == {image_id for image_id in validation[40] if int(image_id) <= 20}


def test_built_records_decode_to_the_grouped_parts(tmp_path):
  raw_files.write_clothing(tmp_path / "raw", 24)
  folder = datasets.build(NAME, data_dir=tmp_path / "built", manual_dir=tmp_path / "raw")
  example = next(example for example in read.open_split(folder, "train") if example["uids"].any())
  channels = np.unique(SPEC.decode(example["uids"]).part)
  parts = {SPEC.part_names[channel] for channel in channels if channel < 255}
  assert parts == {"background", "person-skin", "person-whole_body", "person-footwear"}


def test_nearby_pixels_are_void_as_a_loop_over_the_person_says(tmp_path):
  rng = np.random.default_rng(0)
  for density in (0.001, 0.01, 0.3):
    labels = np.where(rng.random((37, 91)) < density, rng.integers(1, 59, (37, 91)), 0)
    labels[0, 0] = 58
    near = np.zeros(labels.shape, bool)
    for y, x in np.argwhere(labels):
      near[max(y - 5, 0) : y + 6, max(x - 5, 0) : x + 6] = True
    uids = read_label(tmp_path, labels.astype(np.uint8))
    np.testing.assert_array_equal(uids == 1, ~near)
    np.testing.assert_array_equal(uids == 0, near & (labels == 0))


@pytest.mark.skipif(not raw_files.SAMPLES.is_dir(), reason="no real samples beside the repository")
def test_a_tenth_of_the_real_photos_is_for_validation():
  found, problems = module.Builder.find(epath.Path(raw_files.SAMPLES / NAME))
  assert not problems and len(found["train"]) + len(found["validation"]) == 792
  assert 0.07 < len(found["validation"]) / 792 < 0.14


def test_capital_extensions_are_read_and_lossy_labels_refused(tmp_path):
  raw_files.write_clothing(tmp_path, 20)
  for path in [*(tmp_path / "photos").iterdir(), *(tmp_path / "annotations").iterdir()]:
    path.rename(path.with_suffix(path.suffix.upper()))
  found, problems = module.Builder.find(epath.Path(tmp_path))
  assert not problems and sum(map(len, found.values())) == 20
  Image.new("L", (8, 8)).save(tmp_path / "label.png", format="JPEG")
  with pytest.raises(ValueError, match="is a JPEG file"):
    module.Builder.read_label(epath.Path(tmp_path / "label.png"))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_labels_may_have_any_integer_width(tmp_path, dtype):
  assert (read_label(tmp_path, np.full((2, 2), 14, dtype)) == 200_114).all()
