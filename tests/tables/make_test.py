import json

import pytest

from jppf_jax.tables import make
from jppf_jax.tables.rows import TABLES
from jppf_jax.tables.setting import SETTINGS, rows_of
from tests import tiny
from tests.tables.reports import COSTS
from tests.tables.stubs import Stubs


@pytest.fixture
def stubs(monkeypatch):
  monkeypatch.setattr(
    make.figures, "write_figures", lambda runs, folder: folder.mkdir(exist_ok=True)
  )
  return Stubs(monkeypatch)


def test_all_rows_are_trained_evaluated_and_written(stubs, tmp_path, monkeypatch):
  measured = []

  def run(out, **settings):
    measured.append(settings)
    out.write_text(json.dumps({"systems": COSTS}))

  monkeypatch.setattr(make.inference, "run", run)
  setting = SETTINGS["cpp"]
  rows = rows_of(setting, tuple(TABLES))
  for _ in range(2):
    made = make.make_tables(tmp_path, setting, tiny.config(tmp_path, seed=5), rows, seeds=2)
  trained = {call for call in stubs.called if call.startswith("train jppf_seed")}
  assert trained == {"train jppf_seed5", "train jppf_seed6"}
  assert measured == [{"encoder": "b0", "size": (64, 128)}]  # once
  assert len([call for call in stubs.called if call.startswith("train")]) == 2 * 9
  assert [table["number"] for table in made["tables"]] == [1, 2, 3, 4, 5] and made["seeds"] == 2
  assert json.loads((tmp_path / "tables.json").read_text()) == made
  assert "### Table 4" in (tmp_path / "tables.md").read_text()
  assert (tmp_path / "figures").is_dir()


def test_a_part_of_the_rows_needs_a_part_of_the_networks(stubs, tmp_path):
  setting = SETTINGS["cpp"]
  rows = [(number, row) for number, row in rows_of(setting, (1, 2)) if row.system == "panoptic"]
  made = make.make_tables(tmp_path, setting, tiny.config(tmp_path), rows, seeds=1, run_time=False)
  assert stubs.called == ["train panoptic_seed0", "evaluate panoptic"]
  assert [table["number"] for table in made["tables"]] == [1]
  assert not (tmp_path / "figures").exists()
