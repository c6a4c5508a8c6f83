import contextlib

import numpy as np
import pytest
from pycocotools import mask as pycocotools

from jppf_jax.labels.formats import rle

HALF = {"size": [2, 4], "counts": [4, 4]}


def test_compressed_masks_are_read_as_pycocotools_writes_them():
  rng = np.random.default_rng(0)
  for number in range(100):
    height, width = rng.integers(1, 70, 2).tolist()
    mask = rng.random((height, width)) < rng.choice([0, 0.02, 0.5, 1])
    mask = np.sort(mask, axis=0) if number % 2 else mask  # longer runs
    text = pycocotools.encode(np.asfortranarray(mask, np.uint8))["counts"].decode()
    found = rle.decode({"size": [height, width], "counts": text}, (height, width))
    np.testing.assert_array_equal(found, mask)


def test_lists_are_runs_column_by_column():
  mask = rle.decode({"size": [2, 2], "counts": [1, 2, 1]}, (2, 2))
  assert mask.dtype == bool and mask.tolist() == [[False, True], [True, False]]


@pytest.mark.parametrize(
  "segmentation, message",
  [
    ([[0, 0, 2, 0, 2, 2]], r"expected run lengths .* makes them of polygons"),
    (None, "expected run lengths"),
    ({"size": [2, 4]}, "expected run lengths"),
    (HALF | {"size": [4, 2]}, r"has size \[4, 2\], the image has \[2, 4\]"),
    (HALF | {"size": [10**9, 10**9]}, "has size"),
    (HALF | {"size": "24"}, "has size '24'"),
    (HALF | {"size": [2, 4, 1]}, "has size"),
    (HALF | {"counts": [4, 3]}, "do not fill the 8 pixels"),
    (HALF | {"counts": [4, 5]}, "do not fill"),
    (HALF | {"counts": []}, "do not fill"),
    (HALF | {"counts": [2**39, 2**39]}, "do not fill"),
    (HALF | {"counts": [-4, 12]}, "expected whole numbers"),
    (HALF | {"counts": [4.0, 4]}, "expected whole numbers"),
    (HALF | {"counts": ["4", 4]}, "expected whole numbers"),
    (HALF | {"counts": [True, 7]}, "expected whole numbers"),
    (HALF | {"counts": 8}, "expected a list or compressed text"),
    (HALF | {"counts": "é"}, "expected a list or compressed text"),
    (HALF | {"counts": ""}, "do not fill"),
    (HALF | {"counts": "4"}, "do not fill"),
    (HALF | {"counts": "44P"}, "no compressed run lengths"),  # the last count goes on
    (HALF | {"counts": "P" * 30 + "4"}, "no compressed run lengths"),
    (HALF | {"counts": "4 4"}, "no compressed run lengths"),
  ],
)
def test_what_does_not_fill_the_image_exactly_is_refused(segmentation, message):
  with pytest.raises(ValueError, match=message):
    rle.decode(segmentation, (2, 4))


def test_any_text_is_read_or_refused():
  rng = np.random.default_rng(0)
  read = 0
  for _ in range(3000):
    text = bytes(rng.integers(47, 113, rng.integers(1, 7)).tolist()).decode()
    with contextlib.suppress(ValueError):
      read += rle.decode({"size": [2, 4], "counts": text}, (2, 4)).shape == (2, 4)
  assert 0 < read < 1000
