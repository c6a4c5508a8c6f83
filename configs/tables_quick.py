r"""Scenes for `jppf tables --dataset=synthetic --quick`: smaller scenes, smaller networks.

jppf train --config=configs/tables_quick.py --workdir=runs/tables_quick
"""

import ml_collections

from jppf_jax_configs import tables_synthetic


def get_config() -> ml_collections.ConfigDict:
  config = tables_synthetic.get_config().unlock()
  config.data.synthetic.update(size=(96, 192), train=200, validation=40)
  config.data.update(train_size=(96, 192), eval_size=(96, 192), min_area=8)
  config.model.update(depth=0.25, fpn_channels=32, box_hidden=64, mask_channels=32)
  config.model.update(anchor_scale=2.0, finest_scale=14.0)
  config.fusion.min_stuff_area = 18  # 2048 at 1024 x 2048
  config.phases.main.update(steps=200, warmup=20, drops=(140, 180))
  config.train.checkpoint_every = 200
  return config.lock()
