r"""Trains the small weights that come with the package, `jppf_jax/weights/demo`.

The network of demo.py, on many more generated scenes.

jppf train --config=configs/synthetic.py --workdir=runs/synthetic
"""

import ml_collections

from jppf_jax_configs import demo


def get_config() -> ml_collections.ConfigDict:
  config = demo.get_config().unlock()
  config.data.name = "synthetic_panoptic_parts"
  config.data.synthetic = dict(size=(192, 384), train=1500, validation=100, seed=1)
  config.data.scale = (0.7, 1.4)
  config.model.pretrained = ""
  config.phases.main.update(steps=2_400, learning_rate=1.2e-3, warmup=100, drops=(1_700, 2_200))
  config.phases.frozen.steps = 0
  config.train.update(log_every=25, checkpoint_every=200, weights_dtype="float16")
  return config.lock()
