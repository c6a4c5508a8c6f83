r"""Generated street scenes and a small network: `jppf demo`, minutes on two CPU cores.

jppf train --config=configs/demo.py --workdir=runs/demo
"""

import ml_collections

from jppf_jax_configs import cpp


def get_config() -> ml_collections.ConfigDict:
  config = cpp.get_config().unlock()
  config.data.update(
    name="cityscapes_panoptic_parts",  # the scenes are written as official files
    data_dir="runs/data_sets",
    train_size=(192, 384),
    eval_size=(192, 384),
    scale=(0.8, 1.25),
    batch_size=4,
    max_objects=40,
    min_area=12,
    cache=True,
  )
  config.data.synthetic = dict(size=(192, 384), train=48, validation=24, seed=0)
  config.model.update(
    encoder="b0",
    width=0.5,
    fpn_channels=64,
    head_channels=32,
    box_hidden=128,
    mask_channels=64,
    anchor_scale=4.0,  # images have a fifth of the paper's size, so objects are small
    finest_scale=28.0,
    train_proposals=256,
    eval_proposals=128,
  )
  config.sampling.update(anchors=128, regions=64)
  config.detection.max_detections = 40
  config.fusion.min_stuff_area = 72  # 2048 at 1024 x 2048
  config.optimizer.update(name="adamw", weight_decay=1e-2)
  config.model.imagenet = ""
  config.model.pretrained = "demo"  # small weights, made by configs/synthetic.py
  config.phases.main.update(steps=40, learning_rate=1e-4, warmup=10, drops=(30,))
  config.phases.frozen.steps = 0
  # the main phase of `jppf demo --from-scratch`
  config.from_scratch = dict(steps=300, learning_rate=1e-3, warmup=50, drops=(250,))
  config.train.update(log_every=10, checkpoint_every=40)
  return config.lock()
