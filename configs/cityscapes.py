r"""EfficientPS on Cityscapes' own panoptic labels (Table 1): as cpp_panoptic.py, other labels.

PQ of the paper: 63.9; ours: not measured yet. 42.99 M parameters.

jppf train --config=configs/cityscapes.py --workdir=runs/cityscapes --config.data.manual_dir=DIR
"""

import ml_collections

from jppf_jax_configs import cpp_panoptic


def get_config() -> ml_collections.ConfigDict:
  config = cpp_panoptic.get_config().unlock()
  config.data.name = "cityscapes"
  return config.lock()
