import numpy as np
import pytest

from jppf_jax.evaluation.frames import checked, fit, frame_of, working_size


@pytest.mark.parametrize(
  "image, size, expected",
  [
    ((384, 256), (384, 256), (384, 256)),
    ((256, 384), (384, 256), (256, 384)),
    ((10, 300), (512, 512), (512, 512)),
    ((50, 50), (384, 256), (384, 256)),
    ((50, 51), (384, 256), (256, 384)),
    ((51, 50), (1024, 2048), (2048, 1024)),
    ((50, 51), (1024, 2048), (1024, 2048)),
  ],
)
def test_the_long_side_of_the_image_is_fitted_to_the_long_side_of_the_working_size(
  image, size, expected
):
  assert working_size(image, size) == expected
  assert frame_of(image, size).size == expected


def test_fitting_keeps_the_aspect_and_pads():
  image = np.full((50, 200, 3), 7, np.uint8)
  frame = frame_of((50, 200), (64, 128))
  assert frame.covered == (32, 128)
  canvas = fit(image, frame, (1, 2, 3))
  assert canvas.shape == (64, 128, 3)
  assert (canvas[:32] == 7).all()
  assert (canvas[32:] == (1, 2, 3)).all()


@pytest.mark.parametrize(
  "image, canvas",
  [
    ((64, 128), (64, 128)),
    ((65, 128), (96, 128)),
    ((65, 129), (96, 192)),
    ((96, 192), (96, 192)),
    ((97, 100), (128, 128)),
    ((190, 385), (192, 512)),
    ((200, 100), (256, 128)),
    ((1, 1000), (64, 1024)),
  ],
)
def test_the_answer_for_a_larger_image_has_its_own_pixels(image, canvas):
  frame = frame_of(image, (64, 128))
  assert frame.canvas == canvas
  assert frame.answered == image
  assert frame.is_enlarged == (image != (64, 128))
  assert all(own >= seen for own, seen in zip(frame.answered, frame.covered))


@pytest.mark.parametrize("image", [(1, 1), (30, 100), (64, 127), (100, 50)])
def test_the_answer_for_a_smaller_image_has_the_pixels_of_the_network(image):
  frame = frame_of(image, (64, 128))
  assert not frame.is_enlarged
  assert frame.canvas == frame.size


@pytest.mark.parametrize("shape", [(64, 128), (128, 64)])
def test_an_image_of_the_working_size_is_untouched(shape):
  image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
  frame = frame_of(shape, (64, 128))
  assert frame.covered == frame.size == shape
  np.testing.assert_array_equal(fit(image, frame, (0, 0, 0)), image)


@pytest.mark.parametrize("image", [(1, 1), (1, 5000), (5000, 1), (3, 7)])
def test_an_image_of_any_shape_covers_at_least_one_pixel_and_never_more_than_the_frame(image):
  frame = frame_of(image, (64, 128))
  for covered, side in zip(frame.covered, frame.size):
    assert 1 <= covered <= side
  assert any(covered == side for covered, side in zip(frame.covered, frame.size))


@pytest.mark.parametrize(
  "image",
  [
    np.zeros((8, 8, 3), np.float32),
    np.zeros((8, 8, 3), np.int32),
    np.zeros((8, 8), np.uint8),
    np.zeros((8, 8, 4), np.uint8),
    np.zeros((1, 8, 8, 3), np.uint8),
    np.zeros((0, 8, 3), np.uint8),
  ],
)
def test_what_is_no_rgb_image_of_bytes_is_refused(image):
  with pytest.raises(ValueError, match=r"Expected an RGB image, uint8 \[H W 3\]; got"):
    checked(image)
