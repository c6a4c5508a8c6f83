r"""Generated street scenes for `jppf tables --dataset=synthetic`: nine small networks, three seeds.

As all networks of the paper start from an encoder trained on ImageNet, all start here from the
shipped weights `demo`, which have seen other scenes: from whatever they have of them. They see the
same scenes; only their heads and labels differ.

jppf train --config=configs/tables_synthetic.py --workdir=runs/tables_synthetic
"""

import ml_collections

from jppf_jax_configs import synthetic


def get_config() -> ml_collections.ConfigDict:
  config = synthetic.get_config().unlock()
  config.data.synthetic = dict(size=(192, 384), train=500, validation=60, seed=2)
  config.model.pretrained = "demo"
  config.phases.main.update(steps=200, learning_rate=5e-4, warmup=20, drops=(135, 180))
  config.train.update(checkpoint_every=100, keep=1)
  return config.lock()
