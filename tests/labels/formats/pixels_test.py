import gc

import numpy as np
import pytest
from PIL import Image

from jppf_jax.labels.formats import pixels


@pytest.mark.parametrize("size", [(1, 1), (3, 7), (37, 91), (0, 5), (5, 0), (2100, 2048)])
def test_numbers_of_32_bits_come_back_and_outlive_the_image(size):
  ids = np.random.default_rng(0).integers(-(2**31), 2**31, size, np.int32)
  image = Image.new("I", size[::-1])
  image.paste(Image.fromarray(ids))
  found = pixels.of_image(image)
  del image
  gc.collect()
  Image.new("I", size[::-1], 5)  # would overwrite memory that is free
  np.testing.assert_array_equal(found, ids)
  assert found.dtype == np.int32 and not found.flags.writeable


def test_they_share_the_memory_of_the_image():
  image = Image.new("I", (4, 3), 7)
  found = pixels.of_image(image)
  image.putpixel((2, 1), 99)
  assert found[1, 2] == (99 if hasattr(image, "__arrow_c_array__") else 7)


@pytest.mark.parametrize("mode", ["1", "L", "P", "I;16", "RGB", "RGBA", "F"])
def test_other_kinds_of_pixels_come_back_as_pillow_gives_them(mode):
  values = np.random.default_rng(0).integers(0, 255, (5, 9, 3), np.uint8)
  colors = Image.fromarray(values)
  image = Image.fromarray(values[..., 0].astype(np.uint16)) if mode == "I;16" else colors
  image = image if image.mode == mode else image.convert(mode)
  np.testing.assert_array_equal(pixels.of_image(image), np.asarray(image))


def test_kept_memory_is_given_back():
  before = Image.core.get_blocks_max()
  with pytest.raises(KeyError), pixels.memory_kept(before + 3):
    assert Image.core.get_blocks_max() == before + 3
    raise KeyError
  assert Image.core.get_blocks_max() == before
