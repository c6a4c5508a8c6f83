"""How much a convolution pads."""


def same_padding(
  size: int, taps: int, *, stride: int = 1, dilation: int = 1
) -> tuple[int, int, int]:
  """Returns, for one axis of a convolution, the output size and the padding before and after.

  SAME by TensorFlow's rule: an odd pixel of padding goes to the end. The padding after is negative
  if no output reads the last pixels.

  Args:
    size: of the input.
    taps: of the kernel.
    stride: step of the output grid.
    dilation: distance of the taps.
  """
  out = -(-size // stride)  # divided and rounded up
  reach = (out - 1) * stride + (taps - 1) * dilation + 1  # pixels that the output reads
  before = max(reach - size, 0) // 2
  return out, before, reach - size - before
