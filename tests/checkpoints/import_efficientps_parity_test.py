"""Our modules with the weights of an EfficientPS checkpoint compute what EfficientPS computes.

`parity.py` says what is compared. Mistakes in the import must exceed the tolerance by far.
"""

import dataclasses
import functools
import json
from collections.abc import Callable
from typing import Any

import jax
import jax.flatten_util
import numpy as np
import pytest

from jppf_jax import build
from jppf_jax.checkpoints import import_efficientps, torch_file
from jppf_jax.checkpoints.weights import WeightsError
from jppf_jax.encoder.efficientnet import EfficientNet
from jppf_jax.labels.registry import load_spec
from jppf_jax.model import JPPF
from jppf_jax_configs import cpp
from tests.checkpoints import parity
from tests.checkpoints.parity import MODULES, Example, State, errors, template

TOLERANCE = 1e-4  # of `relative_error`, in float32


@pytest.fixture(scope="module")
def golden() -> Example:
  return parity.golden_example()


@pytest.fixture(
  scope="module", params=[parity.golden_example, parity.live_example], ids=["golden", "live"]
)
def example(request) -> Example:
  return request.param()


def assert_within_tolerance(measured: dict[str, float]) -> None:
  assert all(error <= TOLERANCE for error in measured.values()), measured


@pytest.mark.parametrize("module", MODULES)
def test_a_module_computes_what_the_reference_computes(example, module):
  found = MODULES[module](example)
  assert_within_tolerance(errors(found, example))


def test_the_network_computes_what_the_reference_computes(golden):
  assert_within_tolerance(errors(parity.from_image(golden), golden))


def swapped(first: str, second: str) -> Callable[[State], State]:
  """Returns a mistake: two modules are mixed up."""

  def other(name: str) -> str:
    return name.replace(first, second) if first in name else name.replace(second, first)

  return lambda state: {name: state[other(name)] for name in state}


def changed(name: str, function: Callable[[np.ndarray], np.ndarray]) -> Callable[[State], State]:
  """Returns a mistake: one tensor is changed."""
  return lambda state: state | {name: function(state[name])}


def small_encoder_epsilon(state: State) -> State:
  """Gives weights and variances that have, with an epsilon of 1e-3, the effect of 1e-5."""
  less = 1e-3 - 1e-5
  result = dict(state)
  for name in state:
    if name.startswith("backbone") and name.endswith(".running_var"):
      weight = name.replace(".running_var", ".weight")
      sign, size = np.sign(state[weight]), np.abs(state[weight])
      result[weight] = sign * (size - less)
      result[name] = state[name] - less
  return result


def plain_norms(state: State) -> State:
  """Gives kernels and means of opposite sign if the weight of the norm is negative.

  That is the effect of a plain batch norm, which uses the weight with its sign.
  """
  result = dict(state)
  for name in state:
    if name.endswith(".bn.weight"):
      kernel, mean = name.replace(".bn.", ".conv."), name.replace(".weight", ".running_mean")
      sign = np.sign(state[name])
      result[kernel] = state[kernel] * sign[:, None, None, None]
      result[mean] = state[mean] * sign
  return result


def semantic_features_in_part_head(state: State) -> State:
  sources = {name: name.replace("part", "semantic") for name in state if ".convs." in name}
  return state | {name: state[source] for name, source in sources.items()}


def rows_first(kernel: np.ndarray) -> np.ndarray:
  rows = kernel.reshape(len(kernel), -1, 7, 7).transpose(0, 2, 3, 1)
  return rows.reshape(kernel.shape)


def coarse_levels_first(kernel: np.ndarray) -> np.ndarray:
  levels = kernel.reshape(len(kernel), 4, -1)
  return levels[:, ::-1].reshape(kernel.shape)


def coordinates_first(kernel: np.ndarray) -> np.ndarray:
  by_owner = kernel.reshape(-1, 4, *kernel.shape[1:])
  return by_owner.swapaxes(0, 1).reshape(kernel.shape)


