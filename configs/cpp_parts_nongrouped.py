r"""As cpp_parts.py, but no class shares its parts with another (Table 3, "Non-Grouped Parts").

Part mIoU of the paper: 65.7, maybe that of cpp_nongrouped.py; ours: not measured yet. Part mIoU is
the mean over 24 channels here, over 10 in cpp_parts.py.

jppf train --config=configs/cpp_parts_nongrouped.py --workdir=runs/cpp_parts_nongrouped \
  --config.data.manual_dir=DIR
"""

import ml_collections

from jppf_jax_configs import cpp_nongrouped


def get_config() -> ml_collections.ConfigDict:
  config = cpp_nongrouped.get_config().unlock()
  config.model.heads = ("part",)
  return config.lock()
