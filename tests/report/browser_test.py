"""The page in a real browser: layers switch, the pointer names what is there, nothing fails."""

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
  var ready = () => document.querySelectorAll(".segments button").length > 0;
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
  return small.write(tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def started():
  found = browser.Browser()
  yield found
  found.close()


@pytest.fixture
def opened(started, run, tmp_path):
  """The page, newly opened; afterwards it must have had neither errors nor warnings."""
  started.problems.clear()
  started.open(page.write(run, tmp_path / "page.html"))
  started.run(HELP)
  started.until("ready()")
  yield started
  assert started.problems == []


@pytest.mark.parametrize(
  "at, prediction, truth",
  [
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
  ],
)
def test_the_pointer_names_what_is_predicted_and_true_at_a_pixel(opened, at, prediction, truth):
  x, y = at
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


def test_a_chosen_mistake_is_enlarged_and_the_rest_dimmed(opened):
  assert opened.run("color('joint', 1, 1)[3]") == 255
  opened.run("document.querySelector('.segments button').click()")
  assert opened.run("[color('joint', 1, 1)[3], color('joint', 28, 14)[3]]") == [36, 255]
  assert opened.run("document.querySelector('.level').textContent") == "200 %"
  left, top, width, height = opened.run(
    "(() => { const [a, b] = ['.stage', '.inner'].map((name) =>"
    "  pane('joint').querySelector(name).getBoundingClientRect());"
    "return [(b.left - a.left) / a.width, (b.top - a.top) / a.height,"
    "  b.width / a.width, b.height / a.height]; })()"
  )
  assert (left, top, width, height) == pytest.approx((-1, -1, 2, 2), abs=0.01)
  opened.point("[data-pane=joint] .stage", 0.75, 0.75)  # of the lower right quarter
  assert opened.run("said('joint')").startswith("car car-body · instance 5")


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
  started.run("document.querySelector('#compared [data-image=worst]').click()")
  started.until(f"drawn('worst') && {name} === 'worst'")
  started.point("[data-pane=other] .stage", 27.5 / 32, 13.5 / 16)
  assert started.run("said('other')") == "car car-body · instance 5 · score 0.70 · FP · IoU 0.00"
  assert started.run("document.documentElement.scrollWidth") <= 400
  assert started.problems == []


def test_an_error_of_the_page_would_be_noticed(started, tmp_path):
  broken = tmp_path / "broken.html"
  broken.write_text("<script>console.error('a'); missing.b</script>")
  started.problems.clear()
  started.open(broken)
  assert len(started.problems) == 2
  assert started.problems[0] == "a"
  assert "missing is not defined" in started.problems[1]
