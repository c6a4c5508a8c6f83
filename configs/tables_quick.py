r"""Fewer scenes and steps, for `jppf tables --dataset=synthetic --quick`.

jppf train --config=configs/tables_quick.py --workdir=runs/tables_quick
"""

import ml_collections

from jppf_jax_configs import tables_synthetic


def get_config() -> ml_collections.ConfigDict:
  config = tables_synthetic.get_config().unlock()
  config.data.synthetic.update(train=120, validation=24)
  config.phases.main.update(steps=40, warmup=5, drops=(27, 36))
  config.train.checkpoint_every = 40
  return config.lock()
