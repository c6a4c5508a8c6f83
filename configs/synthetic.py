r"""The small weights that the package ships (`jppf_jax/weights/demo.safetensors`): the demo's network, many scenes.

jppf train --config=configs/synthetic.py --workdir=runs/synthetic
"""

import ml_collections

from jppf_jax_configs import demo


def get_config() -> ml_collections.ConfigDict:
  config = demo.get_config().unlock()
  config.data.name = "synthetic_panoptic_parts"
  config.data.synthetic = dict(size=(192, 384), train=1600, validation=100, seed=1)
  config.data.scale = (0.7, 1.4)
  config.model.pretrained = ""
  config.phases.main.update(steps=6_000, learning_rate=0.03, warmup=200, drops=(4_500, 5_500))
  config.phases.frozen.update(steps=200, learning_rate=3e-4)
  config.train.update(log_every=25, checkpoint_every=250, weights_dtype="float16")
  return config.lock()
