"""That structs and saved labels share one number for what is not counted."""

import numpy as np

from jppf_jax import panoptic, structs


def test_there_is_one_number_for_what_is_not_counted():
  assert structs.IGNORE == panoptic.IGNORE == np.iinfo(np.uint8).max  # it fits in 8-bit files


def test_what_is_saved_is_a_plain_tuple():
  maps = np.zeros((2, 3), np.int32)
  scene, instance = panoptic.Panoptic(scene=maps, instance=maps + 1)
  assert scene is maps and instance.all()
  assert panoptic.Detection(scene=26, score=0.5, mask=maps == 0)[:2] == (26, 0.5)
