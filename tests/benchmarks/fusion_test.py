"""The report of the fusion benchmark, on an image that is small enough for a test."""

import io
import json

from rich.console import Console

from jppf_jax.benchmarks import fusion
from jppf_jax.benchmarks.fusion import print_report, random_heads, run
from tests.fusion.scenes import SPEC


def test_every_fusion_is_measured_and_reported(tmp_path, monkeypatch):
  def no_torch(*_, **__):
    raise ModuleNotFoundError("No module named 'torch'", name="torch")

  monkeypatch.setattr(fusion, "torch_fusion", no_torch)
  out = tmp_path / "fusion.json"
  report = run(out, size=(32, 64), detections=5, repeats=1)
  assert json.loads(out.read_text()) == report
  assert report["size"] == [32, 64] and report["detections"] == 5
  assert list(report["fusions"]) == [
    "joint fusion",
    "the same, dense lax.scan",
    "EfficientPS + merge",
  ]
  for cost in report["fusions"].values():
    assert cost["seconds"] > 0 and cost["compile_seconds"] > 0 and cost["temporary_mb"] > 0


def test_ratios_are_those_to_the_joint_fusion():
  cost = {"compile_seconds": None, "temporary_mb": None}
  fusions = {"joint fusion": {"seconds": 0.2, **cost}, "PyTorch": {"seconds": 0.5, **cost}}
  report = dict(
    size=[4, 8], detections=3, device="cpu", cores=2, load=1.5, versions={}, fusions=fusions
  )
  printed = io.StringIO()
  print_report(report, Console(file=printed, width=80))
  lines = printed.getvalue().splitlines()
  row = next(line for line in lines if "PyTorch" in line)
  assert "500" in row and "2.5" in row
  assert "cpu, 2 cores, load 1.5" in lines[-1]
  assert max(map(len, lines)) <= 80


def test_without_detections_there_is_one_row_of_padding():
  _, _, found = random_heads(SPEC, (32, 64), 0)
  assert found.valid.tolist() == [False]


def test_random_heads_are_those_of_an_image_with_detections_in_it():
  semantic, part, found = random_heads(SPEC, (64, 128), 9)
  assert semantic.shape == (16, 32, SPEC.num_classes)
  assert part.shape == (16, 32, SPEC.num_part_outputs)
  x0, y0, x1, y1 = found.boxes.T
  assert (x1 > x0).all() and (y1 > y0).all() and (x0 >= 0).all() and (y1 <= 64).all()
  assert (found.scores[:-1] >= found.scores[1:]).all()
