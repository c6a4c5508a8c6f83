r"""Generated street scenes for `jppf tables --dataset=synthetic`: nine small networks, three seeds.

All networks start from random weights and see the same scenes; only their heads and labels differ.

jppf train --config=configs/tables_synthetic.py --workdir=runs/tables_synthetic
"""

import ml_collections

from jppf_jax_configs import synthetic


def get_config() -> ml_collections.ConfigDict:
  config = synthetic.get_config().unlock()
  config.data.synthetic = dict(size=(192, 384), train=500, validation=60, seed=2)
  config.phases.main.update(steps=500, learning_rate=1.2e-3, warmup=50, drops=(350, 450))
  config.train.update(checkpoint_every=250, keep=1)
  return config.lock()
