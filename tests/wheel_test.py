"""The wheel, installed outside the repository in a path with a space, has all that is needed.

The new environment sees the libraries of this one, so nothing is downloaded; the package itself is
that of the wheel.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from PIL import Image

import jppf_jax
from jppf_jax.checkpoints import model_folder
from jppf_jax.cli import configs
from jppf_jax.input_pipeline import datasets
from jppf_jax.street_scenes.scene import make_scene

ROOT = Path(__file__).parents[1]
SOURCES = ("jppf_jax", "data", "configs", "setup.py", "pyproject.toml", "README.md", "LICENSE")
FOUND = """
import jppf_jax, jppf_jax_configs, jppf_jax_data
from jppf_jax.checkpoints import model_folder
from jppf_jax.cli import configs
from jppf_jax.input_pipeline import datasets
for module in (jppf_jax, jppf_jax_configs, jppf_jax_data):
  print(module.__path__[0])
print(*[name for name in configs.names() if configs.load(name)])
print(*[name for name in datasets.NAMES if datasets.builder_class(name)])
folders = {name: model_folder.find(name) for name in model_folder.shipped()}
print(*[name for name, folder in folders.items() if model_folder.weights_in(folder).is_file()])
"""


def run(command, folder):
  """Runs a command as a user does who has no clone; returns what it printed."""
  environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
  done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
  assert done.returncode == 0, done.stderr
  return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
  """The `bin` of an environment in which the wheel is installed."""
  folder = tmp_path_factory.mktemp("own folder")
  source = folder / "source"
  source.mkdir()
  for name in SOURCES:
    copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
    copy(ROOT / name, source / name)
  pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
  run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", "wheels", "./source"], folder)
  (wheel,) = (folder / "wheels").iterdir()
  assert wheel.name == f"jppf_jax-{jppf_jax.__version__}-py3-none-any.whl"
  shutil.rmtree(source)
  run([sys.executable, "-m", "venv", "--without-pip", "my venv"], folder)
  python = folder / "my venv" / "bin" / "python"
  run([*pip, f"--python={python}", "install", "--no-deps", "--no-index", str(wheel)], folder)
  (packages,) = (folder / "my venv").glob("lib/python*/site-packages")
  libraries = sysconfig.get_paths()[
    "purelib"
  ]  # behind the own folder: an editable install is not run
  (packages / "libraries.pth").write_text(f"{libraries}\n")
  return python.parent


def test_configs_builders_and_weights_are_those_of_the_wheel(installed, tmp_path):
  *paths, configs_found, builders, models = run(
    [installed / "python", "-c", FOUND], tmp_path
  ).splitlines()
  assert all(Path(path).is_relative_to(installed.parent) for path in paths)
  assert configs_found.split() == configs.names()
  assert builders.split() == list(datasets.NAMES)
  assert models.split() == list(model_folder.shipped())


def test_the_command_is_installed_and_says_its_version(installed, tmp_path):
  first, *_ = run([installed / "jppf", "--version"], tmp_path).splitlines()
  assert first == f"jppf_jax {jppf_jax.__version__}"
  assert "cityscapes_panoptic_parts" in run([installed / "jppf", "completion", "bash"], tmp_path)


def test_a_small_picture_is_predicted_in_a_folder_with_a_space(installed, tmp_path):
  folder = tmp_path / "my photos"
  folder.mkdir()
  image, _ = make_scene(0, size=(64, 128))
  Image.fromarray(image).save(folder / "a street.png")
  printed = run([installed / "jppf", "predict", "a street.png", "--weights=demo"], folder)
  assert printed.startswith("1 image: pictures in predictions, ")
  with Image.open(folder / "predictions" / "uids" / "a street.tif") as uids:
    assert uids.size == (128, 64)
    assert uids.getextrema()[1] > 0
