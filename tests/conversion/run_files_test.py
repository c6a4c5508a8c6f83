import shlex

import pytest

from jppf_jax import build
from jppf_jax.checkpoints import meaning, weights
from jppf_jax.conversion import look, run_files
from jppf_jax.labels.registry import load_spec

PARTS = run_files.Parts(things=True, parts=True)


def config(*, size=(300, 400), count=100, most=3, side=64.0, parts=PARTS):
  found = look.Survey(most_objects=most, sides=[side])
  found.sizes[size] = count
  found.counts["train"] = count
  text = run_files.config(
    "own", ("own_config.py", "own_dataset_builder.py"), "str(HERE)", found, parts
  )
  names = {"__file__": "/data/own_config.py"}
  exec(text, names)
  return names["get_config"]()


@pytest.mark.parametrize(
  "size, view",
  [
    ((300, 400), (288, 384)),
    ((400, 300), (384, 288)),
    ((1024, 2048), (256, 512)),
    ((3000, 4000), (384, 512)),
    ((20, 30), (64, 64)),
    ((100, 4000), (64, 512)),
  ],
)
def test_a_view_has_the_shape_of_the_photos_in_steps_of_32(size, view):
  data = config(size=size).data
  assert tuple(data.train_size) == tuple(data.eval_size) == view


@pytest.mark.parametrize("count, steps", [(2, 200), (100, 900), (1000, 9000), (100_000, 20_000)])
def test_steps_grow_with_the_photos_for_training(count, steps):
  phase = config(count=count).phases.main
  assert phase.steps == steps
  assert 0 < phase.warmup < phase.drops[0] < phase.drops[1] < steps


def test_small_objects_have_small_anchors_and_many_objects_many_detections():
  small = config(side=20.0, most=70)
  assert (small.model.anchor_scale, small.model.finest_scale) == (4.0, 28.0)
  assert (small.data.max_objects, small.detection.max_detections) == (72, 100)
  large = config(side=40.0)
  assert large.model.anchor_scale == 8.0


@pytest.mark.parametrize("side", [20.0, 40.0])
def test_the_weights_to_start_from_are_taken_where_they_fit_the_anchors(side):
  made, spec = config(side=side), load_spec("ppp")
  assert "encoder" in made.model.pretrained_modules
  _, about = weights.read_weights(made.model.pretrained)
  wanted = build.network_meaning(build.model(build.completed(made), spec), spec)
  found = meaning.compare(meaning.of_file(about), wanted, made.model.pretrained_modules)
  assert not found.settings


def test_photos_stay_in_memory_if_they_fit_and_are_seen_alone():
  assert config(size=(3000, 4000), count=30).data.cache
  assert not config(size=(3000, 4000), count=40).data.cache
  assert config().data.beside == config().train.ema_decay == 0


@pytest.mark.parametrize("has_sides", [False, True])
def test_views_are_mirrored_unless_names_say_left_or_right(has_sides):
  assert config(parts=PARTS._replace(sides=has_sides)).data.flip is not has_sides


def test_paths_are_found_from_the_place_of_the_config():
  data = config().data
  assert (data.name, data.manual_dir) == ("/data/own_dataset_builder.py", "/data")


@pytest.mark.parametrize("has_sides", [False, True])
def test_every_value_of_a_config_has_a_comment(has_sides):
  found = look.Survey(most_objects=1, sides=[9.0])
  found.sizes[9, 9] = found.counts["train"] = 2
  parts = PARTS._replace(sides=has_sides)
  text = run_files.config("own", ("a", "b"), "str(HERE)", found, parts)
  body = text[text.index("config.data.update") : text.index("return config")]
  values = [line for line in body.splitlines() if "=" in line]
  assert len(values) > 20
  assert all("  # " in line for line in values)


def test_a_spec_of_the_package_is_named_and_a_yaml_lies_beside_the_builder():
  both = ("photos", "labels")
  found = look.Layout({"train": both, "validation": both}, (".jpg", ".png"), (".tif",))
  assert 'SPEC = "cpp"' in run_files.builder("own", "cpp", found)
  text = run_files.builder("own", "own.yaml", found)
  assert 'SPEC = str(Path(__file__).with_name("own.yaml"))' in text
  assert 'PHOTOS, LABELS = (".jpg", ".png"), (".tif",)' in text


@pytest.mark.parametrize(
  "folders, layout",
  [
    (("photos", "labels"), {"photos": "*.jpg, *.png", "labels": "*.tif"}),
    (("all", "all"), {"all": "*.jpg, *.png, *.tif"}),
  ],
)
def test_the_layout_of_a_builder_names_all_endings(folders, layout):
  found = look.Layout(dict.fromkeys(("train", "validation"), folders), (".jpg", ".png"), (".tif",))
  module = f"layout_{folders[0]}_dataset_builder"  # TFDS wants each name once
  names = {"__file__": f"/data/{module}.py", "__name__": module}
  exec(run_files.builder("own", "cpp", found), names)
  assert names["Builder"].layout("train") == layout


@pytest.mark.parametrize("folder", ["photos", "my photos", "it's"])
def test_the_command_of_a_config_is_one_that_a_shell_understands(folder):
  found = look.Survey(most_objects=1, sides=[9.0])
  found.sizes[20, 30] = found.counts["train"] = 2
  place = f"{folder}/own_config.py"
  text = run_files.config("own", (place, "own_dataset_builder.py"), "str(HERE)", found, PARTS)
  (command,) = [line for line in text.splitlines() if line.startswith("jppf train")]
  assert shlex.split(command) == ["jppf", "train", f"--config={place}", "--workdir=runs/own"]
  compile(text, place, "exec")
