import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.formats import files
from jppf_jax.labels.ppp import ppp
from tests.oracles import random_labels

same_folder = settings(
  suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30
)
shapes = arrays.array_shapes(min_dims=2, max_dims=2, max_side=12)


@same_folder
@given(uids=arrays.arrays(np.int32, shapes, elements=st.integers(0, 9_999_999)))
def test_uids_are_read_as_they_were_written(tmp_path, uids):
  files.write_uids(tmp_path / "a.tif", uids)
  back = files.read_uids(tmp_path / "a.tif")
  assert back.dtype == np.int32
  np.testing.assert_array_equal(back, uids)
  with Image.open(tmp_path / "a.tif") as image:
    sample_format, bits = image.tag_v2[339], image.tag_v2[258]
    assert image.mode == "I" and sample_format == (2,) and bits == (32,)  # signed, 32 bits


@same_folder
@given(channels=arrays.arrays(np.uint8, shapes.map(lambda shape: (*shape, 3))))
def test_channels_are_read_as_they_were_written(tmp_path, channels):
  files.write_channels(tmp_path / "a.png", channels)
  np.testing.assert_array_equal(files.read_channels(tmp_path / "a.png"), channels)


@same_folder
@given(ids=arrays.arrays(np.int32, shapes, elements=st.integers(0, 34) | st.integers(1000, 64_999)))
def test_instance_ids_are_read_as_they_were_written(tmp_path, ids):
  files.write_instance_ids(tmp_path / "a.png", ids)
  np.testing.assert_array_equal(files.read_instance_ids(tmp_path / "a.png"), ids)


def test_instance_ids_drop_parts_and_refuse_ids_over_16_bits(tmp_path):
  files.write_instance_ids(tmp_path / "a.png", np.array([[2401002, 7]], np.int32))
  assert files.read_instance_ids(tmp_path / "a.png").tolist() == [[24010, 7]]
  with pytest.raises(ValueError, match="Scene id 80 with instances does not fit"):
    files.write_instance_ids(tmp_path / "a.png", np.array([[80_001]], np.int32))


def test_files_without_instance_ids_are_refused(tmp_path):
  files.write_uids(tmp_path / "a.tif", np.array([[2401002]], np.int32))
  with pytest.raises(ValueError, match=r"a\.tif contains numbers with part ids, e\.g\. 2401002"):
    files.read_instance_ids(tmp_path / "a.tif")
  Image.fromarray(np.array([[500]], np.uint16)).save(tmp_path / "b.png")
  with pytest.raises(ValueError, match=r"b\.png: 1 of 1 pixels have illegal uids"):
    files.read_instance_ids(tmp_path / "b.png")


@pytest.mark.parametrize("spec", [cpp(), ppp()], ids=["cpp", "ppp"])
def test_a_prediction_is_the_same_in_both_forms(tmp_path, spec):
  rng = np.random.default_rng(0)
  for _ in range(10):
    uids, _ = random_labels.random_pair(spec, rng)
    channels = spec.uids_to_channels(uids)
    files.write_uids(tmp_path / "a.tif", uids)
    files.write_channels(tmp_path / "a.png", channels)
    written = files.read_prediction(tmp_path / "a.png", spec)
    np.testing.assert_array_equal(files.read_prediction(tmp_path / "a.tif", spec), channels)
    np.testing.assert_array_equal(written[..., ::2], channels[..., ::2])
    segments = zip(channels[..., 0].flat, channels[..., 1].flat)
    numbers = zip(channels[..., 0].flat, written[..., 1].flat)
    pairs = set(zip(segments, numbers))
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def channels_of(scenes, instances):
  return np.stack([scenes, instances, np.ones_like(scenes)], -1)[None]


def test_instances_that_do_not_fit_in_8_bits_are_numbered_again_inside_their_class(tmp_path):
  channels = channels_of(np.array([24, 26, 26, 24, 7]), np.array([300, 300, 301, -1, 0]))
  files.write_channels(tmp_path / "a.png", channels)
  written = files.read_channels(tmp_path / "a.png")
  np.testing.assert_array_equal(written[0, :, 1], [1, 0, 1, 0, 0])
  np.testing.assert_array_equal(written[0, :, 0], channels[0, :, 0])


