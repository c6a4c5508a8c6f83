import json

from PIL import Image

from jppf_jax.cli import demo
from tests import tiny


def smoke_demo(workdir):
  """The smoke config's network and sizes, on the scenes that the demo writes."""
  config = tiny.config(workdir)
  with config.unlocked():
    config.data.name = "cityscapes_panoptic_parts"
    config.data.manual_dir = str(workdir / "scenes")
    config.data.data_dir = str(workdir / "data_sets")
  return config


def part_pq(report, method):
  return report[method]["part_pq"]["all"]


def test_all_stages_run_and_a_second_run_trains_nothing(tmp_path):
  config = smoke_demo(tmp_path)
  report = demo.run(tmp_path, config)
  assert list(report["seconds"]) == ["scenes", "training", "evaluation", "photo"]
  labels = tmp_path / "scenes" / "gtFinePanopticParts" / "val"
  assert list(labels.glob("*/*.tif"))
  results = json.loads((tmp_path / "results.json").read_text())
  assert part_pq(results, "joint").keys() == part_pq(results, "top_down").keys()
  weights = (tmp_path / "weights.safetensors").read_bytes()
  again = demo.run(tmp_path, config)
  assert (tmp_path / "weights.safetensors").read_bytes() == weights
  assert part_pq(again, "joint") == part_pq(report, "joint")
  folder = tmp_path / "evaluation" / "validation"
  assert list(folder.glob("*.png")) and (folder / "report.html").is_file()
  with Image.open(demo.picture_of_photo(tmp_path)) as picture:
    assert picture.size[0] >= 512
  segments = json.loads((tmp_path / "photo" / "segments" / "astronaut.json").read_text())
  (person,) = [segment for segment in segments["segments"] if segment["is_thing"]]
  assert person["class"] == "person" and person["area"] > 512**2 / 4


def test_the_demo_starts_from_the_shipped_weights_or_from_scratch(tmp_path):
  shipped = demo.configure(tmp_path, from_scratch=False)
  scratch = demo.configure(tmp_path, from_scratch=True)
  assert shipped.model.pretrained == "demo"
  assert scratch.model.pretrained == ""
  assert scratch.phases.main.steps > shipped.phases.main.steps
