from jppf_jax.labels.ppp import ppp


def test_ppp_names_are_those_of_their_ids():
  spec = ppp()  # the reference prints the names of 26 of these rows wrongly
  by_id = dict(zip(spec.class_ids.tolist(), spec.class_names))
  assert by_id[15] == "person" and by_id[24] == "bedclothes" and by_id[25] == "bench"
  assert by_id[43] == "curtain" and by_id[99] == "wood"


def test_occurrences_of_ppp_parts_are_folded_exactly_once():
  pids = ppp().sid_pid_to_pid
  # engines stay engines, wheels do not become engines
  assert pids[1, [6, 15, 16, 25]].tolist() == [2, 2, 5, 5]
  # car door, wheel, light, window
  assert pids[7, [10, 19, 20, 29, 30, 39, 40, 59]].tolist() == [5, 5, 2, 2, 3, 3, 1, 1]
  assert pids[15, [10, 11, 12, 13, 14, 24]].tolist() == [1, 2, 2, 3, 4, 5]
  assert pids[[2, 14, 3], 0].tolist() == [2, 2, 0]  # unlabelled bicycles and motorbikes are body
