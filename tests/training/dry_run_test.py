"""What a dry run says and draws; its step is compiled for the part head alone."""

import numpy as np
import pytest
from PIL import Image

from jppf_jax import build
from jppf_jax.training import dry_run
from jppf_jax.training.parallel import AXIS
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
  done = verbs.here("train", f"--workdir={tmp_path}/run", "--dry_run", *flags)
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
