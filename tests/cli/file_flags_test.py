import pytest

from jppf_jax.cli import file_flags, merge, predict, score
from tests.cli import verbs


def test_verbs_share_the_flags_so_that_one_process_can_load_both():
  assert score.SPEC is merge.SPEC is file_flags.SPEC
  assert score.OUT is merge.OUT is predict.OUT is file_flags.OUT


@pytest.mark.parametrize(
  "argv",
  [
    ("predict", "a.png"),
    ("score", "--spec=cpp", "--gt=gt", "--pred=pred"),
    ("import-weights", "--from=efficientnet-lite", "--variant=lite0"),
    ("benchmark", "metrics"),
    ("convert", "--from=coco", "--spec=cpp", "coco"),
    ("convert", "--to=coco-panoptic", "--spec=cpp", "predictions"),
  ],
)
def test_every_verb_with_a_result_checks_first_where_it_goes(argv):
  done = verbs.here(*argv, "--out=/proc/nowhere/result")
  assert done.status.startswith(f"jppf {argv[0]}")
  assert "Cannot write /proc/nowhere/result: " in done.status


@pytest.mark.parametrize(
  "argv, choices",
  [
    (("import-weights",), "timm, efficientnet-lite, efficientps"),
    (("convert", "--spec=cpp"), "coco, labelme, cvat"),
  ],
)
def test_the_choices_of_from_are_those_of_the_verb(argv, choices):
  done = verbs.here(*argv, "--from=nobody", "file", "--out=out")
  assert done.status == 2
  assert f"--from=nobody: expected one of {choices}" in done.err
