"""What several views say of an image, put together in the frame of the image."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jppf_jax.build import MultiScale
from jppf_jax.evaluation import multi_scale
from jppf_jax.evaluation.frames import frame_of
from jppf_jax.evaluation.kept import Kept
from jppf_jax.evaluation.multi_scale import Shot, averaged_outputs, merge_proposals, scaled_frame
from jppf_jax.evaluation.predict import Predictor
from jppf_jax.evaluation.together import Together
from jppf_jax.fusion.config import FusionConfig
from jppf_jax.fusion.frame import make_frame, upsample
from jppf_jax.fusion.tiles import whole_image
from jppf_jax.heads.instance_regions import ScoredBoxes
from jppf_jax.model import JPPF
from jppf_jax.structs import Proposals
from tests.evaluation import view_network
from tests.evaluation.view_network import RPN_ERROR, SPEC, ViewNetwork
from tests.oracles import nms as oracle

BOX = (16, 8, 48, 32)  # of the person, in pixels of the working size
SIZE = (40, 72)  # that the image covers
QUICK = {"xla_backend_optimization_level": 0}


def shot(scale, rows, columns):
  """The image with its sides multiplied; a person whose left half is the mask."""
  x0, x1 = (round(columns * x) for x in BOX[::2])
  y0, y1 = (round(rows * y) for y in BOX[1::2])
  image = np.zeros((1, 96, 128, 3), np.uint8)
  image[0, y0:y1, x0:x1, 0] = 255
  image[0, y0:y1, x0 : (x0 + x1) // 2, 1] = 255
  image[0, :, :, 2] = np.arange(128) // columns
  covered = np.array([[round(rows * SIZE[0]), round(columns * SIZE[1])]], np.int32)
  return Shot(jnp.asarray(image), jnp.asarray(covered), scale)


def outputs_of(shots, *, flip, model=None):
  """What the network says of some shots, compiled as one program."""
  scales = [one.scale for one in shots]

  def run(arrays):
    views = [Shot(*pair, scale) for pair, scale in zip(arrays, scales)]
    size = jnp.array([SIZE], jnp.int32)
    return averaged_outputs(model or ViewNetwork(), {}, views, size, flip=flip, spec=SPEC)

  return jax.jit(run, compiler_options=QUICK)([one[:2] for one in shots])


@pytest.fixture(scope="module")
def seen():
  return outputs_of([shot(1.0, 1, 1), shot(1.5, 1.5, 1.5), shot(1.5, 2, 1)], flip=True)


def test_networks_together_say_at_each_scale_what_one_network_says(seen):
  networks = (ViewNetwork().with_heads(heads) for heads in (("semantic", "instance"), ("part",)))
  shots = [shot(1.0, 1, 1), shot(1.5, 1.5, 1.5), shot(1.5, 2, 1)]
  found = outputs_of(shots, flip=True, model=Together(tuple(networks)))
  jax.tree.map(np.testing.assert_array_equal, found, seen)


def test_all_views_find_one_object_at_its_place(seen):
  found = seen.detections
  assert found.valid.tolist() == [[True, False, False]]
  np.testing.assert_allclose(found.boxes[0, 0], BOX, atol=0.1)
  assert found.labels[0, 0] == 1
  assert float(found.scores[0, 0]) == pytest.approx(1 / (1 + np.exp(-4)))


def test_masks_of_mirrored_views_are_turned_back(seen):
  mask = np.asarray(seen.detections.mask_logits[0, 0])
  assert (mask[:, :13] > 7).all() and (mask[:, 15:] < -7).all()


def test_each_scale_and_its_mirrored_copy_is_a_view_and_only_parts_are_exchanged(seen):
  kinds = [(view.scale, view.mirrored, view.exchange) for view in seen.part.views]
  one = [(1.0, False, ()), (1.0, True, (0, 2, 1))]
  other = [(1.5, False, ()), (1.5, True, (0, 2, 1))]
  assert kinds == [*one, *other, *other]
  assert [view.exchange for view in seen.semantic.views] == [()] * 6


def test_the_mean_of_all_views_has_the_object_and_its_left_arm_in_place(seen):
  @jax.jit
  def best(views):
    frame = make_frame(SIZE, SIZE, jnp.ones(2), views.shape[:2])
    return upsample(views, whole_image(SIZE), frame).argmax(0)

  classes, parts = (best(jax.tree.map(lambda x: x[0], x)) for x in (seen.semantic, seen.part))
  expected = np.zeros(SIZE, int)
  expected[8:32, 16:48] = 1
  assert (classes == expected).mean() > 0.998  # corners are rounded
  assert (parts[:, 8:-8] == 1).all()


def test_a_single_view_finds_what_the_network_finds_alone():
  one = shot(1.0, 1, 1)
  seen = outputs_of([one], flip=False)
  plain = jax.jit(partial(JPPF.__call__, ViewNetwork(), train=False), compiler_options=QUICK)
  alone = plain(one.image, covered=one.covered)
  for found, expected in ((seen.semantic, alone.semantic), (seen.part, alone.part)):
    (view,) = found.views
    np.testing.assert_array_equal(view.logits, expected)
  compare = partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-4)
  jax.tree.map(compare, seen.detections, alone.detections)
  assert alone.detections.valid.tolist() == [[True, False, False]]


def test_proposals_are_merged_in_pixels_of_the_working_size():
  class Proposing(ViewNetwork):
    """Calls its best proposals detections."""

    def detect(self, proposals, class_logits, deltas, size):
      best = jax.tree.map(lambda x: x[:, : self.max_detections], proposals)
      return ScoredBoxes(best.boxes, best.valid.astype(jnp.int32), best.scores, best.valid)

  shots = [shot(1.0, 1, 1), shot(1.5, 1.5, 1.5)]
  found = outputs_of(shots, flip=True, model=Proposing()).detections
  assert found.valid.tolist() == [[True, True, False]]  # those of other views overlap with them
  np.testing.assert_allclose(found.boxes[0, 0], np.add(BOX, RPN_ERROR), atol=1e-4)
  np.testing.assert_allclose(found.boxes[0, 1], [0, 0, SIZE[1], SIZE[0]], atol=1e-4)


def test_probabilities_and_box_deltas_of_views_that_differ_are_averaged():
  def differing(pooled):
    """The surer, and so much further right, as the last pixel says."""
    number = pooled[0][:, -1, -1, 2]
    logits, deltas = view_network.boxes_found(pooled, shift=number / 2)
    return logits / 4 * (2 * number[:, None, None] - 1), deltas

  shots = [
    one._replace(image=one.image.at[:, -1, -1, 2].set(number))
    for one, number in ((shot(1.0, 1, 1), 1), (shot(1.5, 1.5, 1.5), 3))
  ]
  found = outputs_of(shots, flip=False, model=ViewNetwork(box_head=differing)).detections
  mean = (1 / (1 + np.exp([-1.0, -5.0]))).mean()
  assert float(found.scores[0, 0]) == pytest.approx(mean, rel=1e-5)
  x0, y0, x1, y1 = BOX
  width = x1 - x0  # half of it further right and three halves: it leaves the image
  np.testing.assert_allclose(found.boxes[0, 0], [x0 + width, y0, SIZE[1], y1], atol=0.1)


def test_merged_proposals_are_those_of_the_oracle_best_first():
  rng = np.random.default_rng(0)
  corners = rng.uniform(0, 30, (2, 20, 2))
  boxes = np.concatenate([corners, corners + rng.uniform(5, 30, (2, 20, 2))], -1).astype("f4")
  scores = rng.permutation(40).reshape(2, 20).astype(np.float32) / 40
  valid = rng.random((2, 20)) < 0.9
  merge = jax.jit(partial(merge_proposals, threshold=0.3, count=8), compiler_options=QUICK)
  found = merge(Proposals(boxes, scores, valid))
  for n in range(2):
    kept = np.flatnonzero(oracle.nms(boxes[n], scores[n], valid[n], 0.3))
    best = kept[np.argsort(-scores[n, kept])][:8]
    count = len(best)
    assert found.valid[n].tolist() == [True] * count + [False] * (8 - count)
    np.testing.assert_array_equal(found.boxes[n, :count], boxes[n, best])
    np.testing.assert_array_equal(found.scores[n, :count], scores[n, best])


def test_mask_probabilities_are_averaged_whatever_their_size():
  logits = np.array([[-300.0, -2, 0, 40, 300], [-300.0, 3, 0, 50, -300]], np.float32)
  found = jax.jit(multi_scale.mean_mask_logits)(logits)
  mean = (1 / (1 + np.exp(-logits[:, 1].astype(float)))).mean()
  assert found[1] == pytest.approx(np.log(mean / (1 - mean)), rel=1e-5)
  assert found[2] == 0 and abs(found[4]) < 1e-3
  np.testing.assert_allclose(found[0], -300, rtol=1e-5)
  assert 40 < found[3] < 41


def test_the_image_is_mirrored_inside_its_frame_and_twice_is_the_same():
  image = np.random.default_rng(0).integers(0, 256, (2, 4, 9, 3)).astype(np.uint8)
  covered = jnp.array([[4, 9], [3, 5]])
  mirrored = multi_scale.mirrored_images(jnp.asarray(image), covered)
  np.testing.assert_array_equal(mirrored[0], image[0, :, ::-1])
  np.testing.assert_array_equal(mirrored[1, :, :5], image[1, :, 4::-1])
  np.testing.assert_array_equal(mirrored[1, :, 5:], image[1, :, 5:])
  np.testing.assert_array_equal(multi_scale.mirrored_images(mirrored, covered), image)


@pytest.mark.parametrize(
  "image, scale, size, covered",
  [
    ((64, 96), 1.0, (64, 96), (64, 96)),
    ((64, 96), 0.75, (48, 72), (48, 72)),
    ((50, 100), 1.5, (96, 144), (72, 144)),
    ((100, 50), 1.5, (144, 96), (144, 72)),  # the other orientation
    ((1, 500), 0.3, (19, 29), (1, 29)),
  ],
)
def test_a_scaled_frame_has_the_scaled_sides(image, scale, size, covered):
  base = frame_of(image, (64, 96))
  found = scaled_frame(base, scale)
  assert (found.size, found.covered) == (size, covered)
  assert (found.canvas, found.answered, found.image) == (base.canvas, base.answered, image)


def photo(height, width):
  """A person left of the middle; blue grows to the right."""
  image = np.zeros((height, width, 3), np.uint8)
  image[height // 4 : height // 2, width // 8 : width // 2, :2] = 255
  image[..., 2] = np.linspace(0, 100, width)
  return image


def test_a_mirrored_image_has_the_mirrored_answer_with_left_and_right_exchanged(tmp_path):
  predictor = Predictor(
    ViewNetwork(),
    {},
    SPEC,
    size=(64, 96),
    config=FusionConfig(min_stuff_area=0),
    testing=MultiScale((1.5,), flip=True),
    kept=Kept(tmp_path),
  )
  image = photo(100, 61)  # larger than the working size, and of the other orientation
  person = image[..., 0] > 128
  found, of_mirrored = predictor(image), predictor(np.ascontiguousarray(image[:, ::-1]))
  assert len(list(tmp_path.iterdir())) == 1  # the traced program, for the next start
  assert (found.instance[person] == 1).mean() > 0.9
  assert (found.part[person] == 1).mean() > 0.9
  assert (of_mirrored.semantic[:, ::-1] == found.semantic).mean() > 0.97
  exchanged = np.array([0, 2, 1])[of_mirrored.part[:, ::-1]]
  assert (exchanged == found.part).mean() > 0.97
