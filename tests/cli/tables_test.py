import pytest
from absl import flags
from absl.testing import flagsaver

from jppf_jax.cli import tables
from jppf_jax.tables import make
from jppf_jax.tables.report import make_report
from tests.tables.reports import report


@pytest.fixture
def asked(monkeypatch, tmp_path):
  """Runs the verb with a stub for what trains; returns how, which returns what it was asked for."""
  if not flags.FLAGS.is_parsed():
    flags.FLAGS(["jppf"])
  calls = []

  def stub(folder, setting, base, rows, **options):
    calls.append((base, [row.system for _, row in rows], options))
    return make_report(rows, {"jppf": [report()]}, setting.paper)

  def run(*arguments, **values):
    monkeypatch.setattr(make, "make_tables", stub)
    values = {"dataset": "synthetic", "workdir": str(tmp_path), **values}
    with flagsaver.flagsaver(**values):
      tables.main(["tables", *arguments])
    return calls[-1]

  return run


def test_all_rows_of_a_dataset_are_made_and_printed(asked, capsys, tmp_path):
  base, systems, options = asked()
  assert tuple(base.data.eval_size) == (192, 384)
  assert {"jppf", "baseline", "independent", "jppf_sembg"} <= set(systems)
  assert options == {"seeds": 3, "run_time": True}
  out = capsys.readouterr().out
  assert "Table 2" in out and "59.6" in out and f"{tmp_path}/tables.md" in out


def test_quick_is_another_config(asked):
  assert asked(quick=True)[0].phases.main.steps < asked()[0].phases.main.steps
  with pytest.raises(tables.app.UsageError, match="only --dataset=synthetic"):
    asked(quick=True, dataset="ppp")


def test_values_of_the_config_can_be_changed(asked):
  assert asked(**{"config.PATH": ["phases.main.steps=7"]})[0].phases.main.steps == 7


def test_rows_are_named_by_table_or_by_system(asked):
  _, systems, options = asked(rows=["1", "jppf_multi"])
  assert set(systems) == {"panoptic", "jppf_multi"} and not options["run_time"]
  assert asked(rows=["5"])[1:] == ([], {"seeds": 3, "run_time": True})


@pytest.mark.parametrize(
  ("rows", "message"),
  [(["6"], "there is no '6'"), (["baselin"], "did you mean baseline"), ([""], "there is no ''")],
)
def test_rows_that_are_none_are_refused(asked, rows, message):
  with pytest.raises(tables.app.UsageError, match=message):
    asked(rows=rows)


def test_a_row_that_the_dataset_cannot_have_is_refused(asked):
  with pytest.raises(tables.app.UsageError, match="there is no 'jppf_sembg'"):
    asked(rows=["jppf_sembg"], dataset="clothing")


def test_dataset_and_folder_are_needed_and_nothing_else(asked):
  for arguments, values in (((), {"dataset": None}), ((), {"workdir": None})):
    with pytest.raises(tables.app.UsageError, match="Needs --dataset="):
      asked(*arguments, **values)
  with pytest.raises(tables.app.UsageError, match="Unexpected"):
    asked("synthetic")
