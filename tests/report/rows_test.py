import dataclasses

from jppf_jax.evaluation.compare import Prediction
from jppf_jax.metrics.scores import Scores
from jppf_jax.report.rows import METHODS, PAPER, ROWS, SAVED, TITLES
from jppf_jax.report.summary import nested
from jppf_jax.tables.rows import COLUMNS, TABLES
from jppf_jax_configs import cpp, ppp
from tests.report import small


def test_each_method_is_a_field_of_a_prediction_and_has_a_title():
  assert set(METHODS) <= {field.name for field in dataclasses.fields(Prediction)}
  assert set(TITLES) - set(METHODS) == {SAVED}


def test_each_row_leads_to_a_score():
  scores = Scores(small.SPEC)
  scores.add("a", small.truth(), small.predicted())
  report = scores.to_json()
  assert all(isinstance(nested(report, path), float) for path in ROWS.values())


def test_the_papers_figures_are_those_of_the_tables_and_its_settings_those_of_the_configs():
  configs = {"cpp": cpp.get_config(), "ppp": ppp.get_config()}
  column_of = {column.fused: name for name, column in COLUMNS.items()}
  for dataset, config in configs.items():
    setting = (config.data.name, config.model.encoder, tuple(config.data.eval_size))
    for method, figures in PAPER[setting].items():
      (row,) = [
        row
        for row in TABLES[4].rows
        if (row.system, row.method, row.group) == ("jppf", method, "single-scale")
      ]
      for name, figure in figures.items():
        assert figure == row.paper[dataset][column_of[ROWS[name]]]
  assert len(PAPER) == len(configs)
