from types import SimpleNamespace

import numpy as np
from PIL import Image

from jppf_jax import build
from jppf_jax.labels.registry import load_spec
from jppf_jax.street_scenes import make_scene
from jppf_jax.tables import figures
from jppf_jax.tables.runs import Runs
from jppf_jax.tables.setting import SETTINGS
from jppf_jax.visualization import render
from tests import tiny
from tests.tables.stubs import Nothing


def test_each_figure_shows_truth_baseline_merge_and_joint_fusion(tmp_path, monkeypatch):
  spec = load_spec("cpp_grouped")
  image, uids = make_scene(0, size=(64, 128))
  examples = [{"image_id": name, "image": image, "uids": uids} for name in ("a", "b", "c")]
  truth, asked, titles = spec.decode(uids), [], []

  class Answers(Nothing):
    """The truth as the prediction of everything."""

    def __init__(self, system):
      asked.append(system)
      self.spec = spec

    def __call__(self, image):
      return SimpleNamespace(joint=truth, top_down=truth)

  def compare(image, answers, spec):
    titles.append(list(answers))
    return drawn(image, answers, spec)

  drawn = render.comparison
  monkeypatch.setattr(build, "examples", lambda config, split: examples)
  monkeypatch.setattr(render, "comparison", compare)
  monkeypatch.setattr(Runs, "comparison", lambda self, system, seed: Answers(system))
  runs = Runs(tmp_path, SETTINGS["cpp"], tiny.config(tmp_path))
  files = figures.write_figures(runs, tmp_path / "figures", count=2)
  assert [file.name for file in files] == ["a.png", "b.png"]
  assert titles[0] == ["Ground truth", "Baseline*", "JPPF, top-down merge", "JPPF"]
  assert asked == ["baseline", "jppf"]
  assert np.asarray(Image.open(files[0])).std() > 10
