import sys
import types

import pytest

from jppf_jax.checkpoints import hub
from jppf_jax.checkpoints.weights import WeightsError


def client(monkeypatch, snapshot_download):
  module = types.ModuleType("huggingface_hub")
  module.snapshot_download = snapshot_download
  monkeypatch.setitem(sys.modules, "huggingface_hub", module)


def test_without_the_client_the_message_says_what_to_install(monkeypatch):
  monkeypatch.setitem(sys.modules, "huggingface_hub", None)  # an import error
  with pytest.raises(WeightsError, match=r"no folder we/model here.*install.*'jppf_jax\[hub\]'"):
    hub.fetch("we/model", ["config.json"])


def test_only_the_files_of_a_model_are_fetched(monkeypatch, tmp_path):
  asked = []

  def snapshot_download(name, *, allow_patterns):
    asked.append((name, allow_patterns))
    return str(tmp_path)

  client(monkeypatch, snapshot_download)
  assert hub.fetch("we/model", ("config.json", "*.yaml")) == tmp_path
  assert asked == [("we/model", ["config.json", "*.yaml"])]


@pytest.mark.parametrize("error", [OSError("no network:\nlong"), KeyError(), ValueError("404.")])
def test_any_failure_of_the_client_is_one_sentence(monkeypatch, error):
  def snapshot_download(*_, **__):
    raise error

  client(monkeypatch, snapshot_download)
  reason = {OSError: "no network", KeyError: "KeyError", ValueError: "404"}[type(error)]
  with pytest.raises(WeightsError, match=rf"^we/model is no folder here, .* hub: {reason}\.$"):
    hub.fetch("we/model", [])
