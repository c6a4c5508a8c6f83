import json

import numpy as np
import pytest
from rich.console import Console

pytest.importorskip("sklearn")
from jppf_jax.benchmarks import metrics as benchmark
from jppf_jax.labels.cpp import cpp
from jppf_jax.metrics.cells import count_cells
from jppf_jax.metrics.part_pq import part_panoptic_quality


def test_the_report_is_printed_and_written(tmp_path, capsys):
  benchmark.run(str(tmp_path / "deep" / "metrics.json"), size=(64, 128), images=2, files_scored=3)
  report = json.loads((tmp_path / "deep" / "metrics.json").read_text())
  assert report["equal"] and report["size"] == [64, 128] and report["images"] == 2
  ratio = report["reference_seconds_per_image"] / report["seconds_per_image"]
  assert report["ratio"] == pytest.approx(ratio) and ratio > 1
  assert report["score_images_per_second"] > 0 and report["score_peak_memory_mb"] > 0
  shown = capsys.readouterr().out
  assert "ratio, one core" in shown and "same counts" in shown and "NO" not in shown
  assert "threads, uid TIFFs" in shown and "hotcoco" in shown


def test_the_row_of_hotcoco_says_how_to_get_it_or_how_fast_it_is():
  report = {"size": [4, 6], "images": 1, "equal": True, "hotcoco": None}
  numbers = ("ratio", "reference_seconds_per_image", "seconds_per_image", "score_workers")
  numbers += ("score_images_per_second", "score_uids_images_per_second", "score_peak_memory_mb")
  report |= dict.fromkeys(numbers, 3.0)
  without, with_it = Console(record=True, width=80), Console(record=True, width=80)
  benchmark.print_report(report, without)
  assert "pip install hotcoco" in without.export_text()
  speed = {"hotcoco_images_per_second": 70.0, "score_ratio_to_hotcoco": 0.5}
  benchmark.print_report(report | speed | {"hotcoco": "1.3.0", "hotcoco_same_pq": False}, with_it)
  shown = with_it.export_text()
  assert "hotcoco 1.3.0" in shown and "70.0 images" in shown and "0.50 x" in shown and "NO" in shown


def test_predictions_are_good_but_not_perfect():
  uids, prediction = benchmark.make_pair(cpp(), 0, (128, 256))
  counts = part_panoptic_quality(count_cells(cpp(), uids, prediction), cpp())
  assert counts.tp.sum() > 5 and counts.fp.sum() + counts.fn.sum() > 0
  assert 0.4 < counts.iou_sum.sum() / counts.tp.sum() < 0.99


def test_disagreement_is_noticed():
  uids, prediction = benchmark.make_pair(cpp(), 0, (64, 128))
  counts = part_panoptic_quality(count_cells(cpp(), uids, prediction), cpp())
  rows = np.stack([counts.tp, counts.fp, counts.fn, counts.iou_sum], -1)
  expected = {}
  for sid, (tp, fp, fn, iou_sum) in zip(cpp().class_ids.tolist(), rows.tolist()):
    expected[sid] = (int(tp), int(fp), int(fn), iou_sum)
  assert benchmark.agree(counts, expected, cpp())
  assert not benchmark.agree(counts, expected | {24: (0, 0, 0, 1e-6)}, cpp())
