r"""A tiny network on tiny generated scenes: one CPU minute, to check that everything runs.

jppf train --config=configs/smoke.py --workdir=runs/smoke
"""

import ml_collections

from jppf_jax_configs import demo


def get_config() -> ml_collections.ConfigDict:
  config = demo.get_config().unlock()
  config.data.update(
    name="synthetic_panoptic_parts",
    data_dir="runs/data_sets",
    train_size=(64, 128),
    eval_size=(64, 128),
    batch_size=2,
    max_objects=16,
  )
  config.data.synthetic.update(size=(64, 128), train=4, validation=2)
  config.model.update(width=0.25, depth=0.25, pretrained="")  # one block per stage
  config.model.update(fpn_channels=16, head_channels=16, box_hidden=32, mask_channels=16)
  config.model.update(train_proposals=64, eval_proposals=32)
  config.sampling.update(anchors=32, regions=16)
  config.detection.max_detections = 8
  config.phases.main.update(steps=4, warmup=2, drops=(3,))
  config.train.update(log_every=1, checkpoint_every=2)
  return config.lock()
