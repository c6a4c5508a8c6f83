import numpy as np
import pytest

from jppf_jax.tables.claims import CLAIMS, findings, mean_and_spread
from jppf_jax.tables.rows import AFTER, BEFORE
from jppf_jax.tables.systems import SYSTEMS
from tests.tables.reports import report


def find(found, claim, column):
  (one,) = [f for f in found if f["claim"].startswith(claim) and f["column"] == column]
  return one


def test_runs_are_compared_seed_by_seed():
  jppf = [report(part_miou=0.6), report(part_miou=0.7), report(part_miou=0.5)]
  sembg = [report(part_miou=0.55), report(part_miou=0.61), report(part_miou=0.52)]
  found = find(findings({"jppf": jppf, "jppf_sembg": sembg}, "cpp"), "grouped + BG", "part")
  differences = np.array([5.0, 9.0, -2.0])
  assert found["difference"] == pytest.approx(differences.mean())
  assert found["spread"] == pytest.approx(differences.std(ddof=1))
  assert found["deviations"] == pytest.approx(differences.mean() / differences.std(ddof=1))
  assert found["paper"] == pytest.approx(77.0 - 75.6)
  assert found["agrees"]


def test_a_worse_jppf_does_not_agree():
  reports = {"jppf": [report(part_pq=0.2)], "baseline": [report(part_pq=0.5)]}
  found = find(findings(reports, "cpp"), "JPPF > Baseline*", "all")
  assert found["difference"] == pytest.approx(20 - 45)
  assert found["spread"] is None and found["deviations"] is None
  assert not found["agrees"]
  assert found["paper"] == pytest.approx(59.6 - 57.7)


def test_weights_to_start_from_are_claimed_to_be_better_than_random_ones():
  reports = {"jppf": [report(part_pq=0.5)], "jppf_random": [report(part_pq=0.2)]}
  found = find(findings(reports, "cpp"), "pretrained", "all")
  assert found["difference"] == pytest.approx(50 - 20) and found["agrees"]


def test_claims_without_their_systems_or_numbers_are_left_out():
  found = findings({"jppf": [report()], "parts": [report(part_miou=None)]}, "ppp")
  assert {f["claim"] for f in found} == {CLAIMS[0].title}
  assert find(found, "joint fusion", "p")["paper"] == pytest.approx(48.3 - 37.8)
  assert findings({}, "cpp") == []


@pytest.mark.parametrize("paper", ["cpp", "ppp"])
def test_the_papers_own_figures_agree_with_its_claims(paper):
  reports = {name: [report()] for name in SYSTEMS}
  found = findings(reports, paper)
  known = [finding["paper"] for finding in found if finding["paper"] is not None]
  assert min(known) >= 0
  assert [claim.columns for claim in CLAIMS[1:3]] == [(*BEFORE, *AFTER), BEFORE]
  columns = [f["column"] for f in found if f["claim"] == CLAIMS[2].title]
  assert columns == ["semantic", "instance", "part"]


def test_claims_name_systems_that_there_are():
  for claim in CLAIMS:
    assert claim.better[0] in SYSTEMS and claim.worse[0] in SYSTEMS


def test_equal_runs_have_no_deviations():
  same = {"jppf": [report()] * 2, "independent": [report()] * 2}
  found = find(findings(same, "cpp"), "shared", "semantic")
  assert (found["difference"], found["spread"], found["deviations"]) == (0, 0, None)
  assert found["agrees"]


def test_the_spread_of_one_value_is_unknown():
  assert mean_and_spread([3.0]) == (3.0, None)
