"""What each picture shows, pixel by pixel, on a road with two cars and a person."""

import tracemalloc

import numpy as np
import pytest

from jppf_jax.labels.cpp import cpp
from jppf_jax.structs import PanopticParts, Segments
from jppf_jax.visualization import render
from jppf_jax.visualization.instances import outlines
from jppf_jax.visualization.palette import hatch, instance_color

SPEC = cpp()
NAMES = ("road", "person", "car", "train")
ROAD, PERSON, CAR, TRAIN = (SPEC.class_names.index(name) for name in NAMES)
HEAD, CHASSIS = SPEC.class_parts[PERSON][1], SPEC.class_parts[CAR][4]
VOID = hatch((40, 60))


@pytest.fixture(scope="module")
def maps():
  semantic = np.full((40, 60), ROAD)
  instance, part = np.zeros_like(semantic), np.zeros_like(semantic)
  objects = [(0, CAR, CHASSIS), (10, CAR, 255), (20, PERSON, HEAD), (30, TRAIN, 0)]
  for number, (x, k, p) in enumerate(objects, start=1):
    box = (slice(5, 30), slice(x, x + 10))
    semantic[box], instance[box], part[box] = k, number, p
  semantic[34:] = 255
  return render.LabelMaps(semantic, instance, part)


@pytest.fixture(scope="module")
def photo():
  return np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)


def test_classes_have_their_colours_and_void_is_hatched(maps):
  picture = render.semantic(maps, SPEC)
  assert (picture[:5] == SPEC.colors[ROAD]).all() and (picture[5:30, :20] == SPEC.colors[CAR]).all()
  np.testing.assert_array_equal(picture[34:], VOID[34:])


def test_instances_are_outlined_shades_and_stuff_is_pale(maps):
  picture = render.instances(maps, SPEC, names=False)
  assert (picture[10:25, 2:8] == instance_color(SPEC.colors[CAR], 0)).all()
  assert (picture[10:25, 12:18] == instance_color(SPEC.colors[CAR], 1)).all()
  assert (picture[10:25, 9:11] == 255).all() and (picture[5, :20] == 255).all()
  assert picture[2].min() > 180 and picture[2].max() < 255
  np.testing.assert_array_equal(picture[34:], VOID[34:])


def test_parts_have_their_colours_unknown_ones_are_hatched(maps):
  picture = render.parts(maps, SPEC)
  assert (picture[10:25, 2:8] == SPEC.part_colors[CHASSIS]).all()
  assert (picture[10:25, 22:28] == SPEC.part_colors[HEAD]).all()
  np.testing.assert_array_equal(picture[10:25, 12:18], VOID[10:25, 12:18])
  assert (picture[10:25, 32:38] == 80).all() and (picture[:5] == 48).all()


def test_the_overlay_mixes_part_class_and_photo(maps, photo):
  labels = render.overlay(photo, maps, SPEC, opacity=1.0)
  assert (labels[:4] == SPEC.colors[ROAD]).all()
  assert (labels[10:25, 2:8] == SPEC.part_colors[CHASSIS]).all()
  assert (labels[10:25, 32:38] == instance_color(SPEC.colors[TRAIN], 0)).all()
  np.testing.assert_array_equal(labels[10:25, 12:18], VOID[10:25, 12:18])
  half = render.overlay(photo, maps, SPEC, opacity=0.5)
  np.testing.assert_allclose(half[:4], (photo[:4] + SPEC.colors[ROAD].astype(float)) / 2, atol=1)


def test_a_photo_of_another_size_is_refused(maps, photo):
  with pytest.raises(ValueError, match=r"photo is \(40, 30\), the maps are \(40, 60\)"):
    render.overlay(photo[:, :30], maps, SPEC)


def test_a_batch_is_refused(maps):
  batch = render.LabelMaps(*(x[None] for x in maps))
  with pytest.raises(ValueError, match="Take one of the batch"):
    render.label_maps(batch)


def test_predictions_and_label_files_are_drawn_alike(maps):
  table = Segments(np.zeros(1, int), np.zeros(1, np.float32), np.zeros(1, int), np.zeros(1, bool))
  prediction = PanopticParts(maps.semantic, maps.instance, maps.part, table)
  uids = SPEC.to_uids(*maps)
  decoded = SPEC.decode(uids)
  assert decoded.instance.min() == -1
  for draw in (render.semantic, render.instances, render.parts):
    np.testing.assert_array_equal(draw(prediction, SPEC), draw(maps, SPEC))
  np.testing.assert_array_equal(render.instances(decoded, SPEC), render.instances(maps, SPEC))


def test_names_are_optional():
  car = np.full((200, 400), CAR)
  maps = render.LabelMaps(car, np.ones_like(car), np.zeros_like(car))
  photo = np.zeros((200, 400, 3), np.uint8)
  named, plain = (render.instances(maps, SPEC, names=names) for names in (True, False))
  assert (named != plain).any()
  named, plain = (render.overlay(photo, maps, SPEC, names=names) for names in (True, False))
  assert (named != plain).any()


