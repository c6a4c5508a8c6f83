import copy
import dataclasses
import re
import shutil
from pathlib import Path

import pytest

from jppf_jax.report import comparison, images
from jppf_jax.report.read import ReportError, called, read
from tests.report import small


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
  root = tmp_path_factory.mktemp("runs")
  better = {image_id: {} for image_id in small.MISTAKES}
  return read(small.write(root / "new", better)), read(small.write(root / "old"))


def test_scores_classes_and_images_say_what_changed(runs):
  made = comparison.comparison(*runs)
  assert "Compared with old" in made
  new, old = (run.scores["joint"]["part_pq"]["all"]["part_pq"] for run in runs)
  row = re.search("PartPQ All</th>(.*?)</tr>", made)[1]
  assert re.findall(r"[+\d.]+", re.sub("<.*?>", " ", row)) == [
    f"{100 * old:.1f}",
    f"{100 * new:.1f}",
    f"+{100 * (new - old):.1f}",
  ]
  named = re.findall('data-image="(.*?)"', made)
  assert named == ["worst", "parts", "right"]
  table = made.partition("PartPQ of classes")[2]
  assert re.findall('<th scope="row">(.*?)</th>', table)[:2] == ["car", "person"]


def test_a_class_that_became_much_worse_comes_before_one_that_became_a_little_better(tmp_path):
  new = read(small.write(tmp_path / "new", {"a": {"no_car": True}, "b": {"no_car": True}}))
  old = read(small.write(tmp_path / "old", {"a": {"missed": True}, "b": {}}))
  table = comparison.comparison(new, old).partition("PartPQ of classes")[2]
  changes = re.findall('<th scope="row">(.*?)</th>.*?<span class="(up|down|same)">', table)
  assert changes[:2] == [("car", "down"), ("person", "up")]


def test_bars_are_of_the_new_run_and_ticks_of_the_old_one(runs):
  car = re.search(">car</th>(.*?)</tr>", comparison.comparison(*runs))[1]
  (bar,) = re.findall(r"width:([\d.]+)%", car)
  (tick,) = re.findall(r"left:([\d.]+)%", car)
  assert float(tick) < float(bar) == 100  # the new run has no mistake


def test_an_image_that_became_better_has_a_plus_and_gets_a_minus_the_other_way(runs):
  for pair, sign in ((runs, "+"), (runs[::-1], "−")):
    row = re.search('data-image="worst"(.*?)</tr>', comparison.comparison(*pair))[1]
    assert re.findall(r"([+−±])[\d.]+", row) == [sign]


def test_the_config_lists_only_what_differs(runs):
  new, old = runs
  assert "of the config differ" not in comparison.comparison(new, old)
  changed = copy.deepcopy(old.config)
  changed["data"]["name"] = "other"
  made = comparison.comparison(new, dataclasses.replace(old, config=changed))
  assert "1 value of the config differs" in made
  assert "data.name</th><td>other</td><td>scenes</td>" in made
  changed["data"]["name"] = "scenes"
  changed["model"] = {"pretrained": "/home/a/runs/b/weights.safetensors"}
  made = comparison.comparison(new, dataclasses.replace(old, config=changed))
  assert "<td>b/weights.safetensors</td><td>–</td>" in made


def test_few_images_are_counted_in_words(runs, tmp_path):
  assert "3 images in common, the largest change first" in comparison.comparison(*runs)
  one = read(small.write(tmp_path / "one", {"worst": {}}))
  assert ">1 image in common<" in comparison.comparison(one, runs[1])
  ten = {f"image {n}": {} for n in range(10)}
  all_shown = [read(small.write(tmp_path / name, ten)) for name in ("ten", "as_ten")]
  assert "10 images in common, the largest change first" in comparison.comparison(*all_shown)
  twelve = {f"image {n}": {} for n in range(12)}
  many, as_many = (read(small.write(tmp_path / name, twelve)) for name in ("many", "as_many"))
  assert "The 10 images that changed most, of 12" in comparison.comparison(many, as_many)


def test_runs_of_one_name_are_told_apart_by_the_folders_in_front(tmp_path):
  new, old = (read(small.write(tmp_path / name / "a" / "m")) for name in ("new", "old"))
  assert called(new, old) == ("new/a/m", "old/a/m")
  made = comparison.comparison(new, old)
  assert "Compared with old/a/m" in made and "the tick is old/a/m" in made
  heads = ["percent", "old/a/m", "new/a/m", "change"]
  assert re.findall('<th scope="col">(.*?)</th>', made)[:4] == heads
  assert '<i class="series0"></i>new/a/m<' in made and '<i class="series1"></i>old/a/m<' in made
  pane = images.packed(new, 1, old)["panes"][-1]
  assert pane["title"] == "old/a/m: joint fusion"
  train = new.folder.with_name("train")
  shutil.copytree(new.folder, train)
  assert called(new, read(train)) == ("m, validation", "m, train")
  assert comparison.remark(new, read(train)) is None


def test_runs_are_told_apart_by_where_they_are_not_by_how_they_are_given(tmp_path, monkeypatch):
  new, old = (small.write(tmp_path / place / "m") for place in ("new", "old"))
  monkeypatch.chdir(new)
  assert called(read(Path()), read(old)) == ("new/m", "old/m")
  assert called(read(Path()), read(new)) == ("m", "m")


def test_a_run_in_a_folder_of_its_own_name_has_more_folders_in_front(tmp_path):
  outer = small.write(tmp_path / "m")
  inner = small.write(tmp_path / "m" / "m")
  names = [read(run) for run in (outer, inner)]
  assert called(*names) == (f"{tmp_path.name}/m", "m/m")
  of = {place: dataclasses.replace(names[0], name="m", run=Path(place)) for place in ("/m", "/m/m")}
  assert called(of["/m"], of["/m/m"]) == ("m", "m/m")  # one path is the end of the other
  assert called(of["/m/m"], of["/m"]) == ("m/m", "m")


def test_a_run_and_itself_are_one_remark(runs):
  new, _ = runs
  made = comparison.comparison(new, read(new.folder))
  assert "<p>new is compared with itself: nothing can differ.</p>" in made
  assert "<table" not in made


def test_curves_of_both_runs_are_in_one_chart(runs):
  made = comparison.comparison(*runs)
  assert made.count("line series0") == made.count("line series1") == 2
  new, old = runs
  worse = [line | {"loss": line["loss"] + 1} for line in old.metrics]
  made = comparison.comparison(new, dataclasses.replace(old, metrics=worse))
  heights = {}
  for points, run in re.findall('points="(.*?)" class="line (.*?)"', made):
    heights.setdefault(run, []).append(float(points.split()[0].split(",")[1]))
  loss = [heights[run][0] for run in ("series0", "series1")]  # the new run first
  assert loss[0] > loss[1]  # the larger loss of the old run lies higher


def test_runs_of_other_classes_or_images_are_refused(runs):
  new, old = runs
  analysis = copy.deepcopy(old.analysis)
  analysis["spec"]["name"] = "another"
  with pytest.raises(ReportError, match="classes of own, .* those of another"):
    comparison.require_same(new, dataclasses.replace(old, analysis=analysis))
  scores = copy.deepcopy(old.scores)
  scores["joint"]["per_image"] = {"z": scores["joint"]["per_image"]["worst"]}
  with pytest.raises(ReportError, match="no image in common"):
    comparison.require_same(new, dataclasses.replace(old, scores=scores))
  comparison.require_same(new, old)
