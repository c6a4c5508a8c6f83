import json

import numpy as np
import pytest

from jppf_jax.labels.formats import files
from tests.cli import verbs
from tests.conversion import scenes, tool_folders


def convert(tmp_path, *argv):
  spec = scenes.write_spec(tmp_path / "spec")
  return verbs.here("convert", *argv, f"--spec={spec}", f"--out={tmp_path / 'out'}")


def test_a_folder_is_converted_and_the_next_command_is_said(tmp_path):
  done = convert(tmp_path, "--from=labelme", tool_folders.labelme(tmp_path / "src"))
  assert done.status == 0
  lines = done.out.splitlines()
  assert lines == [
    "1 photo has labels now.",
    "In the spec under names:, but in no file: wheel, shadow",
    f"Next: jppf init {tmp_path / 'out'}",
  ]
  assert (tmp_path / "out/labels/a.tif").is_file()


def test_what_is_wrong_is_printed_and_where_it_is_drawn(tmp_path):
  source = tool_folders.labelme(tmp_path / "src", names=("a", "b"))
  content = json.loads((source / "a.json").read_text())
  content["shapes"][3]["label"] = "boxx"
  (source / "a.json").write_text(json.dumps(content))
  (source / "b.jpg").unlink()
  done = convert(tmp_path, "--from=labelme", source, "--split=train")
  assert done.status == "jppf convert: 1 photo converted, see above for the others."
  assert "  unknown name: 1 time in 1 image, 20 pixels\n" in done.out
  assert "  'boxx', 1 time; did you mean box?\n" in done.out
  assert "b.json: there is no photo 'b.jpg' in" in done.out
  assert (
    f"Listed in {tmp_path}/out/conversion*.txt, drawn in {tmp_path}/out/conversion/." in done.out
  )
  assert (tmp_path / "out/labels/train/a.tif").is_file()


def test_names_that_the_spec_lacks_are_to_be_mended_before_the_next_command(tmp_path):
  source = tool_folders.labelme(tmp_path / "src")
  text = (source / "a.json").read_text()
  (source / "a.json").write_text(text.replace('"box"', '"boxx"'))
  done = convert(tmp_path, "--from=labelme", source)
  assert done.status == 0
  spec = tmp_path / "spec" / "warehouse.yaml"
  *_, first, following = done.out.splitlines()
  assert first == (
    f"First mend the spec: 1 name of the labels is not in {spec}, see above. Convert again then."
  )
  assert following.startswith("Next: jppf init ")


def test_predictions_are_written_for_other_tools(tmp_path):
  files.write_uids(tmp_path / "pred" / "a.tif", np.full((4, 5), 200_101))
  scenes.write_photo(tmp_path / "photos" / "a.jpg", (4, 5))
  options = "--to=coco", tmp_path / "pred", f"--photos={tmp_path / 'photos'}"
  done = convert(tmp_path, *options)
  assert done.out == f"1 image written to {tmp_path / 'out'} for coco.\n"
  assert len(json.loads((tmp_path / "out/instances.json").read_text())["annotations"]) == 2
  done = convert(tmp_path, "--to=coco-panoptic", tmp_path / "pred")
  assert "has no parts; they were left out" in done.out


def test_small_pieces_are_left_out_for_correction_by_hand(tmp_path):
  uids = np.full((9, 9), 1)
  uids[4, 4] = 4_001
  files.write_uids(tmp_path / "pred" / "a.tif", uids)
  scenes.write_photo(tmp_path / "photos" / "a.jpg", uids.shape)
  options = "--to=labelme", tmp_path / "pred", f"--photos={tmp_path / 'photos'}"
  for more, labels in (((), ["floor", "box"]), (("--min_area=2",), ["floor"])):
    assert convert(tmp_path, *options, *more).status == 0
    shapes = json.loads((tmp_path / "out/a.json").read_text())["shapes"]
    assert [shape["label"] for shape in shapes] == labels


@pytest.mark.parametrize(
  "argv, message",
  [
    (("src",), "Needs one folder or file to read"),
    (("--from=coco",), "Needs one folder"),
    (("--from=coco", "--to=coco", "src"), "either --from=TOOL or --to=TOOL"),
    (("--to=voc", "src"), "--to=voc: expected one of coco-panoptic, coco, labelme"),
    (("--to=coco", "src", "--split=train"), "--split belongs to --from"),
    (("--from=coco", "src", "--split=test"), "--split=test"),
    (("--from=labelme", "src", "--min_area=9"), "--min_area belongs to --to=labelme"),
    (("--to=coco", "src", "--min_area=0"), "--min_area belongs to --to=labelme"),
    (("--to=labelme", "src", "--min_area=-1"), "--min_area=-1"),
  ],
)
def test_a_command_line_that_cannot_be_understood_is_refused(tmp_path, argv, message):
  done = convert(tmp_path, *argv)
  assert done.status == 2
  assert message in done.err


def test_what_cannot_be_read_ends_in_one_sentence(tmp_path):
  done = convert(tmp_path, "--from=voc", tmp_path / "nowhere")
  assert done.status == f"jppf convert: There is no file or folder {tmp_path / 'nowhere'}."
  done = convert(tmp_path, "--to=labelme", tmp_path / "nowhere")
  assert done.status == f"jppf convert: There is no folder {tmp_path / 'nowhere'}."
