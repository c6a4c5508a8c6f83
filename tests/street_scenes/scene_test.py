import hashlib

import numpy as np
import pytest

from jppf_jax.labels import uids as codec
from jppf_jax.labels.registry import load_spec
from jppf_jax.street_scenes import make_scene
from jppf_jax.street_scenes.canvas import Brush
from jppf_jax.street_scenes.classes import (
  BICYCLE,
  CAR,
  EGO_VEHICLE,
  OUT_OF_ROI,
  PERSON,
  STATIC,
)

SIZE, COUNT = (96, 192), 24
SPEC = load_spec("cpp")
THINGS = SPEC.class_ids[SPEC.num_stuff :].tolist()


@pytest.fixture(scope="module")
def scenes():
  return [make_scene(seed, size=SIZE) for seed in range(COUNT)]


@pytest.fixture(scope="module")
def decoded(scenes):
  return [codec.decode(uids) for _, uids in scenes]


def test_all_classes_occur_often_and_at_visible_size(decoded):
  scenes_with = {
    sid: sum((ids.sid == sid).mean() > 1e-3 for ids in decoded) for sid in SPEC.class_ids.tolist()
  }
  assert min(scenes_with.values()) >= 0.25 * COUNT, scenes_with
  largest = {
    sid: max((ids.sid == sid).mean() for ids in decoded) for sid in SPEC.class_ids.tolist()
  }
  assert min(largest.values()) > 0.01, largest


def test_all_parts_of_all_classes_with_parts_occur(decoded):
  seen = {
    (int(s), int(p))
    for ids in decoded
    for s, p in np.unique(np.stack([ids.sid, ids.pid], -1).reshape(-1, 2), axis=0)
  }
  expected = {(int(sid), pid) for sid, pids in zip(SPEC.class_ids, SPEC.class_pids) for pid in pids}
  assert len(expected) == 23 and expected <= seen
  assert {pair for pair in seen if pair[1] > 0} == expected


def test_void_and_crowds_occur(decoded):
  void = {
    sid for ids in decoded for sid in np.unique(ids.sid[SPEC.sid_to_train[ids.sid] == 255]).tolist()
  }
  assert {EGO_VEHICLE, OUT_OF_ROI, STATIC} <= void
  crowds = {sid for ids in decoded for sid in np.unique(ids.sid[ids.iid < 0]).tolist()} & set(
    THINGS
  )
  assert crowds == {PERSON, CAR, BICYCLE}


def test_every_uid_is_legal_and_parts_belong_to_instances(scenes, decoded):
  for (_, uids), ids in zip(scenes, decoded):
    assert uids.dtype == np.int32
    assert ((ids.pid <= 0) | (ids.iid >= 0)).all()
    assert not (ids.iid >= 0)[
      SPEC.sid_to_train[ids.sid] < SPEC.num_stuff
    ].any()  # no instances of stuff
    np.testing.assert_array_equal(
      codec.encode(ids.sid, ids.iid, ids.pid), np.where(ids.pid < 0, ids_without_part(uids), uids)
    )


