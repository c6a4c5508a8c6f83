"""The structs as pytrees: checked when our code builds one, not when JAX does."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jppf_jax.structs import RPNTargets


def _targets(batch: int = 2, anchors: int = 3) -> RPNTargets:
  flags = np.zeros((batch, anchors), bool)
  deltas = np.ones((batch, anchors, 4), np.float32)
  return RPNTargets(positive=flags, negative=~flags, deltas=deltas)


def test_shapes_that_disagree_are_refused():
  flags, deltas = np.zeros((2, 3), bool), np.zeros((2, 4, 4), np.float32)
  with pytest.raises(TypeError):
    RPNTargets(positive=flags, negative=flags, deltas=deltas)


def test_vmap_sees_one_image_at_a_time():
  def total(targets):
    return targets.deltas.sum() + targets.negative.sum()

  np.testing.assert_array_equal(jax.vmap(total)(_targets()), [15.0, 15.0])


def test_a_tree_of_anything_keeps_the_structure():
  shapes = jax.tree.map(jnp.shape, _targets())
  assert isinstance(shapes, RPNTargets) and shapes.deltas == (2, 3, 4)
  assert jax.tree.map(lambda _: None, _targets()).positive is None


def test_fields_have_names_in_tree_paths():
  leaves = jax.tree_util.tree_leaves_with_path(_targets())
  paths = [jax.tree_util.keystr(path) for path, _ in leaves]
  assert paths == [".positive", ".negative", ".deltas"]


def test_replace_changes_one_field_and_only_in_the_copy():
  before = _targets()
  after = dataclasses.replace(before, deltas=before.deltas * 2)
  assert after.positive is before.positive
  assert (before.deltas.max(), after.deltas.max()) == (1, 2)
