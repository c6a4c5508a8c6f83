r"""Pascal Panoptic Parts, the paper's other dataset (Table 2).

PartPQ of the paper: 32.3, with top-down merging 29.0; ours: not measured yet.

jppf train --config=configs/ppp.py --workdir=runs/ppp --config.data.manual_dir=DIR \
  --config.model.pretrained=b5.safetensors

The ImageNet weights are those of cpp.py. The paper trains on four large GPUs.
"""

import ml_collections

from jppf_jax_configs import cpp


def get_config() -> ml_collections.ConfigDict:
  config = cpp.get_config().unlock()
  config.data.update(
    name="pascal_panoptic_parts",
    train_size=(384, 512),  # Sec. 4; most photos are 375 x 500 or 500 x 375
    eval_size=(512, 512),  # the same long side, for landscape and portrait photos
    batch_size=32,
  )
  config.fusion.min_stuff_area = 192  # 2048 at 1024 x 2048
  config.phases.main.learning_rate = 0.01
  config.phases.frozen.steps = cpp.epochs(10, images=4_998, config=config)
  return config.lock()
