import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jppf_jax.input_pipeline import augment
from jppf_jax.labels.registry import load_spec
from jppf_jax.labels.spec import LabelSpec

COLORS = np.random.default_rng(0).permutation(np.arange(1, 255, 4))[:24].astype(np.uint8)
sizes = st.tuples(st.integers(1, 70), st.integers(1, 70))


def blocks(size, seed=0, block=7):
  """Returns an image and its labels: blocks, each with one id and the colour of that id."""
  rng = np.random.default_rng(seed)
  coarse = rng.integers(0, len(COLORS), (size[0] // block + 1, size[1] // block + 1))
  index = np.kron(coarse, np.ones((block, block), int))[: size[0], : size[1]]
  return np.repeat(COLORS[index][..., None], 3, -1), (24_001 + index).astype(np.int32)


def misaligned(image, uids, magnified=1.0):
  """Returns the largest difference between the colour of a pixel and that of its label.

  Only pixels inside a block count, so far from its border that interpolation reads one colour.
  """
  reach = 2 + int(np.ceil(magnified))
  padded = np.pad(uids, reach, constant_values=-1)  # pixels outside may have been mixed in
  windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * reach + 1,) * 2)
  constant = (windows == uids[..., None, None]).all((2, 3))
  inside = constant & (uids != augment.VOID)
  expected = COLORS[uids[inside] - 24_001]
  return np.abs(image[inside, 0].astype(int) - expected).max(initial=0)


@settings(deadline=None, max_examples=150)
@given(sizes, sizes, st.floats(0.3, 3), st.integers(0, 2**32 - 1))
def test_labels_and_image_stay_aligned_and_no_id_appears(image_size, size, scale, seed):
  image, uids = blocks(image_size, block=11)
  rng = np.random.default_rng(seed)
  view, labels = augment.random_view(rng, image, uids, size=size, scale=(0.3, scale))
  assert view.shape == (*labels.shape, 3) and view.dtype == np.uint8
  assert 1 <= labels.shape[0] <= size[0] and 1 <= labels.shape[1] <= size[1]
  assert labels.dtype == np.int32 and set(np.unique(labels)) <= set(np.unique(uids))
  assert misaligned(view, labels, scale * max(size) / max(image_size)) <= 1


def test_an_image_of_the_right_size_is_not_changed():
  image, uids = blocks((24, 40))
  options = {"size": (24, 40), "scale": (1, 1), "flip": False}
  view, labels = augment.random_view(np.random.default_rng(0), image, uids, **options)
  assert (view == image).all() and (labels == uids).all()


def test_half_the_views_are_mirrored_and_a_mirrored_one_is_the_exact_mirror():
  image, uids = blocks((24, 40))
  mirrored = []
  for seed in range(200):
    rng = np.random.default_rng(seed)
    view, labels = augment.random_view(rng, image, uids, size=(24, 40), scale=(1, 1))
    is_plain = (view == image).all() and (labels == uids).all()
    is_mirrored = (view == image[:, ::-1]).all() and (labels == uids[:, ::-1]).all()
    assert is_plain != is_mirrored
    mirrored.append(is_mirrored)
  assert 70 < sum(mirrored) < 130


def test_crops_reach_every_part_of_the_image():
  image, uids = blocks((30, 30))
  uids = np.arange(1, 901, dtype=np.int32).reshape(30, 30)
  rng = np.random.default_rng(0)
  options = {"size": (15, 15), "scale": (2, 2), "flip": False}
  seen = [augment.random_view(rng, image, uids, **options)[1] for _ in range(2500)]
  np.testing.assert_array_equal(np.unique(seen), np.arange(1, 901))


def test_doubling_a_label_map_repeats_every_pixel():
  image, uids = np.zeros((3, 5, 3), np.uint8), np.arange(1, 16, dtype=np.int32).reshape(3, 5)
  options = {"size": (6, 10), "scale": (1, 1), "flip": False}
  _, labels = augment.random_view(np.random.default_rng(0), image, uids, **options)
  np.testing.assert_array_equal(labels, uids.repeat(2, 0).repeat(2, 1))


def test_a_portrait_is_matched_by_its_long_side():
  image, uids = blocks((100, 50))
  rng = np.random.default_rng(0)
  _, labels = augment.random_view(rng, image, uids, size=(50, 100), scale=(1, 1))
  assert labels.shape == (50, 50)


def test_padding_is_below_and_on_the_right_and_void_in_the_mean_colour():
  image, uids = blocks((10, 13))
  padded, labels = augment.pad(image, uids, (20, 30))
  assert (padded[:10, :13] == image).all() and (labels[:10, :13] == uids).all()
  outside = np.ones((20, 30), bool)
  outside[:10, :13] = False
  assert (padded[outside] == augment.MEAN_COLOR).all() and (labels[outside] == augment.VOID).all()


def test_padding_has_the_given_colour_and_label():
  padded, labels = augment.pad(*blocks((10, 10)), (20, 30), uid=7, color=(1, 2, 3))
  assert (padded[:, 20:] == (1, 2, 3)).all() and (labels[:, 20:] == 7).all()


def test_a_view_of_the_full_size_is_not_padded():
  image, uids = blocks((10, 10))
  padded, labels = augment.pad(image, uids, (10, 10))
  assert padded is image and labels is uids


def test_the_same_generator_state_gives_the_same_view():
  image, uids = blocks((40, 60))
  rngs = np.random.default_rng(5), np.random.default_rng(5)
  first, second = (augment.random_view(rng, image, uids, size=(32, 32)) for rng in rngs)
  assert (first[0] == second[0]).all() and (first[1] == second[1]).all()


@pytest.mark.parametrize("scale", [(2.0, 0.5), (0.0, 1.0), (-1.0, 1.0)])
def test_an_impossible_range_of_scales_is_refused(scale):
  with pytest.raises(ValueError, match="two positive numbers"):
    augment.random_view(np.random.default_rng(0), *blocks((8, 8)), size=(8, 8), scale=scale)


@pytest.mark.parametrize("name", ["cpp_grouped", "cpp_default", "ppp"])
def test_no_part_is_left_or_right_so_mirroring_swaps_no_names(name):
  for part in load_spec(name).part_names:
    assert "left" not in part.lower() and "right" not in part.lower()


def test_a_mirrored_view_exchanges_left_and_right_parts():
  parts = {"left arm": [1], "right arm": [2]}
  person = {"id": 2, "color": [9, 9, 9], "parts": parts}
  content = {"things": {"person": person}, "mirror": [["left arm", "right arm"]]}
  spec = LabelSpec.from_dict(content, name="people")
  uids = np.zeros((8, 8), np.int32)
  uids[:, :3], uids[:, 5:] = 2_001_02, 2_001_01  # seen from the front
  image = np.zeros((8, 8, 3), np.uint8)
  rng = np.random.default_rng(0)
  options = {"size": (8, 8), "scale": (1, 1), "sides": spec.mirrored}
  for _ in range(20):
    _, labels = augment.random_view(rng, image, uids, **options)
    np.testing.assert_array_equal(labels, uids)
  view, labels = augment.mirror(*blocks((8, 8)), spec.mirrored)
  assert (view == blocks((8, 8))[0][:, ::-1]).all() and labels.shape == (8, 8)
