import itertools

import pytest

from jppf_jax.labels.evaluation_fields import problems
from jppf_jax.labels.evaluation_spec import read
from tests.labels import yaml_mutations
from tests.labels.evaluation_spec_test import own_spec


def wrong(evaluation):
  return problems(evaluation, evaluation["dataset_spec"])


def test_a_complete_specification_has_no_problem():
  assert not wrong(own_spec())


@pytest.mark.parametrize(
  "changes, message",
  [
    ({"dataset_spec": 5}, "dataset_spec is 5, expected a mapping"),
    ({"eval_sid_stuff": None}, "has no entry 'eval_sid_stuff'"),
    ({"eval_sid_stuff": {1: 2}}, "eval_sid_stuff is {1: 2}, expected a list of scene ids 1..99"),
    ({"eval_sid_stuff": ["1"]}, "expected a list of scene ids"),
    ({"eval_sid_stuff": [2]}, "name a class twice"),
    ({"eval_sid_stuff": [9]}, "class 9 is evaluated, but the dataset has scene ids up to 2"),
    ({"eval_sid2scene_label": {1: "floor"}}, "eval_sid2scene_label has no entry 2"),
    ({"eval_sid2scene_label": {1: "floor", 2: True}}, "expected a mapping from scene ids"),
    ({"dataset_sid2eval_sid": {1: 7}}, "gives 1 the class 7, which is not evaluated"),
    ({"dataset_sid2eval_sid": {"DEFAULT": 1}}, "DEFAULT must be IGNORED"),
    ({"dataset_sid2eval_sid": {200: 1}}, "expected a mapping from scene ids 0..99"),
    ({"dataset_sid_pid2eval_sid_pid": {201: 105}}, "gives 201 the part 105 of another class"),
    ({"dataset_sid_pid2eval_sid_pid": {201: "x"}}, "expected a mapping between numbers"),
    ({"eval_sid_pid2eval_pid_flat": {201: 1, 202: 0}}, "part channels 1..254"),
    ({"eval_pid_flat2scene_part_label": {1: "arm"}}, "has no entry 2"),
  ],
)
def test_wrong_types_and_contradictions_are_named(changes, message):
  assert any(message in problem for problem in wrong(own_spec(**changes)))


def test_any_wrong_value_at_any_place_is_accepted_or_refused_in_short_sentences(
  tmp_path, monkeypatch
):
  base = own_spec()
  base["dataset_spec"]["countable_pids_groupings"] = {"robot": {"arm": [5, 6]}}
  content = None
  monkeypatch.setattr("jppf_jax.labels.evaluation_spec.load_yaml", lambda path: content)
  refused = 0
  for content in itertools.islice(yaml_mutations.mutations(base), 0, None, 5):
    if not isinstance(content, dict):
      continue  # `load_yaml` refuses these
    try:
      read(tmp_path / "robots.yaml", name="robots")
    except (ValueError, FileNotFoundError) as error:
      refused += 1
      assert len(str(error)) < 8000 and "robots" in str(error)
  assert refused > 300
