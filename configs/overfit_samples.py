r"""Two real street scenes, learned by heart: tests that real files in the official layout train and
score.

DIR holds at least one scene in the official layout of Cityscapes Panoptic Parts.
15 minutes on two cores; the score is that of the scenes it was trained on.

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
