"""What can be typed is what the verbs accept; the lists are those of the rooms that know them."""

from jppf_jax.checkpoints import model_folder
from jppf_jax.cli import completion_words, configs, main
from jppf_jax.cli.completion_words import Values
from jppf_jax.input_pipeline import datasets
from jppf_jax.labels import registry
from tests.cli import verbs

VERBS = {verb.name: verb for verb in completion_words.verbs()}


def option(verb, name):
  (found,) = [option for option in VERBS[verb].options if option.name == name]
  return found


def test_every_verb_has_all_of_its_flags_but_that_of_config_values():
  assert list(VERBS) == list(main.VERBS)
  for name, verb in VERBS.items():
    names = [flag for flag in verbs.flags_of(name) if flag != "config.PATH"]
    assert [option.name for option in verb.options] == names


def test_names_are_those_that_the_rooms_list():
  assert completion_words.datasets() == tuple(sorted(datasets.NAMES))
  assert set(completion_words.models()) == set(model_folder.shipped())
  assert VERBS["prepare"].arguments.words == tuple(sorted(datasets.NAMES))
  assert option("train", "config").values == Values(tuple(configs.names()), "files")
  assert option("score", "spec").values == Values(tuple(registry.SPECS), "files")
  assert option("predict", "weights").values.paths == "folders"


def test_a_flag_of_two_verbs_has_the_values_of_each():
  assert "labelme" in option("convert", "from").values.words
  assert "timm" in option("import-weights", "from").values.words
  assert option("predict", "out").values == Values(paths="folders")
  assert option("score", "out").values == Values(paths="files")


def test_choices_booleans_and_numbers():
  assert option("predict", "which").values.words == ("last", "ema", "best")
  assert (option("train", "dry_run").kind, option("train", "dry_run").values) == ("", Values())
  assert (option("predict", "every").kind, option("predict", "every").values) == ("N", Values())
  assert option("train", "config").meaning == "a config of the package"


def test_they_are_found_without_loading_a_large_library():
  loaded = verbs.loaded_by("completion", "bash")
  assert "jppf_jax.cli.completion_words" in loaded
  assert not loaded & {"jax", "flax", "tensorflow_datasets", "grain", "orbax"}
