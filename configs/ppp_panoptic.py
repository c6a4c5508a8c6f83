r"""EfficientPS on Pascal Panoptic Parts: as ppp.py, without a part head.

The paper has no scores of it; ours: not measured yet. With ppp_parts.py it is Baseline* for Pascal.

jppf train --config=configs/ppp_panoptic.py --workdir=runs/ppp_panoptic --config.data.manual_dir=DIR
"""

import ml_collections

from jppf_jax_configs import ppp


def get_config() -> ml_collections.ConfigDict:
  config = ppp.get_config().unlock()
  config.model.heads = ("semantic", "instance")
  return config.lock()
