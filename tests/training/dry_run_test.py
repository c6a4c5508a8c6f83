"""What a dry run says and draws; its step is compiled for the part head alone."""

import dataclasses
import time
from unittest import mock

import jax
import numpy as np
import pytest
from PIL import Image

from jppf_jax import build
from jppf_jax.training import dry_run
from jppf_jax.training.parallel import AXIS
from jppf_jax_configs import smoke
from tests import tiny
from tests.cli import verbs


def test_a_dry_run_shows_what_a_run_needs_and_trains_nothing(tmp_path):
  flags = [
    "--config=smoke",
    f"--config.data.data_dir={tmp_path}/data",
    "--config.model.heads=part",
    "--config.phases.main.steps=3600",
    "--config.parallel=shard_map",
  ]
  start = time.monotonic()
  done = verbs.here("train", f"--workdir={tmp_path}/run", "--dry_run", *flags)
  elapsed = time.monotonic() - start
  assert done.status == 0, done
  for words in (
    "devices: 1 x cpu, shard_map",
    "parameters of part_head, M",
    "temporaries, GB",
    "operations, GFLOP",
    "reading a batch, ms",
    "3600 steps, hours",
  ):
    assert words in done.out
  rows = dict(line.strip("│ ").split("│") for line in done.out.splitlines() if "│" in line)
  numbers = {name.strip(): float(value) for name, value in rows.items()}
  assert numbers["compiling, s"] <= elapsed
  config = smoke.get_config().unlock()
  config.model.heads = ("part",)
  shapes = build.variable_shapes(build.model(config, build.label_spec(config)))["params"]
  for name, tree in shapes.items():
    count = sum(np.prod(leaf.shape) for leaf in jax.tree.leaves(tree))
    assert numbers[f"parameters of {name}, M"] == pytest.approx(count / 1e6, abs=0.005)
  slower = max(numbers["step, ms"], numbers["reading a batch, ms"])
  assert numbers["3600 steps, hours, without saving"] == pytest.approx(slower / 1000, abs=0.01)
  files = {path.relative_to(tmp_path / "run").as_posix() for path in (tmp_path / "run").rglob("*")}
  assert files == {"dry_run", "dry_run/first_batch.png", "dry_run/learning_rate.png"}


def test_the_first_batch_is_drawn_as_the_network_gets_it(tiny_run):
  spec = build.label_spec(tiny_run.config)
  batch, ids = next(build.train_iterator(tiny_run.config, spec))
  drawn = dry_run.draw_batch(batch, ids, spec)
  height, width = batch.image.shape[1:3]
  photos = np.lib.stride_tricks.sliding_window_view(drawn[..., 0], (height, width))
  for image in batch.image:
    corner = (photos[..., 0, 0] == image[0, 0, 0]) & (photos[..., -1, -1] == image[-1, -1, 0])
    assert any((photos[y, x] == image[..., 0]).all() for y, x in np.argwhere(corner))
  Image.fromarray(drawn)


def test_the_learning_rate_is_drawn_up_to_its_peak(tmp_path):
  for peak in (0.07, 3e-5):
    config = tiny.config(tmp_path, **{"phases.main.learning_rate": peak})
    drawn = dry_run.draw_schedule(build.training(config, axis_name=AXIS))
    assert drawn.dtype == np.uint8 and drawn.std() > 1


@pytest.mark.parametrize("peak, unit", [(0.07, -2), (1e-4, -4), (3e-5, -5)])
def test_the_learning_rate_is_drawn_by_step_in_units_of_its_peak(tmp_path, monkeypatch, peak, unit):
  panels, draw = [], dry_run.chart.panels
  monkeypatch.setattr(
    dry_run.chart, "panels", lambda given, **how: panels.extend(given) or draw(given, **how)
  )
  run = build.training(tiny.config(tmp_path, **{"phases.main.learning_rate": peak}), axis_name=AXIS)
  dry_run.draw_schedule(run)
  [(name, points)] = panels[0].lines.items()
  assert name == f"x 1e{unit}"
  expected = [(step, float(run.learning_rate(step)) / 10**unit) for step in range(4)]
  np.testing.assert_allclose(points, expected, rtol=1e-6)


def test_the_compiler_s_figures_have_their_units():
  sizes = {"argument": 32_000_000, "output": 7, "temp": 12_000_000}
  memory = mock.Mock(**{f"{name}_size_in_bytes": size for name, size in sizes.items()})
  compiled = mock.Mock(spec=jax.stages.Compiled)
  compiled.memory_analysis.return_value = memory
  compiled.cost_analysis.return_value = {"flops": 12e9}
  assert dry_run.measured(compiled) == {
    "state and batch, GB": "0.032",
    "temporaries, GB": "0.012",
    "operations, GFLOP": "12.0",
  }


def test_what_the_compiler_does_not_say_is_left_out():
  compiled = mock.Mock(spec=jax.stages.Compiled)
  compiled.memory_analysis.return_value = compiled.cost_analysis.return_value = None
  assert dry_run.measured(compiled) == {}


def test_parts_are_drawn_and_a_background_of_its_own_is_none(tiny_run, monkeypatch):
  drawn = []
  monkeypatch.setattr(
    dry_run.render, "overlay", lambda image, maps, spec, **how: drawn.append(maps) or image
  )
  spec = build.label_spec(tiny_run.config)
  batch, ids = next(build.train_iterator(tiny_run.config, spec))
  target = np.array(batch.part)
  assert ((target > 0) & (target < spec.num_parts)).any()
  target[:, 0, 0] = spec.num_parts  # a background of its own
  dry_run.draw_batch(dataclasses.replace(batch, part=target), ids, spec)
  for maps, part in zip(drawn, target, strict=True):
    is_part = (part > 0) & (part < spec.num_parts)
    np.testing.assert_array_equal(maps.part[is_part], part[is_part])
    assert maps.part[0, 0] == 0


def test_the_labels_are_drawn_beside_the_photo(tiny_run, monkeypatch):
  drawn = {}
  monkeypatch.setattr(
    dry_run.sheet, "grid", lambda pictures, **how: drawn.update(pictures) or pictures.popitem()[1]
  )
  spec = build.label_spec(tiny_run.config)
  batch, ids = next(build.train_iterator(tiny_run.config, spec))
  dry_run.draw_batch(batch, ids, spec)
  assert list(drawn) == [f"{number}: {name}" for number, name in enumerate(ids, 1)]
  for image, picture in zip(batch.image, drawn.values()):
    photo, labels = np.split(picture, 2, axis=1)
    np.testing.assert_array_equal(photo, image)
    assert (labels != image).any()


def test_a_split_to_evaluate_that_there_is_not_is_found(tmp_path, monkeypatch):
  monkeypatch.setattr(dry_run.starting, "initial_state", lambda *args: None)
  monkeypatch.setattr(build, "train_examples", lambda config: None)
  changes = {"train.evaluate_every": 2, "data.eval_split": "test"}
  with pytest.raises(ValueError, match="no split 'test'"):
    dry_run.dry_run(tiny.config(tmp_path, **changes), tmp_path / "run")
  assert not (tmp_path / "run").exists()
