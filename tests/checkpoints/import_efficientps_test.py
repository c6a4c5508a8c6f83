"""Names, shapes and places of tensors; `import_efficientps_parity_test` tests the numbers."""

import functools
import json
import operator
import zlib
from pathlib import Path

import jax
import numpy as np
import pytest

from jppf_jax import build
from jppf_jax.checkpoints.import_efficientps import convert
from jppf_jax.checkpoints.torch_file import read_state_dict
from jppf_jax.checkpoints.weights import WeightsError
from jppf_jax_configs import cpp
from tests.checkpoints.torch_files import save_zip

# of the published network, with a part head
NAMES = Path(__file__).parents[1] / "goldens/efficientps_names.json"


def mark(name):
  """A number that differs from tensor to tensor."""
  return np.float32(zlib.crc32(name.encode()) % 1_000_003)


def tensor(name, shape):
  """A tensor that is full of its own mark."""
  if name.endswith("num_batches_tracked"):
    return np.array(5, np.int64)
  return np.full(shape, mark(name))


def leaf(tree, path):
  return functools.reduce(operator.getitem, path.split("/"), tree)


@pytest.fixture(scope="module")
def shapes():
  names = json.loads(NAMES.read_text())
  return {name: tuple(shape) for name, shape in names.items()}


@pytest.fixture(scope="module")
def template():
  config = cpp.get_config()
  return build.variable_shapes(build.model(config, build.label_spec(config)))


@pytest.fixture(scope="module")
def checkpoint(shapes, tmp_path_factory):
  """A file of full size in the format of the public code."""
  content = {
    "meta": {"CLASSES": ("person", "rider"), "epoch": 160},
    "state_dict": {name: tensor(name, shape) for name, shape in shapes.items()},
    "optimizer": {},
  }
  path = tmp_path_factory.mktemp("efficientps") / "model.pth"
  save_zip(path, content)
  return path


@pytest.fixture(scope="module")
def imported(checkpoint, template):
  return convert(read_state_dict(checkpoint), template, part_head="part_head")


def test_all_tensors_of_a_checkpoint_of_full_size_are_used(imported, template, shapes):
  counters = [name for name in shapes if name.endswith("num_batches_tracked")]
  assert imported.used + len(counters) == len(shapes) == 1064 + 230
  assert imported.skipped == {"counters of batches": sorted(counters)}
  found = jax.tree.map(lambda x: (x.shape, x.dtype), imported.variables)
  assert found == jax.tree.map(lambda x: (x.shape, x.dtype), template)


PLACES = {
  "params/encoder/stage5_block8/project/conv/kernel": "backbone.blocks.5.8.conv_pwl.weight",
  "batch_stats/encoder/head/norm/var": "backbone.bn2.running_var",
  "params/fpn/top_down_32/conv/kernel": "neck.lateral_convs_top.3.conv.weight",
  "params/fpn/bottom_up_32/conv/kernel": "neck.lateral_convs_bottom.0.conv.weight",
  "params/fpn/out_8/norm/scale": "neck.fpn_convs.1.bn.weight",
  "params/rpn_head/deltas/kernel": "rpn_head.rpn_reg.weight",
  "params/box_head/hidden0/kernel": "bbox_head.shared_fcs.0.weight",
  "params/box_head/classes/bias": "bbox_head.fc_cls.bias",
  "params/mask_head/upsample/kernel": "mask_head.upsample.weight",
  "batch_stats/mask_head/conv3/pointwise_norm/mean": (
    "mask_head.convs.3.pointwise_conv.bn.running_mean"
  ),
  "params/semantic_head/context_32/rate_6_3/depthwise/kernel": (
    "semantic_head.lateral_convs_ss.0.convs.4.depthwise_conv.conv.weight"
  ),
  "params/semantic_head/context_16/merge/conv/kernel": (
    "semantic_head.lateral_convs_ss.1.conv.conv.weight"
  ),
  "params/semantic_head/detail_4/conv0/pointwise/kernel": (
    "semantic_head.lateral_convs_ls.1.convs.0.pointwise_conv.conv.weight"
  ),
  "params/part_head/correct_16_8/conv1/depthwise_norm/bias": (
    "part_head.aligning_convs.0.convs.1.depthwise_conv.bn.bias"
  ),
  "params/part_head/logits/kernel": "part_head.conv_logits.weight",
}


@pytest.mark.parametrize("ours", PLACES)
def test_a_tensor_goes_to_its_place(imported, ours):
  assert (leaf(imported.variables, ours) == mark(PLACES[ours])).all()


def test_without_a_part_head_its_tensors_are_left_over(checkpoint, template):
  found = read_state_dict(checkpoint)
  with pytest.raises(WeightsError, match="left over part_head.conv_logits.bias") as error:
    convert(found, template)
  # 230 tensors of the part head, 38 of them counters
  assert "0 missing, 192 left over and 0 of another shape" in str(error.value)


def test_a_checkpoint_without_a_part_head_gives_all_other_modules(checkpoint, template):
  found = read_state_dict(checkpoint)
  panoptic = {name: value for name, value in found.items() if not name.startswith("part_head.")}
  assert len(panoptic) == 1064
  params = convert(panoptic, template).variables["params"]
  assert params.keys() == template["params"].keys() - {"part_head"}


def test_a_part_head_may_have_any_name(checkpoint, template):
  original = read_state_dict(checkpoint)
  found = {name.replace("part_head.", "parts."): value for name, value in original.items()}
  assert "part_head" in convert(found, template, part_head="parts").variables["params"]
  with pytest.raises(WeightsError, match="missing part_head.conv_logits.weight"):
    convert(found, template, part_head="part_head")


def test_every_missing_extra_or_misshapen_tensor_is_listed(checkpoint, template):
  found = read_state_dict(checkpoint)
  del found["neck.fpn_convs.2.bn.bias"], found["rpn_head.rpn_cls.weight"]
  found |= {"bbox_head.fc_cls.weight": np.zeros((21, 1024)), "mask_head.more": np.zeros(2)}
  with pytest.raises(WeightsError) as error:
    convert(found, template, part_head="part_head")
  for line in (
    "missing neck.fpn_convs.2.bn.bias (256,)",
    "missing rpn_head.rpn_cls.weight (3, 256, 1, 1)",
    "left over mask_head.more (2,)",
    "bbox_head.fc_cls.weight has shape (21, 1024), expected (9, 1024)",
    "2 missing, 1 left over and 1 of another shape, of 1082",
  ):
    assert line in str(error.value)