def test_scaling_keeps_ids_and_proportions(maps, photo):
  large, ids = render.scaled(photo, maps, width=120)
  assert large.shape == (80, 120, 3)
  np.testing.assert_array_equal(ids.part, maps.part.repeat(2, 0).repeat(2, 1))
  small, ids = render.scaled(photo, maps, width=20)
  assert small.shape == (13, 20, 3) and ids.semantic.shape == (13, 20)
  assert set(np.unique(ids.semantic)) <= set(np.unique(maps.semantic))


def test_the_explanation_has_a_legend_of_what_occurs(maps, photo):
  sheet = render.explained(photo, maps, SPEC, width=240)
  assert sheet.shape[1] >= 480
  footer = sheet[-150:]
  classes = [SPEC.colors[k] for k in (ROAD, PERSON, CAR, TRAIN)]
  parts = [SPEC.part_colors[p] for p in (HEAD, CHASSIS)]
  assert all((footer == color).all(-1).sum() > 50 for color in classes + parts)
  sky = SPEC.colors[SPEC.class_names.index("sky")]
  assert not (footer == sky).all(-1).any()


def test_a_comparison_has_one_picture_per_answer(maps, photo):
  answers = {"Joint fusion": maps, "Top-down merge": maps}
  one = render.comparison(photo, {"Joint fusion": maps}, SPEC, width=240, columns=1)
  two = render.comparison(photo, answers, SPEC, width=240, columns=1)
  assert two.shape[1] == one.shape[1] and two.shape[0] - one.shape[0] > 160


@pytest.mark.parametrize("size", [(5000, 3), (3, 5000), (300, 1), (583, 44), (1, 1), (90, 90)])
def test_every_sheet_fits_on_a_screen_and_takes_little_memory(size):
  maps = render.LabelMaps(np.full(size, CAR), np.ones(size, int), np.zeros(size, int))
  image = np.zeros((*size, 3), np.uint8)
  tracemalloc.start()
  sheets = [render.explained(image, maps, SPEC), render.comparison(image, {"a": maps}, SPEC)]
  sheets += [render.scaled(image, maps, width=900)[0]]
  peak = tracemalloc.get_traced_memory()[1]
  tracemalloc.stop()
  for sheet in sheets:
    assert sheet.shape[0] < 1900 and sheet.shape[1] < 1900
    assert sheet.shape[0] * sheet.shape[1] < 3_000_000
  assert peak < 100_000_000


def test_pictures_stand_beside_each_other_unless_the_image_is_wide():
  sizes = []
  for height, width in ((90, 60), (60, 80), (50, 100)):
    maps = render.LabelMaps(*np.zeros((3, height, width), int))
    sheet = render.explained(np.zeros((height, width, 3), np.uint8), maps, SPEC)
    sizes.append(sheet.shape[:2])
  (tall, portrait), (low, landscape), (high, wide) = sizes
  assert tall < portrait * 1.05 and low < 0.6 * landscape and high < 0.9 * wide
  assert max(tall, low, high) < 1150 and max(portrait, landscape, wide) < 1500


def test_scores_and_numbers_are_written_on_request(maps, photo):
  plain = render.explained(photo, maps, SPEC)
  numbered = render.explained(photo, maps, SPEC, numbers=True)
  assert (plain != numbered).any()
  table = Segments(np.array([CAR]), np.array([0.5], np.float32), np.array([9]), np.array([True]))
  prediction = PanopticParts(maps.semantic, maps.instance, maps.part, table)
  scored = render.explained(photo, prediction, SPEC, scores=True)
  assert (scored != plain).any() and (scored != numbered).any()
  label_file = render.explained(photo, maps, SPEC, scores=True)  # has none
  np.testing.assert_array_equal(label_file, plain)


def test_the_outlines_of_enlarged_instances_have_no_steps():
  y, x = np.mgrid[:60, :60] - 29.5
  inside = y**2 + x**2 < 20**2
  maps = render.LabelMaps(np.where(inside, CAR, ROAD), inside.astype(int), np.zeros((60, 60), int))
  large = render.smooth_maps(maps, (480, 480))
  radii = np.hypot(*(np.argwhere(outlines(large.instance)) - 239.5).T)
  assert radii.max() - radii.min() < 6  # steps of one source pixel are 8 pixels high
  picture = render.overlay(np.zeros((480, 480, 3), np.uint8), large, SPEC)
  levels = np.unique(picture[..., 0])
  assert len(levels) > 4  # soft lines have shades between colour and white


def test_an_image_of_one_pixel_is_drawn():
  dot = render.LabelMaps(*[np.full((1, 1), 255)] * 3)
  sheet = render.explained(np.zeros((1, 1, 3), np.uint8), dot, SPEC, width=16)
  assert sheet.ndim == 3
