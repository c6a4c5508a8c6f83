import importlib

import pytest

from jppf_jax.cli import main


def test_help_lists_every_verb(capsys):
  main.run(["jppf", "--help"])
  shown = capsys.readouterr().out
  assert all(verb in shown for verb in main.VERBS)


def test_an_unknown_verb_fails_and_shows_the_verbs(capsys):
  with pytest.raises(SystemExit) as stop:
    main.run(["jppf", "trian"])
  assert stop.value.code == 2
  shown = capsys.readouterr().err
  assert "no verb 'trian'" in shown and "train" in shown


@pytest.mark.parametrize("verb", main.VERBS)
def test_every_verb_has_a_module_with_a_main(verb):
  assert callable(importlib.import_module(f"jppf_jax.cli.{verb.replace('-', '_')}").main)
