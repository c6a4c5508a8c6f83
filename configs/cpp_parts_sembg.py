r"""As cpp_parts.py, but each class without parts has its own background (Table 3, SemBG).

Part mIoU of the paper: 75.6, maybe that of cpp_sembg.py; ours: not measured yet.

jppf train --config=configs/cpp_parts_sembg.py --workdir=runs/cpp_parts_sembg \
  --config.data.manual_dir=DIR
"""

import ml_collections

from jppf_jax_configs import cpp_sembg


def get_config() -> ml_collections.ConfigDict:
  config = cpp_sembg.get_config().unlock()
  config.model.heads = ("part",)
  return config.lock()
