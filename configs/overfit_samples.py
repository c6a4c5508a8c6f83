r"""Overfits two real street scenes: checks training and scores on files in the official layout.

DIR has at least one scene in the official layout of Cityscapes Panoptic Parts. Training takes 15
minutes on two CPU cores; the score is that of the training scenes.

jppf train --config=configs/overfit_samples.py --workdir=runs/overfit_samples \
  --config.data.manual_dir=DIR
jppf evaluate --config=configs/overfit_samples.py --workdir=runs/overfit_samples
"""

import ml_collections

from jppf_jax_configs import demo


def get_config() -> ml_collections.ConfigDict:
  config = demo.get_config().unlock()
  config.data.update(
    data_dir="runs/overfit_samples_data",
    eval_split="train",
    train_size=(384, 768),
    eval_size=(384, 768),
    scale=(1.0, 1.0),
    flip=False,
    batch_size=1,
    max_objects=100,
    min_area=16,
    cache=True,
  )
  config.detection.max_detections = 100
  config.fusion.min_stuff_area = 288  # 2048 at 1024 x 2048
  config.phases.main.update(steps=700, learning_rate=1e-3, warmup=50, drops=(500, 640))
  config.train.update(log_every=20, checkpoint_every=100)
  return config.lock()
