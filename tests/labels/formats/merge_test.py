import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from jppf_jax.benchmarks import reference
from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.evaluation_spec import package_folder
from jppf_jax.labels.formats import coco, files
from jppf_jax.labels.formats.merge import merge_instances, merge_parts
from jppf_jax.labels.ppp import ppp
from jppf_jax.panoptic import Detection, Panoptic
from tests.oracles import random_labels
from tests.oracles import saved as oracle

ROAD, SKY, PERSON, CAR = 7, 23, 24, 26


def random_panoptic(spec, rng, size=(8, 9)):
  scene = rng.choice([*rng.choice(spec.class_ids, 4), 255], size).astype(np.int32)
  return Panoptic(scene, np.where(scene == 255, 0, rng.integers(1, 4, size)).astype(np.int32))


@given(seed=st.integers(0, 2**20))
def test_instances_and_stuff_merge_as_the_pixel_oracle_says(seed):
  rng = np.random.default_rng(seed)
  semantic = rng.choice([ROAD, SKY, PERSON, 255], (8, 9), p=[0.5, 0.2, 0.2, 0.1]).astype(np.int32)
  masks = [random_labels.random_rectangle(rng, semantic.shape) for _ in range(rng.integers(0, 7))]
  scores = rng.choice([0.3, 0.5, 0.7, 0.9], len(masks))
  instances = []
  for score, mask in zip(scores, masks):
    instances.append(Detection(int(rng.choice([PERSON, CAR])), float(score), mask))
  options = {"confidence": 0.5, "overlap": 0.5, "min_stuff": 10}
  merged = merge_instances(semantic, instances, cpp(), **options)
  scene, instance = oracle.merge_instances(semantic, instances, cpp(), **options)
  np.testing.assert_array_equal(merged.scene, scene)
  np.testing.assert_array_equal(merged.instance, instance)


def test_values_equal_to_a_threshold_pass_it():
  semantic = np.full((4, 10), ROAD, np.int32)
  left, middle = np.zeros((2, 4, 10), bool)
  left[:, :4], middle[:, 2:6] = True, True  # half of `middle` is taken
  instances = [Detection(CAR, 0.5, middle), Detection(CAR, 0.9, left)]
  found = merge_instances(semantic, instances, cpp(), min_stuff=16)
  np.testing.assert_array_equal(found.instance[0], [1, 1, 1, 1, 2, 2, 1, 1, 1, 1])
  np.testing.assert_array_equal(found.scene[0], [CAR] * 6 + [ROAD] * 4)
  found = merge_instances(semantic, [Detection(CAR, 0.49, left)], cpp(), min_stuff=41)
  assert (found.scene == 255).all() and (found.instance == 0).all()


def test_instances_of_unknown_classes_or_other_sizes_are_refused():
  semantic = np.full((4, 10), ROAD, np.int32)
  with pytest.raises(ValueError, match="instance of class 29, which cpp_grouped does not have"):
    merge_instances(semantic, [Detection(29, 0.9, np.ones((4, 10), bool))], cpp())
  with pytest.raises(ValueError, match="class 7, road, which is stuff in cpp_grouped; only things"):
    merge_instances(semantic, [Detection(ROAD, 0.1, np.ones((4, 10), bool))], cpp())
  with pytest.raises(
    ValueError, match=r"instance of size \(4, 9\); the classes have size \(4, 10\)"
  ):
    merge_instances(semantic, [Detection(CAR, 0.9, np.ones((4, 9), bool))], cpp())


@pytest.mark.parametrize(
  "spec", [cpp(), cpp(grouped=False), ppp()], ids=["cpp", "cpp_default", "ppp"]
)
@given(seed=st.integers(0, 2**20))
def test_parts_merge_as_the_pixel_oracle_says(spec, seed):
  rng = np.random.default_rng(seed)
  panoptic = random_panoptic(spec, rng)
  parts = rng.choice([*range(spec.num_parts), 200, 255], panoptic.scene.shape)
  merged = merge_parts(panoptic, parts, spec)
  np.testing.assert_array_equal(merged, oracle.merge_parts(*panoptic, parts, spec))


