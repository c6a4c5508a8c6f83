import pickle

import jax
import numpy as np
import pytest

from jppf_jax.config_rules import ConfigError
from jppf_jax.training import hosts


def test_a_process_says_where_the_first_one_is_and_which_it_is(monkeypatch):
  asked = []
  monkeypatch.setattr(jax.distributed, "initialize", lambda *given, **more: asked.append(given))
  hosts.join("10.0.0.1:1234", 4, 3)
  hosts.join()
  assert asked == [("10.0.0.1:1234", 4, 3), (None, None, None)]


@pytest.mark.parametrize(
  ("given", "message"),
  [
    (("10.0.0.1:1234", 4, None), "all three; got 10.0.0.1:1234, 4, None"),
    ((None, 4, 0), "all three"),
    (("10.0.0.1:1234", 4, 4), "from 0 to --num_processes - 1; got 4 of 4"),
    (("10.0.0.1:1234", 4, -1), "got -1 of 4"),
    (("localhost", 2, 0), "HOST:PORT, the address of the first process; got 'localhost'"),
    (("localhost:", 2, 0), "got 'localhost:'"),
  ],
)
def test_what_is_missing_or_impossible_is_said(given, message, monkeypatch):
  monkeypatch.setattr(
    jax.distributed, "initialize", lambda *given, **more: pytest.fail("was asked")
  )
  with pytest.raises(ConfigError, match=message):
    hosts.join(*given)


@pytest.mark.parametrize("given", [(None, None, None), ("10.0.0.1:1234", 2, 1)])
def test_who_finds_nobody_says_where_it_looked(given, monkeypatch):
  def fail(*given, **more):
    raise RuntimeError("deadline exceeded\nand more")

  monkeypatch.setattr(jax.distributed, "initialize", fail)
  with pytest.raises(ConfigError) as caught:
    hosts.join(*given)
  assert (given[0] or "no cluster") in str(caught.value)
  assert str(caught.value).endswith("deadline exceeded")


@pytest.mark.parametrize("first", [False, True])
def test_all_processes_have_the_value_of_the_first(first, monkeypatch):
  assert hosts.of_first_process(first) is first
  monkeypatch.setattr(jax, "process_count", lambda: 2)
  monkeypatch.setattr(
    hosts.multihost_utils, "broadcast_one_to_all", lambda value: np.full_like(value, first)
  )
  assert hosts.of_first_process(not first) is first


def test_all_processes_get_what_each_has_in_their_order(monkeypatch):
  values = [{"few": 1}, {"more": ["a", 2.5] * 9}]
  assert hosts.gathered(values[1]) == [values[1]]
  pickled = [np.frombuffer(pickle.dumps(value), np.uint8) for value in values]
  longest = max(x.size for x in pickled)

  def allgather(own):
    if own.ndim == 0:
      return np.array([x.size for x in pickled])
    assert own.shape == (longest,)
    return np.stack([np.pad(x, (0, longest - x.size)) for x in pickled])

  monkeypatch.setattr(jax, "process_count", lambda: 2)
  monkeypatch.setattr(hosts.multihost_utils, "process_allgather", allgather)
  assert hosts.gathered(values[0]) == hosts.gathered(values[1]) == values


def test_alone_errors_are_raised_as_always(monkeypatch):
  monkeypatch.setattr(hosts, "leave", lambda *given: pytest.fail("left"))
  with pytest.raises(jax.errors.JaxRuntimeError), hosts.together(dict):
    raise jax.errors.JaxRuntimeError("out of memory")
  with hosts.together(dict):
    pass


def test_who_cannot_reach_the_others_leaves_with_a_message(monkeypatch, capsys):
  calls = []
  monkeypatch.setattr(jax, "process_count", lambda: 2)
  monkeypatch.setattr(hosts, "leave", calls.append)
  with hosts.together(lambda: calls.append("closed")):
    raise jax.errors.JaxRuntimeError("Connection closed\nand much more")
  assert calls == ["closed", 1]
  lines = capsys.readouterr().err.splitlines()
  assert lines[0] == "Process 0 cannot go on: Connection closed"
  assert "goes on from the last checkpoint" in lines[1]