def test_a_png_has_room_for_256_instances_of_a_class(tmp_path):
  path, ids = tmp_path / "a.png", np.arange(257)
  files.write_channels(path, channels_of(np.full(256, 24), ids[1:]))
  np.testing.assert_array_equal(files.read_channels(path)[0, :, 1], ids[:256])
  path.unlink()
  with pytest.raises(ValueError, match="Scene id 24 has 257 instances .* Write a uid TIFF instead"):
    files.write_channels(path, channels_of(np.full(257, 24), ids))
  assert not path.exists()


def test_a_uid_prediction_with_foreign_ids_is_refused_by_name(tmp_path):
  files.write_uids(tmp_path / "a.tif", np.array([[80]], np.int32))
  message = r"a\.tif: 1 pixels carry ids that cpp_grouped does not have"
  with pytest.raises(ValueError, match=message):
    files.read_prediction(tmp_path / "a.tif", cpp())


@pytest.mark.parametrize("name, read", [("a.tif", files.read_uids), ("a.png", files.read_channels)])
def test_damaged_files_are_named(tmp_path, name, read):
  path = tmp_path / name
  with pytest.raises(FileNotFoundError):
    read(path)
  path.write_bytes(b"")
  with pytest.raises(ValueError, match=rf"{name} cannot be read as an image"):
    read(path)
  rng = np.random.default_rng(0)
  if name.endswith("tif"):
    files.write_uids(path, rng.integers(0, 99, (64, 64), np.int32))
  else:
    files.write_channels(path, rng.integers(0, 255, (64, 64, 3), np.uint8))
  path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
  with pytest.raises(ValueError, match=rf"{name} cannot be read as an image"):
    read(path)


def test_images_of_another_form_are_refused(tmp_path):
  Image.new("RGB", (4, 3)).save(tmp_path / "rgb.tif")
  message = r"rgb\.tif has shape \(3, 4, 3\) and type uint8, expected one channel"
  with pytest.raises(ValueError, match=message):
    files.read_uids(tmp_path / "rgb.tif")
  Image.new("F", (4, 3)).save(tmp_path / "float.tif")
  with pytest.raises(ValueError, match="type float32, expected one channel"):
    files.read_uids(tmp_path / "float.tif")
  for mode in ("L", "RGBA", "P"):
    Image.new(mode, (4, 3)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="expected 8-bit RGB"):
      files.read_channels(tmp_path / "a.png")


def test_files_are_found_by_image_id_in_flat_and_official_folders(tmp_path):
  names = [
    "val/aachen/aachen_000001_000019_gtFinePanopticParts.tif",
    "2008_000393.TIF",
    "deep/er/x.tiff",
    ".hidden.tif",
  ]
  for name in [*names, "x.png"]:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).touch()
  found = files.find(tmp_path, files.TIFF)
  assert sorted(found) == ["2008_000393", "aachen_000001_000019", "x"]
  assert found["x"] == tmp_path / "deep/er/x.tiff"
  (tmp_path / "x_leftImg8bit.tif").touch()
  with pytest.raises(ValueError, match="are both image 'x'"):
    files.find(tmp_path, files.TIFF)


def test_what_find_leaves_out_is_told(tmp_path):
  for name in ("a.tif", "b.npy", "deep/c.JPG", ".d.npy"):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
  assert files.others(tmp_path, files.IMAGES) == [tmp_path / "b.npy", tmp_path / "deep" / "c.JPG"]
  note = files.left_out(tmp_path, files.IMAGES)
  assert note.endswith("that are no *.tif or *.tiff or *.png: b.npy, deep/c.JPG.")
  assert files.left_out(tmp_path / "deep", (".jpg",)) == ""


@pytest.mark.parametrize("value", [5, None, "", ".", "..", "a/..", "x\0", "x" * 5000])
def test_a_path_in_a_file_must_name_a_file(value):
  assert files.is_file_name("deep/a b.png") and not files.is_file_name(value)


def test_folders_without_files_are_named(tmp_path):
  with pytest.raises(FileNotFoundError, match="There is no folder"):
    files.find(tmp_path / "nowhere", files.TIFF)
  with pytest.raises(FileNotFoundError, match=r"contain no \*\.tif or \*\.tiff file"):
    files.find(tmp_path, files.TIFF)


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
  files.write_uids(tmp_path / "a.tif", np.zeros((2, 2), np.int32))
  before = (tmp_path / "a.tif").read_bytes()
  with pytest.raises(KeyError):
    files.write_image(tmp_path / "a.tif", Image.new("I", (2, 2)), format="no such format")
  assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]
  assert (tmp_path / "a.tif").read_bytes() == before
