"""What a config lacks is filled in; what it has stays."""

import json

import pytest

from jppf_jax import build
from jppf_jax.build import defaults
from jppf_jax.checkpoints import run_folder
from jppf_jax.cli import configs
from jppf_jax_configs import cpp, smoke
from tests import tiny


def test_values_that_are_left_out_are_filled_in_and_the_others_stay():
  config = smoke.get_config()
  with config.unlocked():
    del config["testing"]
    config.fusion = {"box_margin": 1, "fill_void": True}  # an integer for a float
  whole = build.completed(config)
  assert whole.is_locked and set(config.fusion) == {"box_margin", "fill_void"}
  assert whole.fusion.to_dict() == build.optional_values()["fusion"] | {
    "box_margin": 1.0,
    "fill_void": True,
  }
  assert type(whole.fusion.box_margin) is float
  assert whole.testing.to_dict() == {"scales": (1.0,), "flip": False}
  assert whole.data == config.data


def test_values_that_are_made_of_others_still_follow_them():
  whole = build.completed(cpp.get_config())
  before = whole.phases.frozen.steps
  whole.data.batch_size *= 2
  assert before == 3720 and whole.phases.frozen.steps == 1860


def test_a_number_that_may_be_none_can_be_given_and_taken_back():
  config = build.completed(smoke.get_config())
  share = configs.changed(config, ["fusion.min_stuff_relative=0.5"])
  back = configs.changed(share, ["fusion.min_stuff_relative=none"])
  assert (share.fusion.min_stuff_relative, back.fusion.min_stuff_relative) == (0.5, None)


def test_what_came_later_and_what_was_always_there_are_together_all_of_a_config():
  whole = cpp.get_config().to_dict()
  always, later = defaults.of_all_versions(whole), defaults.later_values()
  assert run_folder.filled(always, later) == whole
  assert "losses" not in always and "testing" not in always
  for section in always.keys() & later.keys():
    assert not always[section].keys() & later[section].keys()


def test_a_run_that_stored_only_what_was_always_there_reads_as_if_it_had_stored_all(tmp_path):
  config = tiny.config(tmp_path)
  build.store_run(config, tmp_path)
  whole = build.run_config(tmp_path)
  file = tmp_path / run_folder.CONFIG
  file.write_text(json.dumps(defaults.of_all_versions(json.loads(file.read_text()))))
  found = build.run_config(tmp_path)
  for section, values in defaults.later_values().items():
    for name in values:
      whole[section][name] = values[name]
  assert found == whole
  damaged = json.loads(file.read_text())
  del damaged["model"]["encoder"]
  file.write_text(json.dumps(damaged))
  with pytest.raises(run_folder.RunError, match=r"config\.model\.encoder is missing"):
    build.run_config(tmp_path)


def test_an_image_is_seen_once_or_at_several_scales_and_says_so():
  several = build.MultiScale((0.75, 1.0, 2.0), flip=True)
  assert str(several) == "scales 0.75, 1, 2, mirrored too"
  assert str(build.MultiScale()) == "scale 1"
  assert build.MultiScale().is_single
  assert not build.MultiScale((1.0,), flip=True).is_single
  assert not build.MultiScale((0.5,)).is_single
  with pytest.raises(ValueError, match=r"testing\.scales must be .*got \(9\.0,\)"):
    build.MultiScale((9.0,))
