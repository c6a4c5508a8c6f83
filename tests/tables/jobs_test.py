import pytest

from jppf_jax.tables.jobs import Clock, Job, jobs_for, text_of


def test_networks_are_trained_once_before_what_needs_them_and_seeds_follow_each_other():
  jobs = jobs_for(["jppf", "baseline", "jppf_multi"], seeds=range(2))
  kinds = [
    "train jppf",
    "evaluate jppf",
    "train panoptic",
    "train parts",
    "evaluate baseline",
    "evaluate jppf_multi",
  ]
  assert [str(job) for job in jobs] == [f"{kind}, seed {seed}" for kind in kinds for seed in (0, 1)]


def test_jobs_that_differ_in_their_seed_only_share_programs():
  job = Job("train", "jppf", 0)
  assert job.shares_programs([Job("train", "jppf", 1)])
  assert not job.shares_programs([Job("train", "parts", 0)])
  assert not job.shares_programs([Job("evaluate", "jppf", 0)])
  assert not job.shares_programs([])


def test_the_clock_guesses_from_other_seeds_then_from_jobs_of_the_kind(tmp_path):
  clock = Clock(tmp_path)
  train, evaluate = Job("train", "jppf", 1), Job("evaluate", "jppf", 0)
  assert clock.left([train]) is None
  clock.add(Job("train", "jppf", 0), 60.0)
  clock.add(Job("train", "jppf", 0), 40.0)  # it was interrupted, and went on
  clock.add(Job("train", "parts", 0), 50.0)
  again = Clock(tmp_path)
  assert again.left([train, Job("train", "parts", 1)]) == 150
  assert again.left([Job("train", "semantic", 0)]) == 75
  assert again.left([train, evaluate]) is None
  assert again.left([]) == 0


@pytest.mark.parametrize(
  ("seconds", "text"),
  [
    (None, "time left not known yet"),
    (0.0, "about 1 s left"),
    (70.0, "about 70 s left"),
    (300.0, "about 5 min left"),
    (3 * 3600 + 120.0, "about 3 h 2 min left"),
  ],
)
def test_time_left_is_said_in_words(seconds, text):
  assert text_of(seconds) == text
