"""Up-sampling, stuff and the table of segments."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from jppf_jax.fusion.canvas import assemble, fill_stuff, things_of, unknown_parts, upsample
from jppf_jax.labels.ppp import ppp
from tests.fusion.scenes import CAR, PERSON, SIZE, SPEC, detections, logits
from tests.oracles import fusion as oracle

ROOM = [([0, 0, 9, 9], CAR, 0.9, 1.0), ([9, 0, 18, 9], PERSON, 0.8, 1.0)]


def canvas(slot, **limits):
  slot = np.asarray(slot)
  zero = np.zeros(slot.shape, np.int32)
  limits = {"min_stuff_area": 1, **limits}
  return assemble(slot, zero + 3, zero + 7, zero, detections(*ROOM), spec=SPEC, **limits)


def test_upsampling_reads_between_cell_centres_and_crops_the_padding():
  x = logits(0, 4)
  np.testing.assert_allclose(upsample(x, SIZE), oracle.upsample(x, SIZE), atol=1e-6)
  ramp = np.broadcast_to(np.arange(10, dtype=np.float32)[:, None], (6, 10, 1))
  np.testing.assert_allclose(
    upsample(ramp, (1, 8))[0, :, 0], [0, 0, 0.125, 0.375, 0.625, 0.875, 1.125, 1.375]
  )


@pytest.mark.parametrize("size", [(25, 40), (24, 41), (0, 40)])
def test_an_image_the_logits_do_not_cover_is_refused(size):
  with pytest.raises(ValueError, match="up to 24 x 40"):
    upsample(logits(0, 3), size)


def test_small_stuff_and_things_of_the_semantic_head_become_void():
  fill = np.array([[0, 0, 0, 0], [1, 1, 2, 2], [1, 9, 9, 9]])
  won = np.array([[1, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]], bool)
  stuff = fill_stuff(fill, won, num_stuff=9, min_area=3)
  np.testing.assert_array_equal(
    stuff, [[255, 0, 0, 0], [255] * 4, [255] * 4]
  )  # of class 1 two pixels are left
  stuff = fill_stuff(fill, won, num_stuff=9, min_area=2)
  np.testing.assert_array_equal(stuff, [[255, 0, 0, 0], [1, 1, 2, 2], [255] * 4])


def test_instances_stand_on_the_canvas_and_in_the_table():
  result = canvas([[0, 0, -1], [1, -1, -1]])
  car, person = SPEC.num_stuff + CAR - 1, SPEC.num_stuff + PERSON - 1
  np.testing.assert_array_equal(result.semantic, [[car, car, 7], [person, 7, 7]])
  np.testing.assert_array_equal(result.instance, [[1, 1, 0], [2, 0, 0]])
  np.testing.assert_array_equal(result.part, [[3, 3, 0], [3, 0, 0]])
  assert result.segments.areas.tolist() == [2, 1, 0, 0, 0, 0]
  assert result.segments.labels.tolist() == [car, person, 0, 0, 0, 0]


def test_small_instances_make_room_for_stuff_only_if_asked():
  result = canvas([[0, 0, -1], [1, -1, -1]], min_thing_area=2)
  assert result.semantic[1, 0] == 7 and result.instance[1, 0] == 0 and result.part[1, 0] == 0
  assert result.segments.valid.tolist() == [True, False, False, False, False, False]


def test_without_things_or_stuff_the_canvas_stays_void():
  void = canvas([[-1, -1]], min_stuff_area=3)
  assert (np.asarray(void.semantic) == 255).all() and not np.asarray(void.part).any()


def test_things_of_padding_are_legal_train_ids():
  found = detections(*ROOM)
  found = dataclasses.replace(found, labels=jnp.array([3, 1, 0, 0, 0, 99], jnp.int32))
  assert things_of(found, SPEC).tolist() == [13, 11, 10, 10, 10, 18]


def test_only_a_choice_of_parts_is_unknown():
  table, spec = unknown_parts(ppp()), ppp()
  for k, parts in enumerate(spec.class_parts):
    assert table[k] == (255 if len(parts) > 1 else parts[0] if parts else 0)
  assert table[255] == 0
