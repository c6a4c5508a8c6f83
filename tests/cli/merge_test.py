import numpy as np
import pytest
from absl import app, flags
from absl.testing import flagsaver

from jppf_jax.cli import file_flags, merge
from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.formats import cityscapes, files
from jppf_jax.labels.formats.merge import merge_instances, merge_parts
from tests.cli import verbs
from tests.evaluation.saved_files import IDS, SIZE, write_image, write_panoptic_forms, write_parts

SEVEN = np.full(SIZE, 7)


def path_of(root, name):
  return name and str(root / name)


def run(root, *, panoptic=None, semantic=None, instances=None, min_stuff=1024, out="out"):
  """Runs the verb in this process and returns what it wrote, by image id."""
  flags.FLAGS.mark_as_parsed()
  with flagsaver.flagsaver(
    (file_flags.SPEC, "cpp"),
    (file_flags.OUT, str(root / out)),
    (merge._PARTS, str(root / "parts")),
    (merge._PANOPTIC, path_of(root, panoptic)),
    (merge._SEMANTIC, path_of(root, semantic)),
    (merge._INSTANCES, path_of(root, instances)),
    (merge._MIN_STUFF, min_stuff),
  ):
    merge.main(["merge"])
  return {path.stem: files.read_channels(path) for path in (root / out).iterdir()}


def test_a_panoptic_folder_is_merged_with_its_parts(tmp_path, capsys):
  expected = write_panoptic_forms(tmp_path)
  merged = run(tmp_path, panoptic="panoptic")
  assert sorted(merged) == sorted(expected)
  for image_id, channels in expected.items():
    np.testing.assert_array_equal(merged[image_id], channels)
  out = tmp_path / "out"
  shown = capsys.readouterr().out
  assert f"2 images written to {out}; score them with jppf score --pred={out}." in shown


def test_classes_and_instances_are_merged_with_the_settings_of_the_flags(tmp_path):
  parts = write_parts(tmp_path, np.random.default_rng(0))
  for image_id in IDS:
    write_image(tmp_path / "semantic" / f"{image_id}.png", SEVEN)
    mask = np.eye(*SIZE) > 0
    write_image(tmp_path / "instances" / f"{image_id}_mask.png", mask * 255)
    (tmp_path / "instances" / f"{image_id}.txt").write_text(f"{image_id}_mask.png 26 0.9")
  merged = run(tmp_path, semantic="semantic", instances="instances", min_stuff=100)
  for image_id in IDS:
    found = cityscapes.read_results(tmp_path / "instances" / f"{image_id}.txt")
    panoptic = merge_instances(SEVEN, found, cpp(), min_stuff=100)
    expected = merge_parts(panoptic, parts[image_id], cpp())
    np.testing.assert_array_equal(merged[image_id], expected)
    assert set(np.unique(merged[image_id][..., 0])) == {7, 26}


def test_an_error_ends_the_verb_with_its_message(tmp_path):
  write_panoptic_forms(tmp_path)
  (tmp_path / "parts" / f"{IDS[0]}.png").write_bytes(b"")
  with pytest.raises(SystemExit, match="jppf merge: 1 of 2 images cannot be merged:"):
    run(tmp_path, panoptic="channels")


def test_images_with_very_many_instances_are_named(tmp_path, capsys):
  files.write_uids(tmp_path / "uids" / "a.tif", 26_000 + np.arange(300, dtype=np.int32)[None])
  write_image(tmp_path / "parts" / "a.png", np.zeros((1, 300)))
  with pytest.raises(ValueError, match=r"a\.tif has shape"):  # `run` reads PNGs
    run(tmp_path, panoptic="uids")
  shown = capsys.readouterr().out
  assert "1 have more than 256 instances of a class: uid TIFFs, e.g. a." in shown


@pytest.mark.parametrize(
  "given, out",
  [
    ({"panoptic": "channels"}, "channels"),
    ({"panoptic": "channels"}, "channels/merged"),
    ({"panoptic": "panoptic.json"}, "panoptic/merged"),
    ({"semantic": "a", "instances": "b"}, "a/x"),
    ({"semantic": "a", "instances": "b"}, "b"),
    ({"panoptic": "channels"}, "parts/merged"),
  ],
)
def test_results_never_replace_or_join_what_they_are_made_of(tmp_path, given, out):
  write_panoptic_forms(tmp_path)
  with pytest.raises(SystemExit, match="jppf merge: Cannot write to .* replace what is in the inp"):
    run(tmp_path, out=out, **given)
  assert not (tmp_path / out / f"{IDS[0]}.png").exists() or out == "channels"


@pytest.mark.parametrize(
  "given", [{}, {"panoptic": "a", "semantic": "b"}, {"semantic": "b"}, {"instances": "c"}]
)
def test_one_way_to_give_the_panoptic_prediction_is_needed(tmp_path, given):
  with pytest.raises(app.UsageError, match="either --panoptic, or --semantic and --instances"):
    run(tmp_path, **given)


@pytest.mark.parametrize("name", ["confidence", "overlap"])
@pytest.mark.parametrize("value", ["nan", "-1", "1.01", "inf"])
def test_shares_are_numbers_from_0_to_1(name, value):
  done = verbs.here("merge", f"--{name}={value}")
  assert done.status == 2
  assert f"flag --{name}={float(value)}: Expected a number from 0 to 1." in done.err


def test_the_limits_of_the_flags_are_values_themselves():
  for given in ("--confidence=0", "--confidence=1", "--overlap=0", "--overlap=1", "--min_stuff=0"):
    assert "Needs --spec" in verbs.here("merge", given).err
  done = verbs.here("merge", "--min_stuff=-1")
  assert done.status == 2 and "--min_stuff" in done.err and "non-negative" in done.err


def test_the_advice_to_score_a_folder_with_a_space_can_be_pasted(tmp_path, capsys):
  root = tmp_path / "new comer"
  write_panoptic_forms(root)
  run(root, panoptic="panoptic")
  assert f"score them with jppf score '--pred={root / 'out'}'." in capsys.readouterr().out
