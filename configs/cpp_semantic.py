r"""The semantic network of "Independent Networks" (Table 3): as cpp.py, a semantic head alone.

Semantic mIoU of the paper: 78.1; ours: not measured yet. 27.91 M parameters.

jppf train --config=configs/cpp_semantic.py --workdir=runs/cpp_semantic --config.data.manual_dir=DIR
jppf evaluate --workdir=runs/cpp_semantic --instance_workdir=runs/cpp_instance \
  --part_workdir=runs/cpp_parts

The second command scores the three independent networks, before fusion and fused.
"""

import ml_collections

from jppf_jax_configs import cpp


def get_config() -> ml_collections.ConfigDict:
  config = cpp.get_config().unlock()
  config.model.heads = ("semantic",)
  return config.lock()
