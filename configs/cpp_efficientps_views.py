r"""As `cpp.py`, with two habits of EfficientPS that ours leaves out (ours: not measured yet).

What no image covers is taught as road, and views without objects are drawn again, so that stuff
alone teaches nothing.

jppf train --config=configs/cpp_efficientps_views.py --workdir=runs/cpp_efficientps_views \
  --config.data.manual_dir=DIR
"""

import ml_collections

from jppf_jax_configs import cpp


def get_config() -> ml_collections.ConfigDict:
  config = cpp.get_config().unlock()
  config.data.update(pad_uid=7, require_object=True)
  return config.lock()
