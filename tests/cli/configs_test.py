"""Configs by name and from files, changed values, and a sentence for what is wrong with either."""

import ml_collections
import pytest
from absl import app

from jppf_jax.cli import configs
from jppf_jax_configs import clothing, cpp, smoke
from tests.configs_test import CONFIGS

FILE = """
import ml_collections

def get_config(text="none"):
  return ml_collections.ConfigDict({"text": text, "pair": (1, 2)})
"""


def message(function, *arguments) -> str:
  """What the UsageError of a call says."""
  with pytest.raises(app.UsageError) as error:
    function(*arguments)
  return str(error.value)


def test_the_names_are_those_of_the_folder():
  assert configs.names() == CONFIGS


@pytest.mark.parametrize("given", ["clothing", str(configs.FOLDER / "clothing.py")])
def test_a_name_and_a_file_give_the_same_from_any_folder(given, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  config = configs.load(given)
  assert config == clothing.get_config()
  assert config.is_locked


def test_a_relative_file_is_one_of_the_current_folder(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  (tmp_path / "configs").mkdir()
  (tmp_path / "configs/clothing.py").write_text(FILE)
  assert configs.load("configs/clothing.py").text == "none"


def test_a_name_is_that_of_the_package_and_a_file_beside_it_is_mentioned(
  tmp_path, monkeypatch, capsys
):
  monkeypatch.chdir(tmp_path)
  (tmp_path / "smoke.py").write_text(FILE)
  (tmp_path / "cpp").mkdir()
  assert configs.load("smoke") == smoke.get_config()
  assert capsys.readouterr().err == (
    "--config=smoke is that of the package; the file here is --config=smoke.py\n"
  )
  assert configs.load("smoke.py").text == "none"
  assert configs.load("cpp") == cpp.get_config()
  assert capsys.readouterr().err == ""


@pytest.mark.parametrize("text", ["b5", "a:b", ""])
def test_what_stands_behind_a_colon_is_the_argument_of_get_config(text, tmp_path):
  path = tmp_path / "own.py"
  path.write_text(FILE)
  assert configs.load(f"{path}:{text}").text == text
  with_colon = tmp_path / "a:b.py"
  with_colon.write_text(FILE)
  assert configs.load(str(with_colon)).text == "none"


@pytest.mark.parametrize(
  "given, words",
  [
    ("clothin", ["no config 'clothin'", "did you mean --config=clothing?", *CONFIGS]),
    ("nothing_like_it", ["no config 'nothing_like_it'.", *CONFIGS]),
    ("", ["no config ''", *CONFIGS]),
    ("/no/such.py", ["no config file '/no/such.py'", *CONFIGS]),
    ("configs/ppp.py", ["no config file 'configs/ppp.py' here", "--config=ppp"]),
    ("ppp.py", ["no config file 'ppp.py' here", "--config=ppp"]),
    (".", ["no config '.'"]),
    ("cpp:b5", ["--config=cpp:b5: TypeError", "get_config()"]),
  ],
)
def test_a_config_that_does_not_exist_is_a_sentence(given, words, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  said = message(configs.load, given)
  assert all(word in said for word in words), said
  assert "\n" not in said


@pytest.mark.parametrize(
  "text, words",
  [
    ("x = 1\ndef get_config(:\n", ["line 2: SyntaxError: "]),
    ("import jppf_nowhere\n", ["line 1: ModuleNotFoundError: ", "jppf_nowhere"]),
    ("\n\ndef get_config():\n  return 1 / 0\n", ["line 4: ZeroDivisionError: "]),
    ("def get_config():\n  open('/no/such')\n", ["line 2: FileNotFoundError: ", "/no/such"]),
    ("def config():\n  return 1\n", ["no function get_config()"]),
    ("def get_config():\n  pass\n", ["ConfigDict", "NoneType"]),
    ("def get_config():\n  return {'a': 1}\n", ["ConfigDict", "dict"]),
    ("from jppf_jax_configs import cpp\ndef get_config():\n"
     "  c = cpp.get_config()\n  c.data.batchsize = 2\n  return c\n", ["line 4: ", "batchsize"]),
  ],
)  # fmt: skip
def test_a_file_that_gives_no_config_is_a_sentence_with_the_line(text, words, tmp_path):
  path = tmp_path / "own.py"
  path.write_text(text)
  said = message(configs.load, str(path))
  assert said.startswith(f"--config={path}: ")
  assert all(word in said for word in words), said


@pytest.mark.parametrize(
  "content, line",
  [
    (b"x = 1\ndef get_config(:\n", 2),
    (b"x = 1\n\nx = '\xff'\n", 3),
    (b"x = 1\nx = '\0'\n", 2),
    (b"# coding: nowhere\n", 1),
    (b"x = 1\neval('1 +')\n", 2),
  ],
)
@pytest.mark.parametrize("form", ["own.py", "./own.py", "../{}/own.py"])
def test_what_python_cannot_read_has_its_line(content, line, form, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  (tmp_path / "own.py").write_bytes(content)
  given = form.format(tmp_path.name)
  assert message(configs.load, given).startswith(f"--config={given}: line {line}: SyntaxError: ")


def test_an_import_that_python_cannot_read_is_named_with_its_line(tmp_path, monkeypatch):
  monkeypatch.syspath_prepend(tmp_path)
  other = tmp_path / "unreadable_part.py"
  other.write_text("x = 1\n\ndef f(:\n")
  path = tmp_path / "own.py"
  path.write_text("x = 1\nimport unreadable_part\n")
  said = message(configs.load, str(path))
  assert said.startswith(f"--config={path}: line 2: {other}, line 3: SyntaxError: ")


def test_a_file_that_is_no_python_is_a_sentence(tmp_path):
  path = tmp_path / "own.yaml"
  path.write_text("a: 1")
  assert "ends in .py" in message(configs.load, str(path))
  path = tmp_path / "own.py"
  path.write_bytes(b"\xff\xfe\x00")
  assert f"--config={path}: " in message(configs.load, str(path))


@pytest.mark.parametrize(
  "change, path, value",
  [
    ("data.batch_size=7", "data.batch_size", 7),
    ("data.flip=false", "data.flip", False),
    ("data.cache", "data.cache", True),
    ("phases.main.learning_rate=1", "phases.main.learning_rate", 1.0),
    ("phases.main.learning_rate=1e-5", "phases.main.learning_rate", 1e-5),
    ("model.pretrained=", "model.pretrained", ""),
    ("model.pretrained=a=b", "model.pretrained", "a=b"),
    ("data.train_size=(64, 128)", "data.train_size", (64, 128)),
    ("data.train_size=64,128", "data.train_size", (64, 128)),
    ("model.heads=semantic,instance", "model.heads", ("semantic", "instance")),
    ("model.heads=part", "model.heads", ("part",)),
    ("model.heads=('part', 'semantic')", "model.heads", ("part", "semantic")),
    ("seed=-3", "seed", -3),
  ],
)
def test_a_value_is_read_by_its_type(change, path, value):
  before = cpp.get_config()
  config = configs.changed(before, [change])
  found = config
  for name in path.split("."):
    found = found[name]
  assert (found, type(found)) == (value, type(value))
  assert config.is_locked
  assert before == cpp.get_config()


def test_changes_add_up_and_the_last_one_of_a_value_counts():
  changes = ["seed=1", "data.train_size=32", "data.batch_size=5", "data.train_size=96", "seed=2"]
  config = configs.changed(cpp.get_config(), changes)
  assert (config.seed, config.data.train_size, config.data.batch_size) == (2, (32, 96), 5)


def test_epochs_stay_epochs_when_the_batch_size_changes():
  frozen = configs.changed(cpp.get_config(), ["data.batch_size=4"]).phases.frozen
  assert (cpp.get_config().phases.frozen.steps, frozen.steps) == (3_720, 7_440)
  given = configs.changed(cpp.get_config(), ["phases.frozen.steps=5", "data.batch_size=4"])
  assert given.phases.frozen.steps == 5


@pytest.mark.parametrize(
  "change, meant",
  [
    ("data.batchsize=2", ["data.batch_size"]),
    ("batch_size=2", ["data.batch_size"]),
    ("dat.flip=true", ["data.flip", "testing.flip"]),
    ("data.Flip=true", ["data.flip", "testing.flip"]),
    ("optimizer.learning_rat=1", ["phases.frozen.learning_rate", "phases.main.learning_rate"]),
    ("model.encodr=b0", ["model.encoder"]),
  ],
)
def test_a_name_that_does_not_exist_is_refused_with_the_nearest(change, meant):
  said = message(configs.changed, cpp.get_config(), [change])
  names = " or ".join(f"--config.{path}" for path in meant)
  assert said == f"The config has no value {change.partition('=')[0]!r}; did you mean {names}?"


@pytest.mark.parametrize(
  "path, listed",
  [("data.xyzzy", "data.batch_size, data.beside"), ("xyzzy", "data, detection"), ("", "data, ")],
)
def test_a_name_like_no_other_is_refused_with_those_beside_it(path, listed):
  said = message(configs.changed, cpp.get_config(), [f"{path}=1"])
  assert said.startswith(f"The config has no value {path!r}; it has {listed}")


def test_a_value_below_a_value_or_a_whole_group_is_refused():
  assert "no value 'seed.x'" in message(configs.changed, cpp.get_config(), ["seed.x=1"])
  said = message(configs.changed, cpp.get_config(), ["optimizer={}"])
  assert "--config.optimizer is a group of values" in said
  assert "optimizer.name" in said


@pytest.mark.parametrize(
  "path, text, kind",
  [
    ("data.batch_size", "many", "int"),
    ("data.batch_size", "2.5", "int"),
    ("data.batch_size", "", "int"),
    ("data.flip", "maybe", "bool"),
    ("phases.main.learning_rate", "fast", "float"),
    ("data.train_size", "big", "tuple"),
    ("data.train_size", "(a, b)", "tuple"),
    ("data.train_size", "('a', 'b')", "tuple"),
  ],
)
def test_a_value_of_another_type_is_refused_with_an_example(path, text, kind):
  said = message(configs.changed, cpp.get_config(), [f"{path}={text}"])
  assert said.startswith(f"--config.{path} must be of type {kind}, like ")
  assert said.endswith(f"; got {text!r}.")


def test_a_value_that_is_not_given_is_refused():
  assert message(configs.changed, cpp.get_config(), ["seed"]).endswith("; got none.")


def test_values_of_a_run_s_stored_config_can_be_changed_as_well():
  stored = ml_collections.ConfigDict({"data": {"train_size": (32, 64), "scale": (0.5, 2)}}).lock()
  assert configs.changed(stored, ["data.scale=(1, 1.5)"]).data.scale == (1, 1.5)
