"""That structs and saved labels share one number for what is not counted."""

import numpy as np
import pytest

from jppf_jax import panoptic, structs
from jppf_jax.panoptic import Detection, Panoptic


def test_there_is_one_number_for_what_is_not_counted():
  assert structs.IGNORE == panoptic.IGNORE == np.iinfo(np.uint8).max  # it fits in 8-bit files


def test_the_arrays_of_a_prediction_are_checked():
  maps = np.zeros((2, 3), np.int32)
  assert Panoptic(maps, maps).instance is maps
  assert Detection(26, 0.5, maps == 0).mask.all()
  with pytest.raises(Exception, match="instance"):
    Panoptic(maps, maps[:1])
