import numpy as np
import pytest
from flax import traverse_util

from jppf_jax.checkpoints.pretrained import load_pretrained
from jppf_jax.checkpoints.weights import WeightsError

MODEL = {
  "params": {
    "encoder": {"stem": {"kernel": np.zeros((2, 3))}},
    "semantic_head": {
      "conv": {"kernel": np.zeros(4)},
      "logits": {"kernel": np.zeros((4, 19)), "bias": np.zeros(19)},
    },
    "box_head": {"classes": {"kernel": np.zeros((5, 9))}},
  },
  "batch_stats": {"encoder": {"stem": {"mean": np.zeros(3)}}},
}


def flat(tree):
  return traverse_util.flatten_dict(tree, sep="/")


def ones(tree, **changes):
  return {name: np.ones(leaf.shape, np.float32) for name, leaf in flat(tree).items()} | changes


ONLY_ENCODER = {name: tensor for name, tensor in ones(MODEL).items() if "/encoder/" in name}


def load(found):
  variables, report = load_pretrained(found, MODEL, lambda: MODEL)
  return flat(variables), report


def names_of_ones(variables):
  return {name for name, leaf in variables.items() if (leaf == 1).all()}


def test_a_whole_model_is_loaded_and_nothing_is_initialised():
  variables, report = load_pretrained(ones(MODEL), MODEL, lambda: pytest.fail("initialised"))
  assert names_of_ones(flat(variables)) == flat(MODEL).keys()
  assert report.loaded == {"encoder": 2, "semantic_head": 3, "box_head": 1}
  assert report.fresh == report.ignored == {}


def test_only_the_modules_that_are_chosen_are_taken():
  choice = ("encoder", "fpn")
  variables, report = load_pretrained(ones(MODEL), MODEL, lambda: MODEL, chosen=choice)
  assert names_of_ones(flat(variables)) == ONLY_ENCODER.keys()
  assert report.ignored == report.fresh == {"semantic_head": 3, "box_head": 1}
  others = {name: leaf for name, leaf in ones(MODEL).items() if "/encoder/" not in name}
  with pytest.raises(WeightsError, match="None of encoder is in the weights; they hold params/box"):
    load_pretrained(others, MODEL, lambda: MODEL, chosen=choice)


def test_an_encoder_is_loaded_and_the_rest_is_fresh():
  variables, report = load(ONLY_ENCODER | {"params/classifier/bias": np.ones(7)})
  assert names_of_ones(variables) == ONLY_ENCODER.keys()
  assert variables.keys() == flat(MODEL).keys()
  assert report.loaded == {"encoder": 2}
  assert report.fresh == {"semantic_head": 3, "box_head": 1}
  assert report.ignored == {"classifier": 1}


def test_the_outputs_of_another_taxonomy_start_fresh():
  other = {
    "params/semantic_head/logits/kernel": np.ones((4, 5)),
    "params/semantic_head/logits/bias": np.ones(5),
  }
  variables, report = load(ones(MODEL, **other))
  assert (variables["params/semantic_head/logits/kernel"] == 0).all()
  assert (variables["params/semantic_head/conv/kernel"] == 1).all()
  assert report.fresh == report.ignored == {"semantic_head/logits": 2}


def test_one_output_tensor_of_another_width_makes_its_layer_fresh():
  _, report = load(ones(MODEL, **{"params/semantic_head/logits/bias": np.ones(5)}))
  assert report.fresh == {"semantic_head/logits": 2}


def test_all_that_does_not_fit_is_listed():
  other = {"params/semantic_head/conv/kernel": np.ones(3), "params/encoder/extra": np.ones(2)}
  found = ones(MODEL, **other)
  del found["params/encoder/stem/kernel"]
  with pytest.raises(WeightsError) as error:
    load(found)
  for line in (
    "3 tensors do not fit",
    "missing params/encoder/stem/kernel (2, 3)",
    "left over params/encoder/extra (2,)",
    "params/semantic_head/conv/kernel has shape (3,), the model (4,)",
  ):
    assert line in str(error.value)


@pytest.mark.parametrize(
  "found", [{}, {"conv_stem.weight": np.ones(3)}, {"params/decoder/kernel": np.ones(3)}]
)
def test_weights_without_a_module_of_the_model_are_refused(found):
  with pytest.raises(WeightsError, match="None of box_head, encoder, semantic_head is in the we"):
    load(found)


def test_the_report_reads_as_a_table():
  _, report = load(ONLY_ENCODER)
  assert str(report).splitlines() == [
    "  loaded   encoder (2)",
    "  fresh    box_head (1), semantic_head (3)",
    "  ignored  -",
  ]
