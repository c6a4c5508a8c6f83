"""Stuff, counting and the table of segments."""

import dataclasses

import jax.numpy as jnp
import numpy as np

from jppf_jax.fusion.canvas import (
  assemble,
  count_labels,
  fill_classes,
  fill_stuff,
  first_maximum,
  things_of,
)
from tests.fusion.scenes import CAR, PERSON, SPEC, detections, train_id

ROOM = [([0, 0, 9, 9], CAR, 0.9, 1.0), ([9, 0, 18, 9], PERSON, 0.8, 1.0)]


def canvas(slot, **limits):
  slot = np.asarray(slot)
  zero = np.zeros(slot.shape, np.int32)
  limits = {"min_stuff_area": 1, **limits}
  return assemble(slot, zero + 3, zero + 7, zero, detections(*ROOM), spec=SPEC, **limits)


def test_void_has_no_part_whatever_the_part_of_its_stuff():
  slot = np.array([[-1, -1, -1, 0]])
  zero = np.zeros(slot.shape, np.int32)
  fill = np.array([[0, 0, 1, 1]])  # class 1 is left with one pixel
  result = assemble(slot, zero + 3, fill, zero + 2, detections(*ROOM), spec=SPEC, min_stuff_area=2)
  assert result.semantic.tolist() == [[0, 0, 255, train_id(CAR)]]
  assert result.part.tolist() == [[2, 2, 0, 3]]


def test_small_stuff_and_things_of_the_semantic_head_become_void():
  fill = np.array([[0, 0, 0, 0], [1, 1, 2, 2], [1, 9, 9, 9]])
  won = np.array([[1, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]], bool)
  void = [255] * 4
  stuff = fill_stuff(fill, won, num_stuff=9, min_area=3)  # class 1 has two pixels left
  np.testing.assert_array_equal(stuff, [[255, 0, 0, 0], void, void])
  stuff = fill_stuff(fill, won, num_stuff=9, min_area=2)
  np.testing.assert_array_equal(stuff, [[255, 0, 0, 0], [1, 1, 2, 2], void])


def test_the_fill_is_the_best_class_or_the_best_stuff_or_the_fused_stuff():
  semantic = tuple(np.float32([[logit]]) for logit in (0, 2, 1, 3))
  fused = np.int32([[2]])
  fills = {
    choice: int(fill_classes(choice, semantic, fused, 3)[0, 0])
    for choice in ("semantic_argmax", "stuff_only", "fused")
  }
  assert fills == {"semantic_argmax": 3, "stuff_only": 1, "fused": 2}


def test_the_first_of_equal_maps_has_the_maximum():
  maps = tuple(np.float32([[[1, 2]], [[3, 2]], [[3, 0]]]))
  best, index = first_maximum(maps)
  assert best.tolist() == [[3, 2]] and index.tolist() == [[1, 0]]
  assert first_maximum(maps, (7, 5, 9))[1].tolist() == [[5, 7]]
  many = [maps[k % 3] for k in range(50)]
  best, label = first_maximum(many, range(100, 150))
  assert best.tolist() == [[3, 2]] and label.tolist() == [[101, 100]]


def test_labels_are_counted_once_and_inside_the_image_only():
  labels = np.random.default_rng(0).integers(0, 5, (131, 9))  # three bands, the last moved back
  expected = np.bincount(labels.ravel(), minlength=4)[:4]
  np.testing.assert_array_equal(count_labels(labels, 4), expected)
  inside = np.bincount(labels[:70, :4].ravel(), minlength=5)
  np.testing.assert_array_equal(count_labels(labels, 5, (70, 4)), inside)


def test_instances_stand_on_the_canvas_and_in_the_table():
  result = canvas([[0, 0, -1], [1, -1, -1]])
  car, person = train_id(CAR), train_id(PERSON)
  np.testing.assert_array_equal(result.semantic, [[car, car, 7], [person, 7, 7]])
  np.testing.assert_array_equal(result.instance, [[1, 1, 0], [2, 0, 0]])
  np.testing.assert_array_equal(result.part, [[3, 3, 0], [3, 0, 0]])
  assert result.segments.areas.tolist() == [2, 1, 0, 0, 0, 0]
  assert result.segments.labels.tolist() == [car, person, 0, 0, 0, 0]


def test_small_instances_make_room_for_stuff_only_if_asked():
  result = canvas([[0, 0, -1], [1, -1, -1]], min_thing_area=2)
  small = result.semantic[1, 0], result.instance[1, 0], result.part[1, 0]
  assert small == (7, 0, 0)
  assert result.segments.valid.tolist() == [True, False, False, False, False, False]


def test_without_things_or_stuff_the_canvas_stays_void():
  void = canvas([[-1, -1]], min_stuff_area=3)
  assert (np.asarray(void.semantic) == 255).all() and not np.asarray(void.part).any()


def test_things_of_padding_are_legal_train_ids():
  labels = jnp.array([3, 1, 0, 0, 0, 99], jnp.int32)
  found = dataclasses.replace(detections(*ROOM), labels=labels)
  assert things_of(found, SPEC).tolist() == [13, 11, 10, 10, 10, 18]
