"""The report of the benchmark of the operations, on an image that is small enough for a test."""

import io
import json
import re

import jax
import numpy as np
import pytest
from rich.console import Console

from jppf_jax import ops
from jppf_jax.benchmarks import ops as module
from jppf_jax.benchmarks.ops import print_report, run
from jppf_jax.benchmarks.programs import Compiled, compiled

SIZE = (32, 64)


@pytest.fixture
def small(monkeypatch):
  """Two operations in place of all, whose compilation takes a minute."""
  boxes = module._boxes(SIZE, 5)
  made = {"a": compiled(ops.area, boxes), "b": compiled(lambda x: ops.iou_matrix(x, x), boxes)}
  monkeypatch.setattr(module, "operations", lambda size: made if size == SIZE else None)


def test_every_operation_is_measured_and_reported(small, tmp_path):
  out = tmp_path / "ops.json"
  report = run(out, size=SIZE, repeats=1)
  assert json.loads(out.read_text()) == report
  assert report["size"] == [*SIZE] and list(report["operations"]) == ["a", "b"]
  for cost in report["operations"].values():
    assert cost["seconds"] > 0 and cost["compile_seconds"] > 0 and cost["temporary_mb"] >= 0


def test_times_are_medians_of_the_calls_and_stand_beside_those_of_the_compilation(
  small, monkeypatch
):
  asked = []

  def medians(programs, repeats):
    asked.append(repeats)
    return {"a": 0.25, "b": 0.5}

  monkeypatch.setattr(module, "median_seconds", medians)
  found = run(None, size=SIZE, repeats=2)["operations"]
  assert asked == [2] and [cost["seconds"] for cost in found.values()] == [0.25, 0.5]
  compiled_in = [program.seconds for program in module.operations(SIZE).values()]
  assert [cost["compile_seconds"] for cost in found.values()] == compiled_in


def test_the_operations_are_called_as_their_names_say(monkeypatch):
  def not_compiled(function, *given):
    return Compiled(jax.eval_shape(function, *given), given, 0.0)

  monkeypatch.setattr(module, "compiled", not_compiled)
  found = module.operations((64, 96))

  def shape(name):
    return found[name].program

  assert shape("nms, 2000 boxes").shape == (2000,)
  assert shape("nms, 4 x 2000 boxes, vmap").shape == (4, 2000)
  assert shape("roi_align, 100 boxes, 14 x 14, 256 channels").shape == (100, 14, 14, 256)
  gradient = shape("roi_align, 512 boxes, 7 x 7, 64 channels, with gradient")
  assert {stride: level.shape for stride, level in gradient.items()} == {
    4: (16, 24, 64),
    8: (8, 12, 64),
    16: (4, 6, 64),
    32: (2, 3, 64),
  }
  assert shape("crop_mask_targets, 64 boxes of 128 x 192").shape == (64, 28, 28)
  assert shape("paste, one mask into 128 x 192").shape == (128, 192)
  for count in (1000, 2000):  # boxes that are not valid would cost nothing
    assert found[f"nms, {count} boxes"].arguments[-1].all()
  *_, ids, boxes = found["crop_mask_targets, 64 boxes of 128 x 192"].arguments
  assert ids.tolist() == [*range(1, 65)] and (boxes.max(0) > 64).all() and boxes[:, 2].max() > 96


def test_the_gradient_is_not_zero_and_objects_lie_under_the_boxes():
  pyramid, boxes = module._pyramid((64, 96), 2), module._boxes((64, 96), 20)
  gradient = module._gradient(3)(pyramid, boxes)
  assert max(float(abs(level).max()) for level in gradient.values()) > 0
  assert np.unique(module._instances((64, 96))).tolist() == [*range(1, 65)]
  x0, y0, x1, y1 = np.asarray(boxes).T
  assert (x0 >= 0).all() and (y0 >= 0).all() and (x1 <= 96).all() and (y1 <= 64).all()
  assert ((x1 > x0) & (y1 > y0)).all()


def test_the_table_is_at_most_80_columns_wide():
  cost = {"seconds": 0.0325, "compile_seconds": 0.41, "temporary_mb": 48.2}
  name = "roi_align, 100 boxes, 14 x 14, 256 channels, with gradient"
  report = dict(size=[4, 8], device="cpu", cores=2, load=1.5, versions={}, operations={name: cost})
  printed = io.StringIO()
  print_report(report, Console(file=printed, width=80))
  lines = printed.getvalue().splitlines()
  assert re.search(r"32\.5 +. +48\.2 +. +0\.4 ", printed.getvalue())
  assert "cpu, 2 cores, load 1.5" in lines[-1]
  assert max(map(len, lines)) <= 80
