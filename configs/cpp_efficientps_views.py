r"""As cpp.py, with two choices of EfficientPS that cpp.py does not make (ours: not measured yet).

Padding is labelled as road, and a view without objects is replaced by another one.

jppf train --config=configs/cpp_efficientps_views.py --workdir=runs/cpp_efficientps_views \
  --config.data.manual_dir=DIR
"""

import ml_collections

from jppf_jax_configs import cpp


def get_config() -> ml_collections.ConfigDict:
  config = cpp.get_config().unlock()
  config.data.update(pad_uid=7, require_object=True)
  return config.lock()
