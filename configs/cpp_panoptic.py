r"""EfficientPS* (Table 1): as cpp.py, without a part head.

PQ of the paper: 62.2; ours: not measured yet. 42.99 M parameters. With cpp_parts.py it is Baseline*
of Table 2.

jppf train --config=configs/cpp_panoptic.py --workdir=runs/cpp_panoptic --config.data.manual_dir=DIR
"""

import ml_collections

from jppf_jax_configs import cpp


def get_config() -> ml_collections.ConfigDict:
  config = cpp.get_config().unlock()
  config.model.heads = ("semantic", "instance")
  return config.lock()