def flipped(kernel: np.ndarray) -> np.ndarray:
  return kernel[:, :, ::-1, ::-1]


def transposed(kernel: np.ndarray) -> np.ndarray:
  return kernel.swapaxes(2, 3)


CONTEXT = "convs_ss.1.convs"
BOTTOM_UP = "neck.lateral_convs_bottom"
MISTAKES = {
  "epsilon 1e-5 in the encoder": ("encoder", small_encoder_epsilon),
  "stage 0: norms in another order": ("encoder", swapped("blocks.0.1.bn1", "blocks.0.1.bn2")),
  "fine bottom-up laterals in another order": ("fpn", swapped(f"{BOTTOM_UP}.1", f"{BOTTOM_UP}.2")),
  "signed norm weights in the FPN": ("fpn", plain_norms),
  "signed norm weights in the mask head": ("mask", plain_norms),
  "context: strides in another order": ("semantic", swapped("convs_ss.0", "convs_ss.1")),
  "detail: strides in another order": ("semantic", swapped("convs_ls.0", "convs_ls.1")),
  "correction: strides in another order": ("part", swapped("aligning_convs.0", "aligning_convs.1")),
  "logits: coarse levels first": (
    "semantic",
    changed("semantic_head.conv_logits.weight", coarse_levels_first),
  ),
  "context: rates in another order": ("context", swapped(f"{CONTEXT}.1", f"{CONTEXT}.2")),
  "context: wide rates in another order": ("context", swapped(f"{CONTEXT}.2", f"{CONTEXT}.3")),
  "context: last rate read first": ("context", swapped(f"{CONTEXT}.3", f"{CONTEXT}.4")),
  "part head with the semantic head's features": ("part", semantic_features_in_part_head),
  "anchors slower than coordinates": ("rpn", changed("rpn_head.rpn_reg.weight", coordinates_first)),
  "hidden layer that reads rows first": (
    "box",
    changed("bbox_head.shared_fcs.0.weight", rows_first),
  ),
  "classes slower than coordinates": ("box", changed("bbox_head.fc_reg.weight", coordinates_first)),
  "flipped transposed convolution": ("mask", changed("mask_head.upsample.weight", flipped)),
  "depthwise kernels transposed": (
    "mask",
    changed("mask_head.convs.3.depthwise_conv.conv.weight", transposed),
  ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_exceeds_the_tolerance_tenfold(golden, mistake):
  module, change = MISTAKES[mistake]
  mistaken = dataclasses.replace(golden, state=change(golden.state))
  measured = errors(MODULES[module](mistaken), golden)
  assert max(measured.values()) > 10 * TOLERANCE


def test_roi_align_shifted_by_half_a_cell_exceeds_the_tolerance_tenfold(golden):
  measured = errors(parity.regions(golden, legacy=False), golden)
  assert min(measured.values()) > 10 * TOLERANCE


def test_bottom_up_laterals_from_fine_to_coarse_are_refused(golden):
  state = golden.state
  for first, second in ((0, 3), (1, 2)):
    state = swapped(f"{BOTTOM_UP}.{first}", f"{BOTTOM_UP}.{second}")(state)
  message = r"lateral_convs_bottom\.0\.conv\.weight has shape \(16, 8, 1, 1\)"
  with pytest.raises(WeightsError, match=message):
    _ = dataclasses.replace(golden, state=state).variables


def paper_model() -> JPPF:
  return build.model(cpp.get_config(), load_spec("cpp_grouped"))


def paper_names() -> dict[str, tuple[int, ...]]:
  """Names and shapes of a checkpoint at full size, with a part head."""
  names = json.loads((parity.GOLDENS / "efficientps_names.json").read_text())
  return {name: tuple(shape) for name, shape in names.items()}


@pytest.mark.parametrize(("part_head", "tensors"), [(None, 1064), ("part_head", 1294)])
def test_every_tensor_of_a_checkpoint_at_full_size_has_its_place(part_head, tensors):
  names = paper_names()
  if part_head is None:
    names = {name: shape for name, shape in names.items() if not name.startswith("part_head")}
  blank = {name: np.broadcast_to(np.float32(0), shape) for name, shape in names.items()}
  imported = import_efficientps.convert(blank, template(paper_model()), part_head=part_head)
  skipped = sum(map(len, imported.skipped.values()))
  assert imported.used + skipped == len(names) == tensors
  assert ("part_head" in imported.variables["params"]) == bool(part_head)


def test_a_file_at_full_size_computes_what_the_reference_computes(tmp_path):
  torch = pytest.importorskip("torch")
  from tests.torch_reference import examples
  from tests.torch_reference.network import Sizes

  net = examples.random_network(Sizes(parts=10), seed=5)
  assert {name: tuple(value.shape) for name, value in net.state_dict().items()} == paper_names()
  assert sum(value.numel() for value in net.parameters()) == 44_190_674
  path = tmp_path / "latest.pth"
  torch.save({"meta": {"epoch": 160}, "state_dict": net.state_dict(), "optimizer": {}}, path)
  image, boxes = examples.random_input((64, 64), batch=1, boxes=2, seed=6)
  arrays = examples.run(net, image, boxes, context=(8, 8))
  example = Example(paper_model(), torch_file.read_state_dict(path), arrays)
  assert_within_tolerance(errors(parity.from_image(example), example))


def test_a_training_step_has_the_gradient_and_the_statistics_of_the_reference():
  """Gradients and statistics are imported like weights, so each tensor goes to its place.

  Gradients are compared as one vector. The gradient of a bias in front of a norm is zero except for
  rounding, and a single kernel's can be 1e-2 off where rounding changes a sign in front of a leaky
  ReLU. The vectors differ by 2e-6 here; 2e-4 has been measured.
  """
  pytest.importorskip("torch")
  from tests.torch_reference import examples
  from tests.torch_reference.network import Sizes

  widths = dict(fpn=8, semantic=8, hidden=16, classes=3, things=2, parts=0)
  stages = ((8, 1), (8, 1), (8, 1), (8, 1), (8, 1), (16, 1), (16, 1))
  sizes = Sizes(stem=8, stages=stages, head=64, finest_scale=parity.FINEST_SCALE, **widths)
  net = examples.random_network(sizes, seed=8)
  before = {name: value.copy() for name, value in examples.state_of(net).items()}
  image, boxes = examples.random_input((128, 96), batch=2, boxes=4, seed=9)
  model = parity.network(EfficientNet("b0", width=0.05, depth=0.1), **widths)

  def imported(state: State) -> Any:
    return import_efficientps.convert(state, template(model)).variables

  weights, gradients, after = examples.train_step(net, image, boxes, seed=10)

  @functools.partial(jax.grad, has_aux=True)
  def gradient(params, batch_stats, image, boxes):
    variables = {"params": params, "batch_stats": batch_stats}
    found, updated = parity.outputs_of(model, variables, image, boxes, train=True)
    losses = [(weight * found[name]).mean() for name, weight in weights.items()]
    return sum(losses), updated["batch_stats"]

  start = imported(before)
  with jax.default_matmul_precision("highest"):
    ours, stats = jax.jit(gradient)(
      start["params"], start["batch_stats"], image, parity.to_our_boxes(boxes)
    )
  theirs = imported(after | gradients)["params"]
  found, expected = (jax.flatten_util.ravel_pytree(tree)[0] for tree in (ours, theirs))
  assert np.linalg.norm(found - expected) < 1e-3 * np.linalg.norm(expected)
  measured = jax.tree.map(parity.relative_error, stats, imported(after)["batch_stats"])
  assert max(jax.tree.leaves(measured)) <= TOLERANCE
