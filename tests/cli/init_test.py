import shlex

import pytest

from tests.cli import verbs
from tests.conversion import scenes, tool_folders
from tests.conversion.init_test import write_pairs


def test_what_was_found_and_written_and_what_to_type_next_is_printed(tmp_path):
  folder = write_pairs(tmp_path / "my robots", count=2)
  done = verbs.here("init", folder)
  assert done.status == 0
  head, _, commands = done.out.partition("Next:\n")
  assert "Photos with labels: 2" in head
  for name in ("my_robots.yaml", "my_robots_dataset_builder.py", "my_robots_config.py"):
    assert f"Written: {folder / name}\n" in head
    assert (folder / name).is_file()
  prepare, train = (shlex.split(line) for line in commands.splitlines())
  builder = str(folder / "my_robots_dataset_builder.py")
  assert prepare == ["jppf", "prepare", builder, f"--manual_dir={folder}", "--data_dir=data_sets"]
  assert train[:2] == ["jppf", "train"]


def test_the_spec_and_the_photos_can_be_named(tmp_path):
  source = tool_folders.labelme(tmp_path / "src")
  (tmp_path / "photos").mkdir()
  (source / "a.jpg").rename(tmp_path / "photos" / "a.jpg")
  spec = scenes.write_spec(tmp_path / "spec")
  done = verbs.here("init", source, f"--spec={spec}", f"--photos={tmp_path / 'photos'}")
  assert f"--spec={spec}" in done.out and f"--photos={tmp_path / 'photos'}" in done.out
  assert "Written" not in done.out and "cannot be used" not in done.out


def test_a_warning_is_one_line(tmp_path):
  source = tool_folders.labelme(tmp_path / "src")
  path = source / "a.json"
  path.write_text(path.read_text().replace('"robot/arm"', '"left shoe"'))
  done = verbs.jppf("init", source)
  assert done.returncode == 0
  (warning,) = verbs.remarks(done.stderr)
  assert warning.startswith("warning: src: 'left shoe' says left or right, but keeps its id in")


@pytest.mark.parametrize("argv", [(), ("a", "b")])
def test_one_folder_is_needed(argv):
  done = verbs.here("init", *argv)
  assert (done.status, "Needs one folder" in done.err) == (2, True)


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path):
  done = verbs.here("init", tmp_path / "nowhere")
  assert done.status == f"jppf init: There is no folder {tmp_path / 'nowhere'}."
