import pytest

from jppf_jax.names import HEADS
from jppf_jax.tables.systems import NETWORKS, SYSTEMS


@pytest.mark.parametrize("name", SYSTEMS)
def test_each_head_of_a_system_comes_from_a_network_that_has_it(name):
  system = SYSTEMS[name]
  for head, network in system.others.items():
    assert head in NETWORKS[network].heads
  assert set(system.networks) <= set(NETWORKS)


@pytest.mark.parametrize("name", ["jppf", "baseline", "independent"])
def test_what_is_fused_has_all_heads(name):
  system = SYSTEMS[name]
  assert {*NETWORKS[system.network].heads, *system.others} == set(HEADS)
