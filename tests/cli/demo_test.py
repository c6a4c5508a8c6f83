import json

from jppf_jax.cli import demo
from tests import tiny


def small(workdir, *, from_scratch):
  """The demo's own stages with the smoke config's network and sizes."""
  config = tiny.config(workdir)
  with config.unlocked():
    config.data.update(
      name="cityscapes_panoptic_parts",
      manual_dir=str(workdir / "scenes"),
      data_dir=str(workdir / "data_sets"),
    )
  assert from_scratch
  return config


def test_all_stages_run_and_a_second_run_trains_nothing(tmp_path):
  config = small(tmp_path, from_scratch=True)
  report = demo.run(tmp_path, config)
  assert list(report["seconds"]) == ["scenes", "training", "evaluation"]
  assert list((tmp_path / "scenes" / "gtFinePanopticParts" / "val").glob("*/*.tif"))
  results = json.loads((tmp_path / "results.json").read_text())
  assert results["joint"]["part_pq"]["all"].keys() == results["top_down"]["part_pq"]["all"].keys()
  weights = (tmp_path / "weights.safetensors").read_bytes()
  again = demo.run(tmp_path, config)
  assert (tmp_path / "weights.safetensors").read_bytes() == weights
  assert again["joint"]["part_pq"] == report["joint"]["part_pq"]
  assert list((tmp_path / "evaluation" / "validation").glob("*.png"))


def test_the_demo_starts_from_the_shipped_weights_or_from_scratch(tmp_path):
  shipped = demo.configure(tmp_path, from_scratch=False)
  scratch = demo.configure(tmp_path, from_scratch=True)
  assert shipped.model.pretrained == "demo" and scratch.model.pretrained == ""
  assert scratch.phases.main.steps > shipped.phases.main.steps
