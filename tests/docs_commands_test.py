"""Every command of the pages is understood, and is run by a test or the table says why not.

Commands stand in code blocks, in backticks, and in the docstrings of `configs/`. Each is parsed as
`jppf` does, up to the point where its verb would begin to work. CHANGELOG is left out: it tells
what was.
"""

import importlib
import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from absl import flags

from jppf_jax import build
from jppf_jax.cli import benchmark, configs, help_text, main, run_flags
from jppf_jax.input_pipeline import datasets
from tests import pages
from tests.cli import verbs

FILES = (
  "README.md",
  "CONTRIBUTING.md",
  *(f"docs/{path.name}" for path in sorted(pages.ROOT.glob("docs/*.md"))),
)
CONFIGS = sorted(path.name for path in pages.ROOT.glob("configs/[a-z]*.py"))
OF_THE_READER = {"FILE.py", "own.py", "photos_dataset/photos_config.py"}  # configs of pages
NAMED_BY_THE_VERB = ("from", "to", "dataset")  # flags whose values its help lists


class Command(NamedTuple):
  """One command of a page."""

  page: str
  text: str
  complete: bool  # in a code block, to be typed as it stands


def in_blocks(text: str) -> Iterator[str]:
  """Yields the commands of code blocks without a language, or of the shell's."""
  for language, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
    if language in ("", "bash"):
      yield from in_lines(block)


def in_lines(block: str) -> Iterator[str]:
  """Yields the lines that start with `jppf`; one that goes on behind a backslash is one."""
  for line in block.replace("\\\n", " ").splitlines():
    if line.startswith("jppf "):
      yield shlex.join(shlex.split(line, comments=True))


def in_backticks(text: str) -> Iterator[str]:
  """Yields the commands in the prose and the tables, one for each of their alternatives."""
  prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
  for found in re.findall(r"`(jppf\s[^`]*)`", prose):
    words = re.sub(r"\[|\]|…|\s\.\.\.(?=\s|$)", "", found).split()
    words = [re.sub("=[A-Z]$", "=1", word) for word in words]  # N processes
    yield from (" ".join(chosen) for chosen in itertools.product(*map(alternatives, words)))


def alternatives(word: str) -> list[str]:
  """Returns what `--from={coco,voc}` and `--which=ema|best` stand for."""
  before, braces, after = re.fullmatch(r"([^{]*)(?:\{(.*)\})?(.*)", word).groups()
  if braces:
    return [f"{before}{choice}{after}" for choice in braces.split(",")]
  flag, _, values = word.rpartition("=")
  return [f"{flag}={value}" if flag else value for value in values.split("|")]


def commands() -> Iterator[Command]:
  for page in FILES:
    text = (pages.ROOT / page).read_text()
    yield from (Command(page, found, True) for found in in_blocks(text))
    yield from (Command(page, found, False) for found in in_backticks(text))
  for name in CONFIGS:
    docstring = importlib.import_module(f"jppf_jax_configs.{name.removesuffix('.py')}").__doc__
    yield from (Command(f"configs/{name}", found, True) for found in in_lines(docstring))
    yield from (Command(f"configs/{name}", found, False) for found in in_backticks(docstring))


# pages whose commands are run word for word, in their order -> the test
WORD_FOR_WORD = {
  "docs/own_data.md": "tests/docs_own_data_test.py",
  "docs/data.md": "tests/docs_data_test.py",  # its section "Your own dataset"
}
# verb -> the tests that run it on files of their own; why the pages' commands are not run as typed
OTHERWISE = {
  "train": ("tests/cli/train_test.py", "minutes to days, most on data that is not ours"),
  "evaluate": ("tests/cli/evaluate_test.py", "needs the runs of these trainings"),
  "predict": ("tests/cli/predict_test.py", "needs the runs of these trainings"),
  "report": ("tests/cli/report_test.py", "needs two runs that were evaluated"),
  "export": ("tests/evaluation/export_test.py", "compiles the network of a photo: minutes"),
  "prepare": ("tests/cli/prepare_test.py", "official files, which the test draws itself"),
  "score": ("tests/cli/score_test.py", "official files, and predictions of others"),
  "merge": ("tests/cli/merge_test.py", "predictions of others"),
  "import-weights": ("tests/cli/import_weights_test.py", "files of others"),
  "tables": ("tests/tables/make_test.py", "nine trainings, 34 minutes at least"),
  "benchmark": ("tests/cli/benchmark_test.py", "measures for minutes on an idle machine"),
  "doctor": ("tests/cli/doctor_test.py", "run there, with a file for what it finds"),
}

COMMANDS = list(dict.fromkeys(commands()))
TYPED = {(command.page, command.text.split()[1]) for command in COMMANDS if command.complete}


