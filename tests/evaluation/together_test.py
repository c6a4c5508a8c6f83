"""Networks that were trained apart as one network: predictions, weights, what is refused."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from jppf_jax import build
from jppf_jax.config_rules import ConfigError
from jppf_jax.evaluation import together
from jppf_jax.evaluation.together import Source, Together
from jppf_jax.labels.registry import load_spec
from jppf_jax.model import JPPF
from jppf_jax.structs import Detections, Outputs, Proposals
from tests import tiny

ALL = ("semantic", "part", "instance")


class Constant(JPPF):
  """Predicts one number everywhere, with the heads that it has."""

  number: float = 0.0

  def __call__(self, image, sample_regions=None, *, train, covered=None):
    assert not train and covered.shape == (len(image), 2)

    def logits(head, channels):
      return jnp.full((1, 2, 2, channels if head in self.heads else 0), self.number)

    fields = (1, 1, 4), (1, 1), (1, 1), (1, 1, 28, 28), (1, 1)
    kinds = jnp.float32, jnp.int32, jnp.float32, jnp.float32, bool
    arrays = [jnp.full(shape, self.number, kind) for shape, kind in zip(fields, kinds)]
    found = proposals = None
    if "instance" in self.heads:
      found, proposals = Detections(*arrays), Proposals(arrays[0], arrays[2], arrays[4])
    heads = logits("semantic", 3), logits("part", 5)
    return Outputs(*heads, proposals=proposals, detections=found)


def network(number, heads):
  exists = nn.Dense(1)
  return Constant(*[exists] * 7, number=number).with_heads(heads)


@pytest.mark.parametrize(
  "heads", [[("semantic", "instance"), ("part",)], [("part",), ("instance",), ("semantic",)], [ALL]]
)
def test_each_prediction_is_that_of_the_network_with_the_head(heads):
  networks = tuple(network(float(place), names) for place, names in enumerate(heads))
  whole = Together(networks)
  assert whole.heads == ALL
  image, covered = np.zeros((1, 32, 32, 3), np.uint8), np.int32([[32, 32]])
  found = whole.apply({}, image, train=False, covered=covered)
  place = {head: k for k, names in enumerate(heads) for head in names}
  assert (found.semantic == place["semantic"]).all() and found.semantic.shape[-1] == 3
  assert (found.part == place["part"]).all() and found.part.shape[-1] == 5
  assert (found.detections.scores == place["instance"]).all()
  assert (found.proposals.scores == place["instance"]).all()


def test_weights_are_those_of_the_heads_that_are_used(tiny_run):
  weights = tiny_run.workdir / build.RUN_WEIGHTS
  alone = together.load(tiny_run.config, weights)
  both = together.load(tiny_run.config, weights, {"part": Source(tiny_run.config, weights)})
  assert isinstance(both.model, Together) and both.model.heads == ALL
  first, second = (both.variables["params"][f"networks_{k}"] for k in (0, 1))
  assert first.keys() == alone.variables["params"].keys() - {"part_head"}
  assert second.keys() == {"encoder", "fpn", "part_head"}
  part = alone.variables["params"]["part_head"]
  jax.tree.map(np.testing.assert_array_equal, second["part_head"], part)


def changed(folder, **values):
  return Source(tiny.config(folder, **{k.replace("__", "."): v for k, v in values.items()}), folder)


@pytest.mark.parametrize(
  "values, words",
  [
    ({"model__heads": ("semantic",)}, "has no part head; it has semantic"),
    ({"data__labels": "ppp"}, "the classes of ppp, the other network for those of cpp_grouped"),
    ({"data__eval_size": (64, 64)}, "64 x 64, the other network at 64 x 128; give both one size"),
    ({"model__pixel_mean": (1.0, 2.0, 3.0)}, r"has the pixel_mean \(1.0, 2.0, 3.0\)"),
    ({"model__pixel_std": (1.0, 2.0, 3.0)}, r"has the pixel_std \(1.0, 2.0, 3.0\)"),
    ({"model__legacy": False}, "has the legacy False, the other network True"),
  ],
)
def test_networks_that_do_not_fit_are_refused_in_a_sentence_before_weights_are_read(
  tmp_path, values, words
):
  config = tiny.config(tmp_path)
  with pytest.raises(ConfigError, match=words) as error:
    together.load(config, tmp_path / "missing", {"part": changed(tmp_path, **values)})
  assert "\n" not in str(error.value)


@pytest.mark.parametrize("num_stuff, shift", [(11, 50), (10, 0)])
def test_classes_of_equal_names_with_other_ids_or_as_things_are_others(tmp_path, num_stuff, shift):
  spec = load_spec("cpp_grouped")
  ids = zip(spec.class_names, (spec.class_ids + shift).tolist())
  classes = [(name, {"id": sid, "color": [sid, 0, 0]}) for name, sid in ids]
  content = {"stuff": dict(classes[:num_stuff]), "things": dict(classes[num_stuff:])}
  (tmp_path / "own.yaml").write_text(json.dumps(content))
  others = {"semantic": changed(tmp_path, data__labels=str(tmp_path / "own.yaml"))}
  with pytest.raises(ConfigError, match="need the same classes"):
    together.load(tiny.config(tmp_path), tmp_path / "missing", others)


def test_void_can_be_filled_if_one_of_the_networks_has_a_part_head(tmp_path, monkeypatch):
  monkeypatch.setattr(together, "_variables", lambda *_: {"params": {}})
  monkeypatch.setattr(together, "_narrowed", lambda variables, model: variables)
  config = changed(tmp_path, model__heads=("semantic", "instance"), fusion__fill_void=True).config

  def load(*heads):
    return together.load(config, tmp_path, {head: changed(tmp_path) for head in heads})

  for heads in ((), ("semantic",)):
    with pytest.raises(ConfigError, match="fill_void needs a part head"):
      load(*heads)
  assert load("part").model.heads == ALL
  assert len(load("part").model.networks) == 2
  assert len(load(*ALL).model.networks) == 3  # the first one has nothing to say


def test_a_part_network_may_have_its_own_parts(tmp_path, monkeypatch):
  monkeypatch.setattr(together, "_variables", lambda *_: {"params": {}})
  monkeypatch.setattr(together, "_narrowed", lambda variables, model: variables)
  other = changed(tmp_path, data__labels="cpp_default")
  found = together.load(tiny.config(tmp_path), tmp_path, {"part": other})
  assert found.inference.spec.name == "cpp_default"
