import pytest

from jppf_jax.street_scenes.car_styles import STYLES


def test_shares_of_styles_add_up_to_one():
  assert sum(style.share for style in STYLES.values()) == pytest.approx(1)


@pytest.mark.parametrize("name", STYLES)
def test_profiles_run_from_the_rear_over_the_roof_to_the_front(name):
  forward, up = zip(*STYLES[name].profile)
  assert forward[0] == -0.5 and forward[-1] == 0.5
  assert list(forward) == sorted(forward)
  assert max(up) in up[3:5] and min(up) == up[0] == up[-1]
