import dataclasses

from jppf_jax.evaluation.compare import Prediction
from jppf_jax.metrics.scores import Scores
from jppf_jax.report.rows import METHODS, ROWS, SAVED, TITLES
from jppf_jax.report.summary import nested
from tests.report import small


def test_each_method_is_a_field_of_a_prediction_and_has_a_title():
  assert set(METHODS) <= {field.name for field in dataclasses.fields(Prediction)}
  assert set(TITLES) - set(METHODS) == {SAVED}


def test_each_row_leads_to_a_score():
  scores = Scores(small.SPEC)
  scores.add("a", small.truth(), small.predicted())
  report = scores.to_json()
  assert all(isinstance(nested(report, path), float) for path in ROWS.values())
