"""Runs the code and the commands of docs/data.md, section "Your own dataset"."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jppf_jax.cli import main
from jppf_jax.input_pipeline import datasets, loader, read
from jppf_jax.labels.registry import load_spec

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "data.md").read_text()
WITHOUT_TRAINING = """
import sys
from jppf_jax import build
from jppf_jax.cli import main
from jppf_jax.training import loop

def show_a_batch(config, workdir):  # compiling a network takes a minute; other tests do
  spec = build.label_spec(config)
  batch, _ = next(build.train_iterator(config, spec))
  print(workdir, spec.num_classes, "classes", batch.image.shape)

loop.train = show_a_batch
main.run(sys.argv[1:])
"""
OWN = PAGE[PAGE.index("## Your own dataset") :]


def blocks(language):
  found = re.findall(r"```(\w*)\n(.*?)```", OWN, re.DOTALL)
  return [content for name, content in found if name == language]


def commands():
  for block in blocks(""):
    for line in block.replace("\\\n", " ").splitlines():
      yield shlex.split(line)


def test_your_own_dataset_is_built_and_gives_batches_to_the_run_of_the_page(tmp_path):
  write_label, builder = blocks("python")
  (yaml,) = blocks("yaml")
  (tmp_path / "warehouse.yaml").write_text(yaml)
  (tmp_path / "warehouse_dataset_builder.py").write_text(builder)
  names = {}
  exec(write_label, names)
  for index, split in enumerate(("train", "train", "validation")):
    scene = np.full((20, 40), names["FLOOR"])
    instance, part = np.full((20, 40), -1), np.full((20, 40), -1)
    robot, arm, wheel = np.s_[5:15, 4:12], np.s_[5:10, 4:12], np.s_[10:15, 4:12]
    scene[robot], instance[robot], part[arm], part[wheel] = names["ROBOT"], 1, 2, 3
    cart = np.s_[8:18, 20:30]
    scene[cart], instance[cart], part[cart] = names["CART"], 0, 2
    scene[:2], instance[:2], part[:2] = 9, -1, -1
    for folder in ("photos", "labels"):
      (tmp_path / "raw" / folder / split).mkdir(parents=True, exist_ok=True)
    label_file = tmp_path / "raw" / "labels" / split / f"{index}.tif"
    names["write_label"](label_file, scene, instance, part)
    photo = np.random.default_rng(index).integers(0, 255, (20, 40, 3), np.uint8)
    Image.fromarray(photo).save(tmp_path / "raw" / "photos" / split / f"{index}.jpg")

  (tmp_path / "configs").symlink_to(ROOT / "configs")  # the page's commands are typed beside it
  assert [command[:2] for command in commands()] == [["jppf", "prepare"], ["jppf", "train"]]
  for command in commands():
    run = [sys.executable, "-c", WITHOUT_TRAINING, *command]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
  assert done.stdout.splitlines()[-1] == f"{tmp_path}/runs/warehouse 3 classes (2, 64, 128, 3)"
  folder = datasets.folder("warehouse", tmp_path / "data_sets")
  assert (folder / "contact_sheet.png").is_file()

  spec = load_spec(str(tmp_path / "warehouse.yaml"))
  assert spec.part_names == ("background", "arm", "wheel", "body")
  view = loader.View(spec, size=(20, 40), scale=(1, 1), flip=False, max_objects=4, min_area=1)
  examples = read.open_split(folder, "train")
  batch, _ = next(loader.train_iterator(examples, view, batch_size=2, seed=0))
  np.testing.assert_array_equal(batch.boxes[0, :2], [[4, 5, 12, 15], [20, 8, 30, 18]])
  assert batch.part[0, [6, 12, 10, 0], [5, 5, 25, 0]].tolist() == [1, 2, 3, 255]


@pytest.mark.parametrize("verb", sorted(set(re.findall(r"^jppf (\S+)", PAGE, re.MULTILINE))))
def test_every_command_of_the_page_exists(verb):
  assert verb in main.VERBS


def test_the_table_names_every_dataset_and_only_specs_that_exist():
  rows = {line.split("`")[1] for line in PAGE.splitlines() if line.startswith("| `")}
  assert rows == set(datasets.NAMES)
  for name in re.findall(r"`((?:cpp|ppp)\w*)`", PAGE):
    load_spec(name)
