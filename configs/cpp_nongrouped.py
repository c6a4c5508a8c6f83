r"""As cpp.py, but no class shares its parts with another (Table 3).

Part mIoU of the paper: 65.7; ours: not measured yet. The paper's number may be that of a network
with a part head only: its "Grouped Parts", 74.5, is also in the row "Independent Networks". Part
mIoU is the mean over 24 channels here, over 10 in cpp.py.

jppf train --config=configs/cpp_nongrouped.py --workdir=runs/cpp_nongrouped \
  --config.data.manual_dir=DIR
"""

import ml_collections

from jppf_jax_configs import cpp


def get_config() -> ml_collections.ConfigDict:
  config = cpp.get_config().unlock()
  config.data.labels = "cpp_default"
  return config.lock()