def ids_without_part(uids):
  """`SS_III_00` in its other form `SS_III`."""
  return np.where((uids > 99_999) & (uids % 100 == 0), uids // 100, uids)


def test_instance_ids_count_up_from_zero_per_class(decoded):
  for ids in decoded:
    for sid in np.unique(ids.sid[ids.iid >= 0]):
      present = np.unique(ids.iid[(ids.sid == sid) & (ids.iid >= 0)])
      np.testing.assert_array_equal(present, np.arange(len(present)))


def test_the_same_seed_gives_the_same_bytes_in_any_order(scenes):
  for seed in (3, 1):
    image, uids = make_scene(seed, size=SIZE)
    np.testing.assert_array_equal(image, scenes[seed][0])
    np.testing.assert_array_equal(uids, scenes[seed][1])
  assert (scenes[0][1] != scenes[1][1]).any()


def test_a_generator_is_a_seed_and_moves_on():
  rng, again = np.random.default_rng(5), np.random.default_rng(5)
  first, second = make_scene(rng, size=(64, 128)), make_scene(rng, size=(64, 128))
  np.testing.assert_array_equal(first[0], make_scene(again, size=(64, 128))[0])
  assert (first[0] != second[0]).any()


def test_edges_of_the_photo_lie_on_edges_of_the_labels(scenes):
  """The jump of colour across label borders is largest where the labels are, not one or two pixels
  beside.
  """
  jumps = []
  for shift in range(-3, 4):
    total = 0.0
    for image, uids in scenes:
      border = uids[:, 4:-4] != uids[:, 3:-5]  # between columns c - 1 and c
      grey = image.astype(np.float32).mean(-1)
      jump = np.abs(
        grey[:, 4 + shift : grey.shape[1] - 4 + shift]
        - grey[:, 3 + shift : grey.shape[1] - 5 + shift]
      )
      total += jump[border].mean()
    jumps.append(total)
  assert int(np.argmax(jumps)) == 3, jumps


def test_a_scene_is_the_same_at_another_resolution():
  large, small = make_scene(2, size=(192, 384))[1], make_scene(2, size=(64, 128))[1]
  scene_id = [
    np.where(u > 99_999, u // 100_000, np.where(u > 99, u // 1000, u))
    for u in (large[1::3, 1::3], small)
  ]
  assert (scene_id[0] == scene_id[1]).mean() > 0.9


@pytest.mark.parametrize("size", [(64, 64), (65, 129), (64, 300), (151, 70)])
def test_any_size_and_aspect_works(size):
  for seed in range(2):
    image, uids = make_scene(seed, size=size)
    assert image.shape == (*size, 3) and image.dtype == np.uint8 and uids.shape == size
    assert len(np.unique(codec.decode(uids).sid)) > 4 and image.std() > 10


def test_sizes_that_show_nothing_are_refused():
  with pytest.raises(ValueError, match=r"at least 64 pixels.*\(63, 128\)"):
    make_scene(0, size=(63, 128))


# Digest of all marks, mean red, green and blue, and number of classes, per seed.
GOLDEN = {
  0: (
    "420f419554ec323e4efacac7414885f70f72aff35db8c7e669a1044c52973194",
    (107.4, 94.1, 93.7),
    18,
  ),
  5: (
    "59ce47f3f56dca8c412e12d8dc7d3269966e633e57e330d52c6ba7b8cf9d40fc",
    (94.0, 96.5, 94.0),
    16,
  ),
  11: (
    "347d30e6e8458579863e19fb3b95d6de1708133dd1a725e5202fe7c1df0c13c9",
    (77.7, 87.3, 104.5),
    14,
  ),
}


@pytest.mark.parametrize("seed", GOLDEN)
def test_drawing_is_as_recorded(seed, monkeypatch):
  """Any change of drawing changes the marks, e.g. another measure or another order of random
  numbers. If the change is intended, record the new values.

  Pillow turns marks into pixels, and its results may differ between versions. So the digest is that
  of the marks (outline, depth, colour, part) before Pillow; they are rounded, because the last bits
  of sines and logarithms depend on the version of NumPy and on the processor. Pixels are compared
  with a tolerance.
  """
  marks = record_marks(monkeypatch)
  image, uids = make_scene(seed, size=(64, 128))
  digest, colour, classes = GOLDEN[seed]
  assert marks.hexdigest() == digest
  np.testing.assert_allclose(image.mean((0, 1)), colour, atol=1.0)
  assert abs(len(np.unique(codec.decode(uids).sid)) - classes) <= 1


def record_marks(monkeypatch):
  """The digest that grows with each mark of a brush."""
  digest = hashlib.sha256()

  def recorded(draw):
    def wrapped(brush, *arguments):
      numbers = np.hstack([np.ravel(value) for value in arguments if value is not None])
      digest.update(np.rint(1e6 * numbers.astype(np.float64)).astype("<i8").tobytes())
      draw(brush, *arguments)

    return wrapped

  for name in ("polygon", "line", "ellipse"):
    monkeypatch.setattr(Brush, name, recorded(getattr(Brush, name)))
  return digest
