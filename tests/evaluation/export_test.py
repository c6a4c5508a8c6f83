import json
import subprocess
import sys

import jax
import numpy as np
import pytest

from jppf_jax import build
from jppf_jax.evaluation import exported_loader
from jppf_jax.evaluation.export import ExportError, export
from jppf_jax.evaluation.predict import Predictor, load_predictor
from jppf_jax.fusion.config import FusionConfig
from jppf_jax.labels.registry import load_spec
from tests.seams.stub_network import ColourNetwork

SPEC = load_spec("cpp")
ALONE = """
import sys
sys.modules["jppf_jax"] = sys.modules["flax"] = None  # importing them fails
import numpy as np
from load import load
segment, about = load()
images = np.load("images.npy")
found = segment(images)
np.savez("found.npz", **found)
"""


@pytest.fixture(scope="module")
def exported(tiny_run, tmp_path_factory):
  """The folder of the shared run's program, and its predictor."""
  folder = tmp_path_factory.mktemp("exported")
  predictor = load_predictor(tiny_run.config, tiny_run.workdir / build.RUN_WEIGHTS)
  export(predictor, folder, batch_size=2)
  return folder, predictor


def test_where_the_library_cannot_be_imported_the_program_answers_as_it_does(exported):
  folder, predictor = exported
  images = np.random.default_rng(0).integers(0, 256, (2, *predictor.size, 3), np.uint8)
  np.save(folder / "images.npy", images)
  subprocess.run([sys.executable, "-c", ALONE], cwd=folder, check=True)
  found = np.load(folder / "found.npz")
  for row, live in enumerate(predictor.batch(list(images))):
    for field in ("semantic", "instance", "part"):
      np.testing.assert_array_equal(found[field][row], getattr(live, field))
    np.testing.assert_array_equal(found["areas"][row], live.segments.areas)
    np.testing.assert_array_equal(found["labels"][row], live.segments.labels)
    np.testing.assert_allclose(found["scores"][row], live.segments.scores, rtol=1e-5)


def test_the_metadata_says_what_the_ids_mean(exported):
  folder, predictor = exported
  about = json.loads((folder / "metadata.json").read_text())
  spec = predictor.spec
  assert [entry["name"] for entry in about["classes"]] == list(spec.class_names)
  assert [entry["label_id"] for entry in about["classes"]] == spec.class_ids.tolist()
  assert sum(entry["is_thing"] for entry in about["classes"]) == spec.num_things
  assert [entry["name"] for entry in about["parts"]] == list(spec.part_names)
  assert (about["image"]["height"], about["image"]["width"]) == predictor.size
  assert about["jax"] == jax.__version__
  assert about["exported"] < about["expires"]


def test_a_program_that_jax_no_longer_reads_says_what_to_do(exported, tmp_path):
  folder, _ = exported
  for name in ("program.jax", "metadata.json"):
    (tmp_path / name).write_bytes((folder / name).read_bytes()[:2000])
  (tmp_path / "metadata.json").write_text((folder / "metadata.json").read_text())
  with pytest.raises(RuntimeError, match=r"^Expired: .* Export it again with `jppf export`"):
    exported_loader.load(tmp_path)


def test_a_loader_of_someone_else_is_not_replaced(tmp_path):
  (tmp_path / "load.py").write_text("mine")
  net = ColourNetwork(shades=(0.0,) * SPEC.num_classes, num_parts=SPEC.num_part_outputs)
  predictor = Predictor(net, {}, SPEC, size=(64, 64), config=FusionConfig())
  with pytest.raises(ExportError, match="choose another folder"):
    export(predictor, tmp_path)
  assert [path.name for path in tmp_path.iterdir()] == ["load.py"]


def test_padding_is_left_out_also_in_the_exported_program(tmp_path):
  shades = tuple(np.linspace(10, 240, SPEC.num_classes))
  net = ColourNetwork(shades=shades, num_parts=SPEC.num_part_outputs)
  predictor = Predictor(net, {}, SPEC, size=(64, 64), config=FusionConfig(min_stuff_area=0))
  export(predictor, tmp_path, size=(32, 96), platforms=["cpu"])
  segment, about = exported_loader.load(tmp_path)
  assert (about["image"]["height"], about["image"]["width"]) == (32, 96)
  image = np.full((1, 32, 96, 3), 10, np.uint8)
  found = segment(image, np.array([[20, 50]], np.int32))
  inside = np.zeros((32, 96), bool)
  inside[:20, :50] = True
  np.testing.assert_array_equal(found["semantic"][0], np.where(inside, 0, about["void"]))


@pytest.mark.parametrize(
  "wrong, message",
  [
    ({"platforms": ["cpu", "gpu"]}, r"some of cpu, cuda, tpu; got \['gpu'\]"),
    ({"platforms": []}, "some of cpu, cuda, tpu; got none"),
    ({"size": (0, 64)}, "sizes of 1 or more; got 0 x 64"),
  ],
)
def test_what_cannot_be_exported_is_refused(exported, tmp_path, wrong, message):
  with pytest.raises(ExportError, match=message):
    export(exported[1], tmp_path / "out", **wrong)
  assert not (tmp_path / "out").exists()


def test_a_program_that_sees_an_image_several_times_is_refused_with_what_to_do(tmp_path):
  net = ColourNetwork(shades=(10.0,) * SPEC.num_classes, num_parts=SPEC.num_part_outputs)
  testing = build.MultiScale((1.0,), flip=True)
  predictor = Predictor(net, {}, SPEC, size=(64, 64), config=FusionConfig(), testing=testing)
  message = "sees each image once, but the config says scale 1, mirrored too; export with"
  with pytest.raises(ExportError, match=message):
    export(predictor, tmp_path / "out")
  assert not (tmp_path / "out").exists()
