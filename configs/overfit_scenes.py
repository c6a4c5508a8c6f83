r"""Learns four generated scenes by heart, from random weights: does training learn at all?

Eight minutes on two CPU cores. After 792 steps the four scenes score PartPQ 90.8 with joint fusion.

jppf train --config=configs/overfit_scenes.py --workdir=runs/overfit_scenes
jppf evaluate --workdir=runs/overfit_scenes
"""

import ml_collections

from jppf_jax_configs import demo


def get_config() -> ml_collections.ConfigDict:
  config = demo.get_config().unlock()
  config.data.update(
    name="synthetic_panoptic_parts", eval_split="train", scale=(1.0, 1.0), flip=False
  )
  config.data.synthetic.update(train=4, validation=1, seed=3)
  config.model.pretrained = ""
  config.phases.main.update(steps=800, learning_rate=1.5e-3, warmup=50, drops=(560, 720))
  config.train.update(log_every=20, checkpoint_every=200)
  return config.lock()
