import pytest

from jppf_jax.encoder.variants import NAMES, scaled_width, variant

# stem, width of each stage, number of blocks of each stage, head
TABLE = {
  "b0": (32, (16, 24, 40, 80, 112, 192, 320), (1, 2, 2, 3, 3, 4, 1), 1280),
  "b1": (32, (16, 24, 40, 80, 112, 192, 320), (2, 3, 3, 4, 4, 5, 2), 1280),
  "b2": (32, (16, 24, 48, 88, 120, 208, 352), (2, 3, 3, 4, 4, 5, 2), 1408),
  "b3": (40, (24, 32, 48, 96, 136, 232, 384), (2, 3, 3, 5, 5, 6, 2), 1536),
  "b4": (48, (24, 32, 56, 112, 160, 272, 448), (2, 4, 4, 6, 6, 8, 2), 1792),
  "b5": (48, (24, 40, 64, 128, 176, 304, 512), (3, 5, 5, 7, 7, 9, 3), 2048),
  "b6": (56, (32, 40, 72, 144, 200, 344, 576), (3, 6, 6, 8, 8, 11, 3), 2304),
  "b7": (64, (32, 48, 80, 160, 224, 384, 640), (4, 7, 7, 10, 10, 13, 4), 2560),
  "lite0": (32, (16, 24, 40, 80, 112, 192, 320), (1, 2, 2, 3, 3, 4, 1), 1280),
  "lite1": (32, (16, 24, 40, 80, 112, 192, 320), (1, 3, 3, 4, 4, 5, 1), 1280),
  "lite2": (32, (16, 24, 48, 88, 120, 208, 352), (1, 3, 3, 4, 4, 5, 1), 1280),
  "lite3": (32, (24, 32, 48, 96, 136, 232, 384), (1, 3, 3, 5, 5, 6, 1), 1280),
  "lite4": (32, (24, 32, 56, 112, 160, 272, 448), (1, 4, 4, 6, 6, 8, 1), 1280),
}


def test_every_variant_has_the_published_shape():
  assert set(TABLE) == set(NAMES)
  for name, row in TABLE.items():
    net = variant(name)
    widths = tuple(stage.channels for stage in net.stages)
    depths = tuple(stage.repeats for stage in net.stages)
    assert (net.stem, widths, depths, net.head) == row, name


def test_the_lite_family_has_plain_norms_and_relu6():
  for name in NAMES:
    lite = name.startswith("lite")
    net = variant(name)
    assert (net.signed_scale, net.active_projection) == (lite, not lite)
    assert net.activation(100.0) == (6.0 if lite else 100.0)


def test_the_resolution_is_divided_by_32():
  strides = [stage.stride for stage in variant("b5").stages]
  assert strides == [1, 2, 2, 2, 1, 2, 1]  # and 2 in the stem


def test_widths_are_multiples_of_eight_close_to_what_was_asked():
  for channels in range(1, 400):
    width = scaled_width(float(channels))
    assert width % 8 == 0 and width >= max(8, 0.9 * channels)
    assert width - channels <= 8


def test_multipliers_shrink_everything():
  small, full = variant("b0", width=0.5, depth=0.5), variant("b0")
  assert (small.stem, small.head) == (16, 640)
  for ours, theirs in zip(small.stages, full.stages):
    assert ours.channels <= max(8, 0.7 * theirs.channels) and ours.repeats <= theirs.repeats
  assert variant("lite0", width=0.5).head == 640


def test_an_unknown_name_is_an_error_that_lists_the_known_ones():
  with pytest.raises(ValueError, match=r"'b8'.*lite4"):
    variant("b8")
