"""The page in a real browser: layers switch, the pointer names what is there, nothing fails."""

import json
import shutil

import pytest

from jppf_jax.report import page
from tests.report import browser, small

pytestmark = browser.needed

HELP = """
  var panes = () => [...document.querySelectorAll(".pane")];
  var pane = (key) => document.querySelector(`[data-pane=${key}]`);
  var color = (key, x, y) => {
    const canvas = pane(key).querySelector("canvas");
    return [...canvas.getContext("2d").getImageData(x, y, 1, 1).data];
  };
  var said = (key) => pane(key).querySelector("output").textContent;
  var press = (name) => document.querySelector(`[data-layer=${name}]`).click();
  var listed = () => [...document.querySelectorAll(".strip button")].map((one) => one.title);
  var choose = (select, value) => {
    select.value = value;
    select.dispatchEvent(new Event("change"));
  };
  var drawn = (id) => pane("truth").querySelector("canvas").ariaLabel?.endsWith(id);
  var box = () => { // of the picture, as shares of its pane
    const [a, b] = [".stage", ".inner"].map((name) =>
      pane("joint").querySelector(name).getBoundingClientRect());
    const corner = [(b.left - a.left) / a.width, (b.top - a.top) / a.height];
    return [...corner, b.width / a.width, b.height / a.height];
  };
  var ready = () => document.querySelectorAll(".segments button").length > 0;
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
  return small.write(tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def written(run):
  return page.write(run)


@pytest.fixture(scope="module")
def started():
  found = browser.Browser()
  yield found
  found.close()


@pytest.fixture
def opened(started, written):
  """The page, newly opened; afterwards it must have had neither errors nor warnings."""
  started.problems.clear()
  started.open(written)
  started.run(HELP)
  started.until("ready()")
  yield started
  assert started.problems == []


PIXELS = (  # column and row, what is said of the prediction and of the truth
  (
    (3, 7),
    "car car-body · instance 1 · score 0.90 · TP · IoU 1.00",
    "car car-body · instance 1 · TP · IoU 1.00",
  ),
  (
    (3, 11),
    "car car-wheel · instance 1 · score 0.90 · TP · IoU 1.00",
    "car car-wheel · instance 1 · TP · IoU 1.00",
  ),
  (
    (27, 13),
    "car car-body · instance 5 · score 0.70 · FP · IoU 0.00",
    f"{small.EVIL} TP · IoU 0.88",
  ),
  ((21, 9), f"{small.EVIL} TP · IoU 0.88", "person instance 2 · FN · IoU 0.00"),
)


def test_the_pointer_names_what_is_predicted_and_true_at_a_pixel(opened):
  for (x, y), prediction, truth in PIXELS:
    opened.point("[data-pane=joint] .stage", (x + 0.5) / 32, (y + 0.5) / 16)
    assert opened.run("[said('joint'), said('truth')]") == [prediction, truth]


def test_layers_switch(opened):
  sky, car = ([*small.SPEC.colors[k].tolist(), 255] for k in (small.SKY, small.CAR))
  wheel, body = ([*small.SPEC.part_colors[k].tolist(), 255] for k in (1, 2))
  opened.run("press('instance'); press('part')")  # off
  assert opened.run("[color('joint', 4, 8), color('truth', 1, 1)]") == [car, sky]
  opened.run("press('part')")
  assert opened.run("[color('joint', 4, 8), color('joint', 4, 11)]") == [body, wheel]
  opened.run("press('part'); press('semantic')")
  assert opened.run("color('joint', 4, 8)[3]") == 0
  opened.run("press('difference')")
  right, missed, false = opened.run(
    "[color('joint', 4, 8), color('truth', 21, 9), color('joint', 27, 13)]"
  )
  assert right[3] == 0
  assert missed == false == [222, 45, 38, 255]  # another class
  photo = "pane('joint').querySelector('img').style.visibility"
  assert opened.run(f"[{photo}, press('photo'), {photo}]") == ["visible", None, "hidden"]


def test_a_predicted_instance_has_the_shade_of_the_true_one(opened):
  numbers = opened.run(
    "[['joint', 3], ['joint', -1], ['truth', 3]].map(([k, m]) => shadeNumber(k, m, 9))"
  )
  assert numbers == [3, 9, 9]
  opened.run("press('semantic'); press('part')")
  predicted, true, road = opened.run(
    "[color('joint', 4, 8), color('truth', 4, 8), color('joint', 16, 15)]"
  )
  assert predicted == true and true[3] == 255 and road[3] == 0


def test_panes_switch(opened):
  shown = "panes().filter((one) => !one.hidden).map((one) => one.dataset.pane)"
  assert opened.run(shown) == ["joint", "truth"]
  opened.run("document.querySelector('[data-shows=top_down]').click()")
  opened.run("document.querySelector('[data-shows=joint]').click()")
  assert opened.run(shown) == ["top_down", "truth"]


def test_the_opacity_and_the_zoom_wrap_together(started, written):
  tops = "['opacity', 'zoom'].map((name) => document.querySelector"
  tops += "(`.group[aria-label=${name}]`).getBoundingClientRect().top)"
  for width in (1000, 1100, 1200):
    started.open(written, width=width)
    opacity, zoom = started.run(tops)
    assert abs(opacity - zoom) < 10, width


def test_choices_list_the_images_that_have_such_segments(opened):
  opened.run('var [class_, segments, order] = document.querySelectorAll(".controls select")')
  assert opened.run("listed()") == ["worst", "parts", "right"]
  assert opened.run("choose(order, 'name'), listed()") == ["parts", "right", "worst"]
  assert opened.run("choose(segments, 'fn'), listed()") == ["worst"]
  assert opened.run(f"choose(class_, '{small.CAR}'), listed()") == []
  assert opened.run("choose(segments, 'fp'), listed()") == ["worst"]
  opened.until("ready()")
  dimmed, false, true = opened.run(
    "[color('joint', 1, 1), color('joint', 28, 14), color('truth', 4, 8)]"
  )
  assert (dimmed[3], false[3], true[3]) == (36, 255, 255)
  assert opened.run("choose(segments, ''), choose(order, 'worst'), listed()") == [
    "parts",  # the wheels of its car are wrong
    "worst",
    "right",
  ]


def test_the_order_can_be_best_first_and_images_without_a_score_come_last(started, tmp_path):
  images = {"a": {"wrong_part": True}, "b": {}, "c": {"no_car": True}}
  run = small.write(tmp_path / "run", images)
  unlabelled = small.write(tmp_path / "unlabelled", {"a": {}, "b": {"no_car": True}}, parts=False)
  started.problems.clear()
  started.open(page.write(run))
  selects = 'var [class_, segments, order] = document.querySelectorAll(".controls select")'
  started.run(HELP + selects)
  assert started.run("listed()") == ["c", "a", "b"]
  assert started.run("choose(order, 'best'), listed()") == ["b", "a", "c"]
  started.open(page.write(unlabelled))
  started.run(HELP + selects)
  assert started.run(f"choose(class_, '{small.CAR}'), choose(segments, 'fn'), listed()") == ["b"]
  assert started.problems == []


def test_keys_step_through_images_and_switch_layers(opened):
  opened.run("document.querySelector('#gallery').scrollIntoView({ behavior: 'instant' })")
  name = "document.querySelector('.image-name').firstChild.textContent"
  assert opened.run(name) == "worst"
  opened.press("ArrowRight")
  opened.until(f"drawn('parts') && {name} === 'parts'")
  opened.press("ArrowLeft")
  opened.until(f"drawn('worst') && {name} === 'worst'")
  pressed = "document.querySelector('[data-layer=photo]').ariaPressed"
  assert opened.run(pressed) == "true"
  opened.press("1")
  assert opened.run(pressed) == "false"
  level = "document.querySelector('.level').textContent"
  opened.press("+")
  assert opened.run(level) == "200 %"
  opened.press("0")
  assert opened.run(level) == "100 %"


def test_arrows_move_a_crosshair_in_a_pane_that_has_the_focus(opened):
  name = "document.querySelector('.image-name').firstChild.textContent"
  opened.run("[...document.querySelectorAll('.toolbar button')].at(-1).focus()")
  opened.press("Tab")
  focused = "document.activeElement.closest('.pane')?.dataset.pane ?? null"
  assert opened.run(focused) == "joint"
  where = "document.activeElement"
  assert opened.run(f"{where}.role") == "application"
  assert "arrow keys move a crosshair" in opened.run(f"{where}.ariaLabel")
  assert opened.run("said('truth')").startswith(small.EVIL)  # at once: the middle, column 16, row 8
  for _ in range(4):
    opened.press("ArrowRight")
  assert opened.run("said('truth')") == "person instance 2 · FN · IoU 0.00"
  opened.press("ArrowUp")
  opened.press("ArrowUp")
  opened.press("ArrowUp")  # row 5
  assert opened.run("said('truth')").startswith("sky")
  opened.press("ArrowDown")
  assert opened.run("said('truth')").startswith("person")
  opened.press("ArrowLeft", shift=True)  # column 10
  assert opened.run("said('truth')").startswith("sky")
  opened.press("ArrowLeft")
  assert opened.run("said('joint')").startswith("car car-body")
  assert opened.run(name) == "worst"  # no image was stepped
  opened.press("Escape")
  assert opened.run(f"[{focused}, said('joint')]") == [None, ""]
  opened.run("document.querySelector('#gallery').scrollIntoView({ behavior: 'instant' })")
  opened.press("ArrowRight")
  opened.until(f"drawn('parts') && {name} === 'parts'")


def test_a_zoomed_view_follows_the_crosshair(opened):
  opened.run("pane('truth').querySelector('.stage').focus({ focusVisible: true })")
  for _ in range(3):
    opened.press("+")
  left, top, width, height = opened.run("box()")  # the middle stays in the middle
  assert (width, height, left, top) == pytest.approx((8, 8, -3.5, -3.5), abs=0.01)
  for key, side, expected in (
    ("ArrowLeft", 0, 0),
    ("ArrowUp", 1, 0),
    ("ArrowRight", 0, -7),
    ("ArrowDown", 1, -7),
  ):
    for _ in range(4):
      opened.press(key, shift=True)
    assert opened.run(f"box()[{side}]") == pytest.approx(expected, abs=0.01)
  inside = "(() => { const [a, b] = ['.stage', '.cross'].map((one) => pane('truth')"
  inside += ".querySelector(one).getBoundingClientRect());"
  inside += "return b.left > a.left && b.left < a.right && b.top > a.top && b.top < a.bottom; })()"
  assert opened.run(inside)
  opened.press("-")
  assert opened.run("box()") == pytest.approx([-3, -3, 4, 4], abs=0.01)


FOCUS = "pane('{}').querySelector('.stage').focus({{ focusVisible: {} }})"


def cross(page, key="joint"):
  """Where the crosshair is in a pane, as shares of it; None if it is not shown."""
  return page.run(f"""(() => {{
    const [stage, cross] = [".stage", ".cross"].map((one) => pane("{key}").querySelector(one));
    if (cross.hidden) return null;
    const [a, b] = [stage, cross].map((one) => one.getBoundingClientRect());
    return [(b.left - a.left) / a.width, (b.top - a.top) / a.height];
  }})()""")


@pytest.mark.parametrize("side", ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"])
def test_a_crosshair_that_was_left_outside_of_the_view_starts_in_its_middle(opened, side):
  opened.run(FOCUS.format("joint", "true"))
  opened.press(side, shift=True)  # ten pixels: outside of the middle half
  opened.press("Escape")
  opened.run("document.querySelector('#gallery').scrollIntoView({ behavior: 'instant' })")
  opened.press("+")  # of the page: the middle stays in the middle
  opened.run(FOCUS.format("joint", "true"))
  assert cross(opened) == pytest.approx([0.5, 0.5], abs=0.01)
  opened.press(side)
  assert opened.run("box()") == pytest.approx([-0.5, -0.5, 2, 2], abs=0.01)


def test_the_crosshair_starts_in_a_segment_that_was_chosen_meanwhile(opened):
  opened.run(FOCUS.format("joint", "true"))
  opened.press("ArrowLeft", shift=True)  # column 6: the true car
  opened.press("Escape")
  opened.run("document.querySelector('.segments button').click()")  # the lower right quarter
  opened.run(FOCUS.format("joint", "true"))
  assert opened.run("said('joint')").startswith(small.EVIL)  # column 24, row 12
  opened.press("ArrowRight")
  opened.press("ArrowRight")
  assert opened.run("said('joint')").startswith("car car-body · instance 5")
  assert opened.run("box()") == pytest.approx([-1, -1, 2, 2], abs=0.01)
  opened.press("Escape")
  opened.run(FOCUS.format("joint", "true"))  # it is in the view, and stays
  assert opened.run("said('joint')").startswith("car car-body · instance 5")


def test_keys_zoom_at_the_crosshair_which_stays_where_it_is(opened):
  opened.run(FOCUS.format("joint", "true"))
  for key in ("ArrowRight", "ArrowRight", "ArrowUp"):
    opened.press(key, shift=key == "ArrowRight")  # the last column, row 7
  at = [31.5 / 32, 7.5 / 16]
  assert cross(opened) == pytest.approx(at, abs=0.01)
  for scale in (2, 4):
    opened.press("+")
    left, top = (-place * (scale - 1) for place in at)
    assert opened.run("box()") == pytest.approx([left, top, scale, scale], abs=0.01)
    assert cross(opened) == pytest.approx(at, abs=0.01)
  opened.press("-")
  assert opened.run("box()") == pytest.approx([-at[0], -at[1], 2, 2], abs=0.01)


def test_a_zoom_by_keys_shows_the_crosshair(opened):
  opened.run(FOCUS.format("joint", "false"))  # as a click gives it
  assert cross(opened) is None
  opened.press("+")
  assert cross(opened) == pytest.approx([0.5, 0.5], abs=0.01)
  assert opened.run("said('truth')").startswith(small.EVIL)


def test_a_zoomed_view_leaves_room_around_the_crosshair(opened):
  opened.run(FOCUS.format("joint", "true"))
  opened.press("+")
  for _ in range(7):
    opened.press("ArrowRight")  # to column 23, the last one of the view: the ring is cut
  assert cross(opened)[0] == pytest.approx(0.95, abs=0.005)


def test_a_pane_without_this_image_has_no_crosshair(started, run, tmp_path):
  more = small.write(tmp_path / "more", {**small.MISTAKES, "another": {"no_car": True}})
  started.problems.clear()
  started.open(page.write(more, tmp_path / "page.html", compare=run))
  started.run(HELP)
  started.until("ready()")
  started.run(
    "[...document.querySelectorAll('.strip button')].find((one) => one.title === 'another').click()"
  )
  started.until("drawn('another')")
  started.run(FOCUS.format("other", "true"))
  started.press("ArrowRight")
  assert cross(started, "other") is None and started.run("said('joint')") == ""
  assert started.problems == []


def test_a_chosen_mistake_is_enlarged_and_the_rest_dimmed(opened):
  assert opened.run("color('joint', 1, 1)[3]") == 255
  opened.run("document.querySelector('.segments button').click()")
  assert opened.run("[color('joint', 1, 1)[3], color('joint', 28, 14)[3]]") == [36, 255]
  assert opened.run("document.querySelector('.level').textContent") == "200 %"
  assert opened.run("box()") == pytest.approx([-1, -1, 2, 2], abs=0.01)
  car, *false = opened.run(  # their outlines; a line on the left belongs to the pixel before
    "[color('joint', 9, 8), color('joint', 25, 13), color('joint', 29, 13)]"
  )
  assert car[3] == 36 and false == [[255, 255, 255, 255]] * 2
  opened.point("[data-pane=joint] .stage", 0.75, 0.75)  # of the lower right quarter
  assert opened.run("said('joint')").startswith("car car-body · instance 5")


def test_the_view_of_a_chosen_mistake_has_its_place_in_both_directions(opened):
  """The missed person has columns 20 to 22 and rows 6 to 11: its middle is that of the view."""
  opened.run("document.querySelectorAll('.segments button')[1].click()")
  left, top, width, height = opened.run("box()")
  assert (width, height) == pytest.approx((4 / 3, 4 / 3), abs=0.01)
  assert (left, top) == pytest.approx((-1 / 3, 1 / 2 - 4 / 3 * 9 / 16), abs=0.01)


def test_instances_have_white_outlines_which_do_not_go_around_the_image(started, tmp_path):
  """A person at the left end, beside whose rows the image ends on the right."""
  started.open(page.write(small.write(tmp_path / "run", {"a": {}})))
  started.run(
    HELP + "var map = new LabelMap([1, 0, 0, 1, 0, 0, 0, 0, 0], [3, 3], "
    "[[-1, 0], [0, 0]], [{ class: 0, shade: 0 }], "
    "{ classes: [{ color: [9, 9, 9], thing: true }], parts: [] })"
  )
  line = (
    "[...map.painted(new Set(['instance']), () => true, null).data].filter((_, n) => n % 4 === 3)"
  )
  assert started.run(line) == [255, 0, 0, 255, 0, 0, 0, 0, 0]


def test_a_caption_does_not_grow_under_the_pointer(started, written):
  started.problems.clear()
  for width in (400, 1280):
    started.open(written, width=width)
    started.run(HELP)
    started.until("ready()")
    heights = "panes().map((one) => one.getBoundingClientRect().height)"
    before = started.run(heights)
    started.point("[data-pane=joint] .stage", 3.5 / 32, 7.5 / 16)
    assert started.run("said('joint')") and started.run(heights) == before
    fits = "panes().map((one) => one.querySelector('output')).every((one) => "
    assert started.run(fits + "one.scrollHeight <= one.clientHeight + 1)"), width
  assert started.problems == []


def test_the_opacity_is_that_of_its_slider(opened):
  opened.run(
    "var slider = document.querySelector('input[type=range]');"
    "slider.value = 30; slider.dispatchEvent(new Event('input'))"
  )
  canvas = "panes().map((one) => one.querySelector('canvas').style.opacity)"
  assert opened.run(canvas) == ["0.3"] * 3


def test_the_largest_mistakes_come_first(started, tmp_path):
  started.problems.clear()
  missed = {"no_car": True, "missed": True}  # areas of 48 and 18 pixels
  started.open(page.write(small.write(tmp_path / "run", {"a": missed})))
  started.run(HELP)
  started.until("ready()")
  buttons = "[...document.querySelectorAll('.segments button')].map((one) => one.textContent)"
  assert started.run(buttons) == ["car", "person"]
  assert started.problems == []


def test_a_double_click_enlarges_around_the_pointer_and_dragging_moves(opened):
  stage = "[data-pane=joint] .stage"
  opened.double_click(stage, 0.75, 0.25)
  assert opened.run("box()") == pytest.approx([-0.75, -0.25, 2, 2], abs=0.02)
  opened.drag(stage, (0.5, 0.5), (0.6, 0.4))
  assert opened.run("box()") == pytest.approx([-0.65, -0.35, 2, 2], abs=0.02)
  opened.drag(stage, (0.1, 0.9), (0.9, 0.1))  # not beyond the edge
  assert opened.run("box()") == pytest.approx([0, -1, 2, 2], abs=0.02)


DIFFERENCES = (  # predicted segment and part, outcome and part of the truth, error
  ({"class": 1, "match": 0}, 3, "tp", 3, 0),
  ({"class": 2, "match": 0}, 3, "tp", 3, 1),
  ({"class": 1, "match": 0}, 4, "tp", 3, 2),
  ({"class": 1, "match": 0}, 4, "tp", 255, 0),  # the true part is unknown
  ({"class": 1, "match": -1}, 3, "fn", 3, 3),
  ({"class": 1, "match": -1}, 3, "crowd", 3, 0),
  (None, 0, "fn", 3, 4),
)


def test_differences_say_what_is_wrong(opened):
  for segment, part, outcome, true_part, error in DIFFERENCES:
    predicted = {"regions": [[-1 if segment is None else 0, part]], "segments": [segment]}
    true_segment = {"class": 1, "outcome": outcome}
    truth = {"regions": [[0, true_part], [-1, 0]], "segments": [true_segment]}
    maps = f"{json.dumps(predicted)}, 0, {json.dumps(truth)}"
    assert opened.run(f"difference({maps}, 0)") == error, (segment, outcome)
    assert opened.run(f"difference({maps}, 1)") == 0  # void is not scored


def test_what_is_not_predicted_is_striped_dark_and_light(opened):
  opened.run(
    "var map = new LabelMap([0, 0, 0, 0], [2, 2], [[-1, 0]], [], { classes: [], parts: [] });"
    "var painted = (error) => [...map.painted("
    "new Set(['difference']), () => true, [error, error, error, 0]).data]"
  )
  class_, nothing = opened.run("[painted(1), painted(4)]")
  assert class_ == [222, 45, 38, 255] * 3 + [0] * 4
  assert nothing == [40, 40, 40, 255] + [235, 235, 235, 255] * 2 + [0] * 4
  opened.run("press('difference')")
  swatch = "document.querySelector('.pane').parentElement.nextElementSibling.lastChild.firstChild"
  assert "rgb(235, 235, 235)" in opened.run(f"{swatch}.style.background")


def test_a_heading_sorts_and_a_choice_shows_the_charts_of_a_class(opened):
  opened.run('var table = document.querySelector("#classes table.sortable")')
  opened.run("var names = () => [...table.tBodies[0].rows].map((row) => row.cells[0].textContent)")
  click = 'table.querySelectorAll("thead button")[1].click()'
  best, worst = opened.run(f"{click}, names()"), opened.run(f"{click}, names()")
  assert best == worst[::-1]
  assert worst[0] == "car"  # two of three are right; the third has no wheels
  opened.run(f"choose(document.querySelector('select[data-switch]'), '{small.PERSON}')")
  groups = "[...document.querySelectorAll('[data-segments]')].filter((group) => !group.hidden)"
  assert opened.run(f"{groups}.map((group) => group.dataset.segments)") == [str(small.PERSON)]


def test_a_compared_run_has_a_pane_and_a_narrow_window_has_room(started, run, tmp_path):
  better = small.write(tmp_path / "better", {image_id: {} for image_id in small.MISTAKES})
  compared = page.write(better, tmp_path / "page.html", compare=run)
  started.problems.clear()
  started.open(compared, width=400, dark=True)
  started.run(HELP)
  name = "document.querySelector('.image-name').firstChild?.textContent"
  started.until(f"{name} !== undefined")
  for box in started.run("panes().map((one) => one.querySelector('.stage').clientHeight)"):
    assert box <= 780  # of 1000
  shown = "panes().filter((one) => !one.hidden).map((one) => one.dataset.pane)"
  assert started.run(shown) == ["joint", "truth", "other"]
  started.run("document.querySelector('#compared [data-image=worst]').click()")
  started.until(f"drawn('worst') && {name} === 'worst'")
  started.point("[data-pane=other] .stage", 27.5 / 32, 13.5 / 16)
  assert started.run("said('other')") == "car car-body · instance 5 · score 0.70 · FP · IoU 0.00"
  assert started.run("document.documentElement.scrollWidth") <= 400
  captions = "[...document.querySelectorAll('.caption')].map((one) => one.scrollWidth)"
  assert max(started.run(captions)) <= 368  # they wrap
  assert started.problems == []


def test_a_very_long_name_of_a_class_leaves_the_tables_and_the_matrix_in_view(
  started, run, tmp_path
):
  long = shutil.copytree(run, tmp_path / "long")
  for file in (long / "evaluation").rglob("*.json"):
    file.write_text(file.read_text().replace('"person"', f'"{"n" * 300}"'))
  started.problems.clear()
  started.open(page.write(long), width=1000)
  started.run(HELP)
  started.until("ready()")
  started.run("var right = (name) => document.querySelector(name).getBoundingClientRect().right")
  assert started.run("right('#classes td')") < 700
  assert started.run("right('#confusion .ground')") < 1000
  widths = "[...document.querySelectorAll('.segments button')].map((one) => one.clientWidth)"
  assert max(started.run(widths)) < 400
  assert started.run("[...document.querySelectorAll('[title^=nnnnnnnn]')].length") >= 3
  started.point("[data-pane=truth] .stage", 21.5 / 32, 9.5 / 16)
  assert started.run("said('truth')") == f"{'n' * 21}…{'n' * 10} instance 2 · FN · IoU 0.00"
  assert started.problems == []


def test_thumbnails_fade_where_more_are_hidden(started, written):
  started.problems.clear()
  started.open(written, width=320)
  started.run(HELP + "var strip = document.querySelector('.strip'); strip.style.width = '150px'")
  started.until("ready()")
  ends = "['--left', '--right'].map((one) => parseFloat(strip.style.getPropertyValue(one)))"
  widest = started.run("strip.scrollWidth - strip.clientWidth")
  assert widest > 64
  for place, expected in [(0, [0, 32]), (10, [10, 32]), (widest, [32, 0])]:
    started.run(f"strip.scrollLeft = {place}")
    started.until(f"String({ends}) === '{expected[0]},{expected[1]}'", 5)
  started.run("strip.style.width = '2000px'")
  started.until(f"String({ends}) === '0,0'", 5)
  assert started.problems == []


def test_a_page_without_images_has_no_errors(started, run, tmp_path):
  started.problems.clear()
  started.open(page.write(run, tmp_path / "page.html", count=0))
  assert started.run("document.querySelector('.toolbar')") is None
  assert started.problems == []


def test_an_error_of_the_page_would_be_noticed(started, tmp_path):
  broken = tmp_path / "broken.html"
  broken.write_text("<script>console.error('a'); missing.b</script>")
  started.problems.clear()
  started.open(broken)
  assert len(started.problems) == 2
  assert started.problems[0] == "a"
  assert "missing is not defined" in started.problems[1]
