r"""The paper's network and recipe on generated scenes of the paper's size: to measure a machine.

jppf benchmark train --config=cpp_generated
jppf train --config=configs/cpp_generated.py --workdir=runs/cpp_generated
"""

import ml_collections

from jppf_jax_configs import cpp


def get_config() -> ml_collections.ConfigDict:
  config = cpp.get_config().unlock()
  config.data.name = "synthetic_panoptic_parts"
  config.data.synthetic = dict(size=(1024, 2048), train=24, validation=4, seed=0)
  config.data.batch_size = 2
  return config.lock()
