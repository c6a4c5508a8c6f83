"""The structs as pytrees: checked where built by hand, transparent to JAX."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jppf_jax.structs import RPNTargets


def _targets(batch: int = 2, anchors: int = 3) -> RPNTargets:
  flags = np.zeros((batch, anchors), bool)
  return RPNTargets(
    positive=flags, negative=~flags, deltas=np.ones((batch, anchors, 4), np.float32)
  )


def test_shapes_that_disagree_are_refused():
  with pytest.raises(TypeError):
    RPNTargets(
      positive=np.zeros((2, 3), bool),
      negative=np.zeros((2, 3), bool),
      deltas=np.zeros((2, 4, 4), np.float32),
    )


def test_vmap_sees_one_image_at_a_time():
  per_image = jax.vmap(lambda targets: targets.deltas.sum() + targets.negative.sum())(_targets())
  np.testing.assert_array_equal(per_image, [15.0, 15.0])


def test_a_tree_of_anything_keeps_the_structure():
  shapes = jax.tree.map(jnp.shape, _targets())
  assert isinstance(shapes, RPNTargets) and shapes.deltas == (2, 3, 4)
  assert jax.tree.map(lambda _: None, _targets()).positive is None


def test_fields_have_names_in_tree_paths():
  paths = [
    jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(_targets())
  ]
  assert paths == [".positive", ".negative", ".deltas"]


def test_replace_changes_one_field_and_only_in_the_copy():
  before = _targets()
  after = dataclasses.replace(before, deltas=before.deltas * 2)
  assert after.positive is before.positive and before.deltas.max() == 1 and after.deltas.max() == 2
