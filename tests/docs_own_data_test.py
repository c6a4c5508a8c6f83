"""Runs the commands of docs/own_data.md in their order, on photos that were labelled in LabelMe."""

import re
import shlex
from collections import Counter

import numpy as np
import yaml

from jppf_jax import build
from jppf_jax.cli import configs
from jppf_jax.conversion import draft, hints, sources
from jppf_jax.conversion.compose import KINDS
from jppf_jax.conversion.export import TOOLS
from jppf_jax.conversion.nesting import Inside
from jppf_jax.labels import other_names, own_tables
from jppf_jax.labels.formats import files
from tests import pages
from tests.cli import verbs
from tests.conversion import tool_folders

PAGE = (pages.ROOT / "docs/own_data.md").read_text()


def commands():
  for language, block in re.findall(r"^```(\w*)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE):
    for line in () if language else block.splitlines():
      yield shlex.split(line, comments=True)[1:]


def test_the_commands_of_the_page_lead_from_labels_to_a_run_and_back(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  for path in tool_folders.labelme(tmp_path / "photos", names=("a", "b", "c")).glob("*.json"):
    path.write_text(path.read_text().replace('"bot"', '"robot"'))
  said = ""
  for argv in commands():
    if argv[0] == "train":  # compiling a network takes a minute; other tests do
      config = build.completed(configs.load(argv[1].removeprefix("--config=")))
      spec = build.label_spec(config)
      batch, ids = next(build.train_iterator(config, spec))
      assert set(ids) < {"a", "b", "c"}
      assert batch.image.shape[1:3] == tuple(config.data.train_size)
      arm = 1 + spec.part_names[1:].index("arm")
      assert arm in batch.part
      continue
    if argv[0] in ("evaluate", "predict"):  # of that run; tests of both verbs do
      assert argv[-1] == "--workdir=runs/photos"
      continue
    if "--to=labelme" in argv:
      files.write_uids(tmp_path / "predictions/uids/a.tif", tool_folders.expected() * 0 + 1)
    done = verbs.here(*argv)
    assert done.status == 0, done
    said += done.out
  for command in list(commands())[1:3]:
    assert shlex.join(["jppf", *command]) in said
  (training,) = (command for command in commands() if command[0] == "train")
  assert f"next: {shlex.join(['jppf', *training])}\n" in said
  found = files.read_uids(tmp_path / "photos_dataset/labels/a.tif")
  assert len(np.unique(found)) == len(np.unique(tool_folders.expected()))
  assert (tmp_path / "corrected/a.json").is_file()


def test_the_edit_of_the_page_is_what_init_hints_at_for_its_draft():
  _, *yamls = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
  before, after = (yaml.safe_load(text) for text in yamls)
  counts = Counter({(name, ""): 1 for name in before["things"]})
  classes = draft.classes_of_names(counts, set())
  (background,) = draft.background(classes, draft.FEW)
  drafted = draft.taxonomy([*classes, background], from_names=True, unlabelled=background.name)
  assert yaml.safe_load(drafted) == before
  inside = {name: Inside("person", 1.0) for name in ("hair", "shoe")}
  hinted = "\n".join(hints.of_names(counts, set(), inside, has_names=True).edits)
  _, _, lines = hinted.partition("person:")
  entry, _, names = lines.partition("And these at the end, under names:\n")
  entry, _, rest = entry.partition("If the rest of person is a part, too: ")
  assert rest == "`rest: [3]` in its parts, and `person/unlabelled: person/rest` under names.\n"
  assert yaml.safe_load("  person:" + entry) == after["things"]
  assert before["names"] | yaml.safe_load(names) == after["names"]
  assert before["stuff"] == after["stuff"]
  assert f"{100 * draft.FEW:.0f} % of the pixels or more" in PAGE
  assert own_tables.problems(before) == own_tables.problems(after) == []


def test_the_rest_of_a_person_can_be_a_part_as_the_page_says():
  _, *yamls = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
  content = yaml.safe_load(yamls[-1])
  rest, meant = re.search(r"add `(.*?)` to the parts, and `(.*?)` to the names", PAGE).groups()
  content["things"]["person"]["parts"] |= yaml.safe_load(rest)
  content["names"] |= yaml.safe_load(meant)
  assert own_tables.problems(content) == []
  names = other_names.Names(own_tables.own_names(content), content["names"])
  assert names.rests == {1: 3}


def first_column(heading):
  _, _, after = PAGE.partition(f"\n| {heading} |")
  rows = after.partition("\n\n")[0].splitlines()[2:]
  return [row.split("|")[1].strip().strip("`") for row in rows]


def test_the_tables_name_every_tool_and_every_kind_of_problem():
  assert set(first_column("TOOL")) == set(sources.TOOLS)
  assert set(first_column("`--to=`")) == set(TOOLS)
  hidden, covered = KINDS[3:5]
  together = f"{hidden}, or {covered.removeprefix('object ')}"
  listed = [row.split(" (")[0] for row in first_column("problem")]
  assert listed == [*KINDS[:3], together, KINDS[5]]


def test_the_names_of_the_page_are_right_for_the_taxonomy_of_data_md():
  names, _, _ = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
  data = (pages.ROOT / "docs/data.md").read_text()
  (taxonomy,) = re.findall(
    r"```yaml\n(.*?)```", data[data.index("## Your own dataset") :], re.DOTALL
  )
  assert own_tables.problems(yaml.safe_load(taxonomy + names)) == []