def understood(command: Command, module, argv: list[str]) -> None:
  """Takes the place of a verb's `main`: its flags are set, and nothing is computed."""
  verb = command.text.split()[1]
  given = run_flags.CONFIG.value or "cpp"
  config = configs.load("cpp" if given in OF_THE_READER else given)
  configs.changed(build.completed(config), run_flags.CHANGES.value)
  shown = help_text.page(module)
  for name in NAMED_BY_THE_VERB:
    value = flags.FLAGS[name].value if name in help_text.names(module.FLAGS) else None
    assert value is None or value.isupper() or value in shown, f"--{name}={value}"
  if verb == "benchmark" and len(argv) > 1:
    assert argv[1] in benchmark.SUBJECTS
    benchmark._options(argv[1])
  if verb == "prepare" and len(argv) > 1 and argv[1] != "DATASET":
    assert argv[1].split("/")[0] in datasets.NAMES or argv[1].endswith("_dataset_builder.py")
  if command.complete:
    missing = [name for name in required(module) if flags.FLAGS[name].value is None]
    assert not missing, f"needs {missing}"


def required(module) -> list[str]:
  """Returns the flags whose help says that a command needs them."""
  rows = [(help_text.names([shown])[0], help_text.row(shown)) for shown in module.FLAGS]
  return [name for name, row in rows if row.endswith("(required)")]


def complaint(command: Command, monkeypatch) -> str:
  """Returns what is wrong with a command, in the words of `jppf` or of the checks above."""
  monkeypatch.chdir(pages.ROOT)
  _, verb, *rest = shlex.split(command.text)
  verb = "train" if verb == "VERB" else verb
  if verb not in main.VERBS:
    return "" if verb in ("--help", "--version") else verbs.here(verb, *rest).err
  module, reached = verbs.module(verb), []
  monkeypatch.setattr(
    module, "main", lambda argv: reached.append(understood(command, module, argv))
  )
  try:
    done = verbs.here(verb, *rest)
  except AssertionError as error:
    return str(error)
  assert reached or "--help" in rest or done.status
  return done.err if done.status else ""


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{command.page}: {command.text}")
def test_a_command_is_understood(command, monkeypatch):
  assert complaint(command, monkeypatch) == ""


WRONG = {
  "trian --config=cpp --workdir=DIR": "did you mean train?",
  "train --config=cppp --workdir=DIR": "did you mean --config=ppp?",
  "train --config=cpp --workdir=DIR --config.data.batchsize=2": "mean --config.data.batch_size",
  "train --config=cpp --workdir=DIR --config.data.batch_size=two": "must be of type int",
  "train --config=cpp": "needs ['workdir']",
  "evaluate --workdir=DIR --part_dir=DIR": "There is no flag --part_dir",
  "convert photos --from=labelbox --spec=FILE --out=DIR": "--from=labelbox",
  "benchmark speed": "speed",
  "benchmark input --size=64x64": "--size: only",
  "prepare cityscape --manual_dir=DIR --data_dir=DIR": "cityscape",
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_command_would_be_noticed(wrong, monkeypatch):
  assert WRONG[wrong] in complaint(Command("a page", f"jppf {wrong}", True), monkeypatch)


def test_values_of_configs_that_pages_name_exist():
  known = set(configs._paths(build.completed(configs.load("cpp"))))
  groups = {path.rpartition(".")[0] for path in known}
  found = [(page, path) for page in FILES for path in values((pages.ROOT / page).read_text())]
  assert len(found) > 60
  assert [(page, path) for page, path in found if path not in known | groups] == []


def values(text: str) -> Iterator[str]:
  """Yields the values of configs that a page names: `config.a.b`, or `a.b` of a group that no room
  of ours is called like.
  """
  yield from re.findall(r"\bconfig\.([a-z_]+(?:\.[a-z_]+)+)", text)
  own = "data|train|testing|detection|sampling|phases|optimizer"
  short = re.findall(rf"`((?:{own})(?:\.[a-z_]+)+)", text)
  yield from (path for path in short if not path.endswith((".md", ".py")))


def test_every_command_is_run_or_the_table_says_why_not():
  otherwise = {verb for page, verb in TYPED if page not in WORD_FOR_WORD or page == "docs/data.md"}
  assert otherwise == set(OTHERWISE)
  for page, test in WORD_FOR_WORD.items():
    assert Path(page).name in (pages.ROOT / test).read_text()
  for verb, (test, _) in OTHERWISE.items():
    assert re.search(rf"\b{verb.replace('-', '[-_]')}\b", (pages.ROOT / test).read_text()), test


def test_the_commands_of_a_page_are_found():
  text = """`jppf export --out=DIR [--weights=MODEL]`, `jppf predict IMAGE…`;
`jppf evaluate --which=ema|best`
```
jppf train --config=cpp \\
  --workdir=DIR  # trains
```
```python
jppf score
```
"""
  assert list(in_blocks(text)) == ["jppf train --config=cpp --workdir=DIR"]
  assert list(in_backticks(text)) == [
    "jppf export --out=DIR --weights=MODEL",
    "jppf predict IMAGE",
    "jppf evaluate --which=ema",
    "jppf evaluate --which=best",
  ]
