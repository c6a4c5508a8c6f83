"""One thing grows at a time, and the report has every point of every axis."""

import json

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from jppf_jax.benchmarks import growth
from jppf_jax.benchmarks.fusion import top_down
from jppf_jax.benchmarks.programs import Compiled, compiled
from jppf_jax.fusion.config import FusionConfig
from jppf_jax.fusion.joint import joint_fusion
from jppf_jax.labels.cpp import cpp

BASE = growth.Point((64, 96), 19, 10, 100)


def test_all_points_of_an_axis_differ_from_the_base_in_one_value():
  axes = growth.points_of_axes(BASE)
  fields = {"megapixels": "size", "classes": "classes", "parts": "parts"}
  assert list(axes) == [*fields, "detections"]
  for axis, points in axes.items():
    for value, point in points.items():
      other = [name for name in BASE._fields if getattr(point, name) != getattr(BASE, name)]
      assert other in ([], [fields.get(axis, axis)])
      if axis != "megapixels":
        assert getattr(point, axis) == value
  sizes = {value: point.size for value, point in axes["megapixels"].items()}
  assert sizes == {h * w / 1e6: (h, w) for h, w in ((32, 32), (64, 96), (128, 192))}


def test_a_size_is_one_that_a_network_can_have_whatever_the_scale():
  assert growth._scaled((32, 32), 0.5) == (32, 32)
  assert growth._scaled((96, 32), 1.5) == (128, 32)


def test_the_taxonomy_of_19_classes_and_10_parts_divides_them_as_cpp():
  ours, expected = growth.taxonomy(19, 10), cpp()
  assert ours.num_stuff == expected.num_stuff and ours.num_part_outputs == 10
  sizes = [sorted(map(len, spec.class_parts)) for spec in (ours, expected)]
  assert sizes[0] == sizes[1]


@pytest.mark.parametrize("classes, parts", [(200, 10), (19, 200)])
def test_a_taxonomy_can_be_larger_than_label_files_allow(classes, parts):
  spec = growth.taxonomy(classes, parts)
  assert (spec.num_classes, spec.num_part_outputs) == (classes, parts)
  used = {part for own in spec.class_parts for part in own}
  assert used == set(range(1, parts))
  assert spec.part_matrix.shape == (classes, parts)
  assert 0.5 < spec.num_stuff / classes < 0.6


def test_the_programs_of_a_point_have_its_size_and_its_numbers(monkeypatch):
  point, asked = growth.Point((64, 96), 30, 20, 7), []

  class Noted:
    compute, variables = None, "weights"

    def __init__(self, net, variables, spec, **settings):
      asked.append((net, variables, spec.num_classes, spec.num_part_outputs, settings))

  monkeypatch.setattr(growth, "compiled", lambda run, *inputs: Compiled(run, inputs, 0.0))
  monkeypatch.setattr(growth, "network", lambda encoder, spec, *rest: (encoder, *rest))
  monkeypatch.setattr(growth, "_variables", lambda *about: about)
  monkeypatch.setattr(growth, "Predictor", Noted)
  programs = growth._fusions(point)
  for name, fuse in ((growth.JOINT, joint_fusion), (growth.TOP_DOWN, top_down)):
    run, (semantic, part, found) = programs[point, name].program, programs[point, name].arguments
    assert (run.func, run.keywords["size"]) == (fuse, (64, 96))
    assert (semantic.shape, part.shape) == ((16, 24, 30), (16, 24, 20))
    assert found.valid.shape == (7,) and found.valid.all()
  variables, image, covered = growth.whole_program(point, "lite0", "bfloat16").arguments
  assert (variables, image.shape, covered.tolist()) == ("weights", (1, 64, 96, 3), [[64, 96]])
  [(net, variables, *numbers, settings)] = asked
  assert net == ("lite0", jnp.bfloat16, 7) and numbers == [30, 20]
  assert variables == ("lite0", "bfloat16", 30, 20)
  assert settings == {"size": (64, 96), "config": FusionConfig(score_threshold=0.0)}


@pytest.fixture
def report(monkeypatch, tmp_path, capsys):
  """A report whose fusions are something small, and the files beside it."""
  asked = []

  def program(point, *settings):
    asked.append((point, *settings))
    return compiled(jnp.sort, np.ones(8 * point.detections + 8, np.float32))

  def fusions(point):
    own = program(point)
    return {(point, name): own for name in (growth.JOINT, growth.TOP_DOWN)}

  monkeypatch.setattr(growth, "whole_program", program)
  monkeypatch.setattr(growth, "_fusions", fusions)
  out, picture = tmp_path / "growth.json", tmp_path / "growth.png"
  found = growth.run(out, size=(64, 96), detections=50, repeats=1, picture=picture)
  return found, out, picture, asked, capsys.readouterr().out


def test_every_point_is_measured_once_reported_and_drawn(report):
  found, out, picture, asked, shown = report
  assert json.loads(out.read_text()) == found
  assert len(asked) == len(set(asked))
  wholes = [point for point, *settings in asked if settings == ["lite0", "float32"]]
  assert [point.size for point in wholes] == [(32, 32), (64, 96), (128, 192)]
  by_axis = [(point["axis"], point["value"]) for point in found["points"]]
  assert ("classes", 200) in by_axis and ("parts", 200) in by_axis and ("detections", 0) in by_axis
  assert len(by_axis) == 3 + 3 + 3 + 3
  assert max(map(len, shown.splitlines())) <= 80
  with Image.open(picture) as image:
    assert image.size[0] > image.size[1] > 300


def test_a_diagram_has_the_values_of_its_axis(report):
  found, *_ = report
  diagrams = {diagram.title: diagram.lines for diagram in growth.diagrams_of(found["points"])}
  assert len(diagrams) == 10
  (whole,) = diagrams["seconds by megapixels, whole program"].values()
  assert [value for value, _ in whole] == [0.001024, 0.006144, 0.024576]
  lines = diagrams["temporary MB by detections"]
  assert list(lines) == [growth.JOINT, growth.TOP_DOWN]
  assert [value for value, _ in lines[growth.JOINT]] == [0, 100, 300]
  wanted = [
    point["costs"][growth.JOINT]["temporary_mb"]
    for point in found["points"]
    if point["axis"] == "detections"
  ]
  assert [value for _, value in lines[growth.JOINT]] == wanted
