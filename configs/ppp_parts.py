r"""A part network for Pascal Panoptic Parts: as ppp.py, a part head alone.

The paper has no scores of it; ours: not measured yet.

jppf train --config=configs/ppp_parts.py --workdir=runs/ppp_parts --config.data.manual_dir=DIR
jppf evaluate --workdir=runs/ppp_panoptic --part_workdir=runs/ppp_parts
"""

import ml_collections

from jppf_jax_configs import ppp


def get_config() -> ml_collections.ConfigDict:
  config = ppp.get_config().unlock()
  config.model.heads = ("part",)
  return config.lock()
