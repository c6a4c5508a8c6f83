import json

import numpy as np
import pytest
from rich.console import Console

from jppf_jax import build
from jppf_jax.evaluation import oracle
from jppf_jax.evaluation.compare import load_comparison
from jppf_jax.evaluation.evaluate import evaluate, variants_summary
from jppf_jax.evaluation.frames import frame_of
from jppf_jax.labels.registry import load_spec
from jppf_jax.structs import IGNORE, Detections, Outputs

SPEC = load_spec("cpp_grouped")
RNG = np.random.default_rng(0)


def test_logits_are_sure_of_what_is_true_at_the_centre_of_a_cell():
  frame = frame_of((40, 80), (32, 64))
  rows, columns = 32 // 4, 64 // 4
  logits = RNG.normal(size=(1, rows, columns, 3)).astype(np.float32)
  ids = RNG.integers(0, 3, (40, 80))
  ids[:5, :5] = IGNORE
  found = oracle.true_logits(logits, ids, frame)
  for row in range(rows):
    for column in range(columns):
      true = ids[int(4 * (row + 0.5) * 1.25), int(4 * (column + 0.5) * 1.25)]
      expected = logits[0, row, column] if true == IGNORE else 10.0 * (np.arange(3) == true)
      np.testing.assert_array_equal(found[0, row, column], expected)
  none = np.zeros((1, rows, columns, 0), np.float32)
  assert oracle.true_logits(none, ids, frame) is none


def test_mask_logits_are_the_share_of_a_cell_that_is_inside():
  mask = np.zeros((112, 224), bool)
  mask[:56, 28:] = True  # of the box below: its upper half, right of its first 14 cells
  found = oracle.true_mask(mask, np.array([0, 0, 56, 112], np.float32))
  assert found.shape == (28, 28) and found.dtype == np.float32
  assert (
    (found[:14, 14:] == 10).all() and (found[14:] == -10).all() and (found[:, :14] == -10).all()
  )
  middles = np.isin(np.arange(448) % 4, (1, 2))  # where samples of every fourth pixel lie
  assert (oracle.true_mask(np.tile(middles, (448, 1)), np.float32([0, 0, 448, 448])) == 10).all()
  half = oracle.true_mask(mask, np.array([0, 2, 56, 114], np.float32))  # the edge cuts a row
  np.testing.assert_allclose(half[13, 14:], 0, atol=0.01)


def truth(uids, frame, rows=3):
  """The true outputs for a network whose outputs are all 0."""
  h, w = (side // 4 for side in frame.size)
  zeros = np.zeros
  detections = Detections(
    zeros((1, rows, 4), np.float32),
    zeros((1, rows), np.int32),
    zeros((1, rows), np.float32),
    zeros((1, rows, 28, 28), np.float32),
    zeros((1, rows), bool),
  )
  outputs = Outputs(
    zeros((1, h, w, SPEC.num_classes), np.float32),
    zeros((1, h, w, SPEC.num_part_outputs), np.float32),
    detections=detections,
  )
  image = zeros((*uids.shape, 3), np.uint8)
  return oracle.true_outputs(outputs, image, uids, frame, SPEC)


def test_objects_become_detections_in_pixels_of_the_network_and_crowds_do_not():
  uids = np.full((63, 128), 7, np.int32)
  uids[8:24, 16:32] = 26_001
  uids[40:48, 64:96] = 24
  frame = frame_of((63, 128), (32, 64))
  assert frame.covered == (32, 64)  # not quite the aspect of the image
  found = truth(uids, frame).detections
  assert found.valid.shape == (1, oracle.LEAST_ROWS) and found.valid.sum() == 1
  y0, y1 = 8 * 32 / 63, 24 * 32 / 63
  np.testing.assert_allclose(found.boxes[0, 0], [8, y0, 16, y1], rtol=1e-6)
  assert (found.mask_logits[0, 0] == 10).all() and found.scores[0, 0] == 1
  assert SPEC.class_names[SPEC.num_stuff + found.labels[0, 0] - 1] == "car"


def test_boxes_and_classes_lie_where_the_image_is_and_not_in_the_padding():
  uids = np.full((24, 128), 7, np.int32)
  uids[8:16, 64:128] = 26_001
  frame = frame_of((24, 128), (32, 64))
  assert frame.covered == (12, 64)
  found = truth(uids, frame)
  np.testing.assert_allclose(found.detections.boxes[0, 0], [32, 4, 64, 8])
  is_car = found.semantic[0, ..., SPEC.class_names.index("car")] == 10
  assert is_car[1, 8:].all() and is_car.sum() == 8


@pytest.fixture(scope="module")
def comparison(tiny_run):
  return load_comparison(tiny_run.config, tiny_run.workdir / build.RUN_WEIGHTS)


def wrong(found, expected):
  return {
    name: (answer.joint.semantic != expected.semantic).mean() for name, answer in found.items()
  }


@pytest.mark.parametrize("size", [(64, 128), (192, 96)])
def test_the_truth_in_all_heads_is_nearly_found_again(comparison, size):
  rows, columns = size
  uids = np.full(size, 7, np.int32)
  uids[: rows // 2] = 23
  uids[rows // 4 : 3 * rows // 4, columns // 8 : columns // 2] = 26_001_05
  image = RNG.integers(0, 256, (*size, 3), np.uint8)
  made = oracle.Oracle.of(comparison)
  answers = dict(made.answers(image, uids))
  assert list(answers) == list(oracle.REPLACED)
  expected = SPEC.decode(uids)
  predicted = comparison(image)
  np.testing.assert_array_equal(answers["as predicted"].joint.semantic, predicted.joint.semantic)
  np.testing.assert_array_equal(answers["as predicted"].top_down.part, predicted.top_down.part)
  shares = wrong(answers, expected)
  assert shares["all true"] < 0.08 < shares["as predicted"]
  assert shares["true classes"] < shares["as predicted"]
  for answer in (answers["all true"].joint, answers["all true"].top_down):
    assert answer.semantic.shape == size
    is_car = expected.semantic == SPEC.class_names.index("car")
    assert (answer.instance[is_car] == answer.instance[is_car].max()).mean() > 0.9
    assert (answer.part[is_car] == expected.part[is_car]).mean() > 0.85
  parts_alone = answers["true parts"]
  assert (parts_alone.part == expected.part)[expected.part > 0].mean() > 0.9


def test_an_evaluation_with_an_oracle_has_its_scores_and_a_table(tiny_run, tmp_path, capsys):
  run = tiny_run.copy(tmp_path / "run")
  report = evaluate(tiny_run.config, run, pictures=0, oracle=True)
  of_all = report["oracle"]
  assert list(of_all) == list(oracle.REPLACED)
  for method in ("joint", "top_down"):
    assert of_all["as predicted"][method]["part_pq"] == report[method]["part_pq"]
    best = of_all["all true"][method]["part_pq"]["all"]["part_pq"]
    assert best > max(0.3, of_all["as predicted"][method]["part_pq"]["all"]["part_pq"])
  folder = run / "evaluation" / "validation"
  assert json.loads((folder / "scores.json").read_text())["oracle"].keys() == of_all.keys()
  page = (folder / "report.html").read_text()
  assert 'id="oracle"' in page and "true instances" in page
  Console(width=200).print(variants_summary(report, "oracle"))
  printed = capsys.readouterr().out
  assert f"{100 * of_all['all true']['joint']['pq']['all']['pq']:.1f}" in printed
