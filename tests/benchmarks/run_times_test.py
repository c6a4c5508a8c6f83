"""The systems of Table 5 are the programs they stand for, and their sums and shares add up."""

import io
from functools import partial

import jax
import numpy as np
import pytest
from rich.console import Console

from jppf_jax.benchmarks import run_times
from jppf_jax.benchmarks.fusion import random_heads
from jppf_jax.benchmarks.growth import taxonomy
from jppf_jax.benchmarks.network_stages import WHOLE
from jppf_jax.benchmarks.programs import Compiled
from jppf_jax.structs import PanopticParts, Segments
from tests.fusion.scenes import SPEC
from tests.model_test import small_model

SECONDS = {
  WHOLE: 4.0,
  run_times.PANOPTIC_NETWORK: 3.0,
  run_times.PART_NETWORK: 2.0,
  run_times.FUSION: 0.5,
  run_times.MERGE: 0.25,
  run_times.JOINT: 1.0,
}


@pytest.fixture
def rows():
  return run_times.costs(SECONDS, {name: 10 * value for name, value in SECONDS.items()})


def test_a_system_is_the_sum_of_its_programs(rows):
  baseline, merged, joint = (row["seconds"] for row in rows)
  assert baseline == {"predictions": 5, "panoptic fusion": 0.5, "merge": 0.25, "total": 5.75}
  assert merged == {"predictions": 4, "panoptic fusion": 0.5, "merge": 0.25, "total": 4.75}
  assert joint == {"predictions": 4, "joint fusion": 1, "total": 5}
  assert [row["temporary_mb"] for row in rows] == [30, 40, 40]


def test_shares_are_of_the_total_of_jppf_here_and_in_the_paper(rows):
  baseline, merged, joint = rows
  assert joint["shares"]["total"] == joint["paper_shares"]["total"] == 1
  assert baseline["shares"]["total"] == 5.75 / 5
  assert merged["paper_shares"]["merge"] == 484 / 397
  for row in rows:  # the paper's table adds up as well
    for shares in (row["shares"], row["paper_shares"]):
      parts = [value for column, value in shares.items() if column != "total"]
      assert sum(parts) == pytest.approx(shares["total"])


def test_the_tables_have_the_columns_of_the_paper_and_fit_a_terminal(rows):
  printed = io.StringIO()
  console = Console(file=printed, width=80)
  for table in run_times.tables(rows, 4.5):
    console.print(table)
  lines = printed.getvalue().splitlines()
  assert max(map(len, lines)) <= 80
  assert sum("predictions" in line for line in lines) == 2
  cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if "│" in line]
  assert cells == [
    ["Baseline*", "5.000", "0.500", "0.250", "", "5.750", "30"],
    ["JPPF, merged", "4.000", "0.500", "0.250", "", "4.750", "40"],
    ["JPPF", "4.000", "", "", "1.000", "5.000", "40"],
    ["one program", "", "", "", "", "4.500", ""],
    ["Baseline*", "here", "1.00", "0.10", "0.05", "", "1.15"],
    ["", "paper", "0.68", "0.30", "1.22", "", "2.19"],
    ["JPPF, merged", "here", "0.80", "0.10", "0.05", "", "0.95"],
    ["", "paper", "0.54", "0.30", "1.22", "", "2.06"],
    ["JPPF", "here", "0.80", "", "", "0.20", "1.00"],
    ["", "paper", "0.59", "", "", "0.41", "1.00"],
  ]


def test_bars_have_the_parts_and_not_their_sum(rows):
  bars = run_times.bars_of(rows)
  assert list(bars)[:2] == ["Baseline*, here", "Baseline*, paper"]
  assert bars["JPPF, here"] == {"predictions": 0.8, "joint fusion": 0.2}


def test_the_programs_are_the_networks_and_fusions_of_the_systems(monkeypatch):
  def traced(function, *arguments):
    result = jax.eval_shape(function, *arguments)
    zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), result)
    return Compiled(lambda *_: zeros, arguments, 0.0)

  monkeypatch.setattr(run_times, "compiled", traced)
  net, image = small_model(), np.zeros((1, 64, 96, 3), np.uint8)
  spec = taxonomy(net.semantic_head.num_outputs, net.part_head.num_outputs)
  key = jax.random.key(0)
  variables = jax.eval_shape(partial(net.init, train=False), key, image)
  variables = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), variables)
  heads = random_heads(spec, (64, 96), 5)
  programs = run_times.compile_programs(net, variables, image, heads, spec)
  shapes = {name: program() for name, program in programs.items()}
  panoptic = shapes[run_times.PANOPTIC_NETWORK]
  assert panoptic.part.shape == (1, 16, 24, 0)
  assert panoptic.detections.boxes.shape[1] == net.max_detections
  assert shapes[run_times.PART_NETWORK].shape == (1, 16, 24, spec.num_part_outputs)
  assert shapes[run_times.FUSION].instance.shape == (64, 96)
  assert shapes[run_times.MERGE].part.shape == shapes[run_times.JOINT].part.shape == (64, 96)
  whole = shapes[run_times.ONE_PROGRAM]
  assert whole.semantic.shape == (1, 64, 96) and whole.segments.valid.shape[1] == net.max_detections


def test_the_merge_takes_the_parts_of_the_part_head():
  size, person = (8, 12), SPEC.num_stuff
  classes = np.zeros(size, np.int32)
  classes[:, 5:] = person
  none = np.zeros(1, np.int32)
  segments = Segments(labels=none, scores=none * 1.0, areas=none, valid=none > 0)
  panoptic = PanopticParts(classes, np.zeros_like(classes), classes * 0 + 255, segments)
  part = np.zeros((2, 3, SPEC.num_part_outputs), np.float32)
  part[0, :, 2], part[1, :, 3] = 9, 9
  merged = run_times.merge(part, panoptic, spec=SPEC, size=size)
  expected = np.zeros(size, int)
  expected[:4, 5:], expected[4:, 5:] = 2, 3
  np.testing.assert_array_equal(merged.part, expected)
