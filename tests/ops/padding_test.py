"""The padding is what `jax.lax` pads; for pixels that no output reads, by hand."""

import itertools

import pytest
from jax import lax

from jppf_jax.ops.padding import same_padding


@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("dilation", [1, 2, 6])
def test_padding_and_output_size_are_those_of_jax(stride, dilation):
  for size, taps in itertools.product((1, 2, 7, 8, 9, 12), (1, 2, 3, 5)):
    out, before, after = same_padding(size, taps, stride=stride, dilation=dilation)
    window = (taps - 1) * dilation + 1
    ((low, high),) = lax.padtype_to_pads((size,), (window,), (stride,), "SAME")
    assert (before, max(after, 0)) == (low, high)
    assert out == (low + size + high - window) // stride + 1


def test_the_odd_pixel_goes_to_the_end():
  assert same_padding(8, 3, stride=2) == (4, 0, 1)


def test_pixels_that_no_output_reads_are_less_than_no_padding():
  assert same_padding(8, 2, stride=3) == (3, 0, 0)
  assert same_padding(8, 1, stride=4) == (2, 0, -3)  # reads the pixels 0 and 4
