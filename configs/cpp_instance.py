r"""The instance network of "Independent Networks" (Table 3): as cpp.py, an instance head alone.

AP of the paper: 37.3; ours: not measured yet. 41.78 M parameters.

jppf train --config=configs/cpp_instance.py --workdir=runs/cpp_instance --config.data.manual_dir=DIR
"""

import ml_collections

from jppf_jax_configs import cpp


def get_config() -> ml_collections.ConfigDict:
  config = cpp.get_config().unlock()
  config.model.heads = ("instance",)
  return config.lock()
