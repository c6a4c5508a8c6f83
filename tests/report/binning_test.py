from jppf_jax.report import binning

TRUTH = {
  "class": [0, 0, 1, 1],
  "iou": [1.0, 0.55, 0.0, 0.49],
  "area": [15**2, 16**2, 300**2, 16**2],
  "outcome": ["tp", "tp", "fn", "fn"],
}


def test_ious_are_counted_in_tenths_and_one_is_in_the_last():
  assert binning.iou_counts(TRUTH) == [1, 0, 0, 0, 1, 1, 0, 0, 0, 1]
  assert binning.iou_counts(TRUTH, 1) == [1, 0, 0, 0, 1, 0, 0, 0, 0, 0]


def test_found_segments_are_counted_by_the_side_of_their_square():
  assert binning.found_by_size(TRUTH) == [(1, 1), (1, 2), (0, 0), (0, 0), (0, 0), (0, 1)]
  assert binning.found_by_size(TRUTH, 1)[1] == (0, 1)
  assert binning.size_names()[:2] == ["0–16", "16–32"]
  assert len(binning.size_names()) == len(binning.SIDES)


def test_scores_and_ious_are_thinned_evenly_and_leave_out_stuff():
  predicted = {
    "class": [0] * 3 + [1] * 10,
    "score": [None] * 3 + [n / 10 for n in range(10)],
    "iou": [0.5] * 13,
    "outcome": ["tp"] * 13,
  }
  assert binning.scores_and_ious(predicted, 0) == []
  assert len(binning.scores_and_ious(predicted)) == 10
  thinned = binning.scores_and_ious(predicted, 1, most=4)
  assert [score for score, *_ in thinned] == [0.0, 0.3, 0.6, 0.9]


def test_the_largest_confusions_come_first_and_the_diagonal_is_none():
  counts = [[18, 2, 0], [30, 20, 50]]
  found = binning.confusions(counts, ["a", "b"], ["a", "b", "nothing"])
  assert found == [("b", "nothing", 50 / 120, 0.5), ("b", "a", 0.25, 0.3), ("a", "b", 2 / 120, 0.1)]
  assert binning.confusions(counts, ["a", "b"], ["a", "b", "nothing"], most=1) == found[:1]
