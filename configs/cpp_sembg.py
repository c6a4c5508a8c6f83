r"""As cpp.py, but each class without parts has its own background (Table 3, SemBG).

Part mIoU of the paper: 75.6; ours: not measured yet. The part head has 9 + 14 outputs. Part mIoU
counts all backgrounds as one, as in cpp.py.

jppf train --config=configs/cpp_sembg.py --workdir=runs/cpp_sembg --config.data.manual_dir=DIR
"""

import ml_collections

from jppf_jax_configs import cpp


def get_config() -> ml_collections.ConfigDict:
  config = cpp.get_config().unlock()
  config.data.labels = "cpp_grouped_sembg"
  return config.lock()
