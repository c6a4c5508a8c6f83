r"""The part network of Baseline* and of "Independent Networks": as cpp.py, a part head alone.

Part mIoU of the paper: 74.5 (Tables 2 and 3); ours: not measured yet. 27.91 M parameters.

jppf train --config=configs/cpp_parts.py --workdir=runs/cpp_parts --config.data.manual_dir=DIR
jppf evaluate --workdir=runs/cpp_panoptic --part_workdir=runs/cpp_parts

The second command scores Baseline*: PartPQ of the paper 57.7, 68.8 M parameters. The paper counts
40.89 M for its panoptic network, its code and ours 42.99 M: together 70.90 M.
"""

import ml_collections

from jppf_jax_configs import cpp


def get_config() -> ml_collections.ConfigDict:
  config = cpp.get_config().unlock()
  config.model.heads = ("part",)
  return config.lock()