class _NumPy:
  """NumPy as the released merging code expects it: pixels of a PNG do not overflow."""

  def __getattr__(self, name):
    return getattr(np, name)

  def array(self, *args, **options):
    array = np.array(*args, **options)
    return array.astype(np.int64) if array.dtype == np.uint8 else array


@pytest.mark.parametrize(
  "spec, file",
  [
    (cpp(), "ppq_cpp_19_23_cvpr21_grouped_evalspec.yaml"),
    (cpp(grouped=False), "ppq_cpp_19_23_cvpr21_default_evalspec.yaml"),
    (ppp(), "ppq_ppp_59_57_cvpr21_default_evalspec.yaml"),
  ],
)
def test_parts_merge_as_the_released_code_does(tmp_path, monkeypatch, spec, file):
  pytest.importorskip("sklearn")
  released = reference.load("panoptic_parts.merging.merge_to_pps")
  monkeypatch.setattr(released, "np", _NumPy())
  monkeypatch.setattr(released, "tqdm", list)
  rng, annotations, ours = np.random.default_rng(0), [], {}
  for i in range(3):
    uids, _ = random_labels.random_pair(spec, rng)
    parts = rng.integers(0, spec.num_parts, uids.shape)
    image_id = f"{1000 + i:012}"  # the released code demands a number, and finds files by it
    file_name = f"{image_id}.png"
    entry = coco.write_panoptic(tmp_path / "panoptic" / file_name, uids, spec)
    annotations.append(entry)
    files.write_image(tmp_path / "parts" / file_name, _grey(parts), format="PNG")
    panoptic = coco.read_panoptic(tmp_path / "panoptic" / file_name, entry)
    ours[image_id] = merge_parts(panoptic, parts, spec)
  coco.write_index(tmp_path / "panoptic.json", annotations, spec)
  images = {"images": [{"id": image_id} for image_id in ours]}
  (tmp_path / "images.json").write_text(json.dumps(images))
  monkeypatch.chdir(package_folder().parent)
  paths = [tmp_path / name for name in ("panoptic", "panoptic.json", "parts", "images.json", "out")]
  released.merge(f"panoptic_parts/specs/eval_specs/{file}", *map(str, paths))
  for image_id, channels in ours.items():
    merged = files.read_channels(tmp_path / "out" / f"{image_id}.png")
    np.testing.assert_array_equal(merged, channels)


def _grey(parts):
  return Image.fromarray(parts.astype(np.uint8))


def test_only_the_part_becomes_unknown_if_the_class_does_not_have_it():
  scene = np.array([[PERSON, PERSON, ROAD, 255]], np.int32)
  panoptic = Panoptic(scene, np.array([[3, 3, 1, 0]], np.int32))
  merged = merge_parts(panoptic, np.array([[4, 5, 5, 4]]), cpp())  # a leg, then vehicle windows
  expected = [(PERSON, 3, 4), (PERSON, 3, 255), (ROAD, 1, 1), (255, 0, 0)]
  np.testing.assert_array_equal(merged[0], expected)


def test_predictions_that_cannot_be_merged_are_refused():
  panoptic = random_panoptic(cpp(), np.random.default_rng(0))
  parts = np.zeros((8, 9), int)
  unknown = np.full((8, 9), 29, np.int32)
  with pytest.raises(ValueError, match=r"has size \(8, 9\), the parts \(8, 8\)"):
    merge_parts(panoptic, np.zeros((8, 8), int), cpp())
  with pytest.raises(ValueError, match="has class 29, which cpp_grouped does not have"):
    merge_parts(panoptic._replace(scene=unknown), parts, cpp())


def test_any_number_of_instances_can_be_merged():
  instance = np.arange(1, 301, dtype=np.int32)[None]
  panoptic = Panoptic(np.full_like(instance, PERSON), instance)
  merged = merge_parts(panoptic, np.full((1, 300), 4), cpp())
  np.testing.assert_array_equal(merged[..., 1], instance)
