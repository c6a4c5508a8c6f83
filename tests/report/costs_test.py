import json
import re

import pytest

from jppf_jax.report import costs, page
from jppf_jax.report.read import ReportError
from tests.report import small

STAGES = [
  {"stage": "encoder", "seconds": 0.2, "temporary_mb": 12.34, "gflop": 5.0},
  {"stage": "<fusion>", "seconds": 0.05, "temporary_mb": 1.0, "gflop": 0.1},
]
MEASURED = {"stages": STAGES, "device": "cpu", "encoder": "b5", "size": [512, 1024]}


def test_each_stage_has_its_time_memory_and_work():
  made = costs.costs(MEASURED)
  rows = [re.sub("<.*?>", " ", row).split() for row in re.findall("<tr>(.*?)</tr>", made)[1:]]
  assert rows == [["encoder", "200.0", "12.3", "5.0"], ["&lt;fusion&gt;", "50.0", "1.0", "0.1"]]
  assert re.findall("width:(.*?)%", made) == ["100.0", "25.0"]
  assert "B5, 512 × 1024 pixels, cpu" in made


def test_the_measurement_of_a_run_is_found_or_given(tmp_path):
  run = small.write(tmp_path / "run", {"a": {}})
  assert 'id="costs"' not in page.write(run).read_text()
  file = tmp_path / "own.json"
  file.write_text(json.dumps(MEASURED))
  assert 'id="costs"' in page.write(run, benchmark=file).read_text()
  file.rename(run / "benchmark.json")
  assert 'id="costs"' in page.write(run).read_text()


def test_another_file_is_refused(tmp_path):
  file = tmp_path / "other.json"
  file.write_text('{"stages": []}')
  with pytest.raises(ReportError, match="has no stages of a network; `jppf benchmark inference"):
    costs.read_costs(file)
