"""What the compiled fusions need beside their inputs and outputs."""

import jax
import jax.numpy as jnp
import pytest

from jppf_jax.benchmarks.fusion import top_down
from jppf_jax.fusion.fill import fill_void
from jppf_jax.fusion.joint import joint_fusion
from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.structs import IGNORE, Detections, PanopticParts, Segments

SIZE = (1024, 2048)
MAP = 4 * SIZE[0] * SIZE[1]  # bytes of one


def shapes(spec, count):
  array = jax.ShapeDtypeStruct
  cells = SIZE[0] // 4, SIZE[1] // 4
  found = Detections(
    boxes=jnp.zeros((count, 4)),
    labels=jnp.zeros(count, jnp.int32),
    scores=jnp.zeros(count),
    mask_logits=jnp.zeros((count, 28, 28)),
    valid=jnp.zeros(count, bool),
  )
  heads = (array((*cells, n), jnp.float32) for n in (spec.num_classes, spec.num_part_outputs))
  frame = array((2,), jnp.int32), array((2,), jnp.float32)
  return *heads, found, *frame


def temporary_bytes(fuse, spec, count=100):
  def run(semantic, part, found, covered, zoom):
    return fuse(semantic, part, found, spec=spec, size=SIZE, covered=covered, zoom=zoom)

  program = jax.jit(run).lower(*shapes(spec, count)).compile()
  return program.memory_analysis().temp_size_in_bytes


def fill(semantic, part, found, *, spec, size, **frame):
  """Fills an image that is all void."""
  void = jnp.full(size, IGNORE)
  table = Segments(found.labels, found.scores, found.labels, found.valid)
  return fill_void(
    PanopticParts(void, void, void, table), semantic, part, found, spec=spec, **frame
  )


@pytest.mark.parametrize("fuse", [joint_fusion, top_down, fill])
def test_a_fusion_at_full_size_needs_at_most_64_mb(fuse):
  assert temporary_bytes(fuse, cpp()) <= 64e6


def test_many_classes_and_parts_need_no_maps_of_their_own():
  parts = {f"part {p}": [p] for p in range(1, 99)}
  two_each = [dict(list(parts.items())[2 * n : 2 * n + 2]) for n in range(49)]
  many = LabelSpec.from_dict(
    {
      "stuff": {f"stuff {k}": {"id": k, "color": [k, 0, 0]} for k in range(1, 50)},
      "things": {
        f"thing {n}": {"id": n, "color": [n, 1, 1], "parts": own}
        for n, own in enumerate(two_each, 50)
      },
    },
    name="many",
  )
  assert many.num_classes == 98 and many.num_part_outputs == 99
  # 197 maps of probabilities would need 197 * MAP; those of a tile take 26 MB.
  assert temporary_bytes(joint_fusion, many, 3) <= 64e6 < 197 * MAP
