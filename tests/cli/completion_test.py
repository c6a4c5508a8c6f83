import pytest

from jppf_jax.cli import completion_scripts, completion_words
from tests.cli import verbs


@pytest.mark.parametrize("shell", completion_words.SHELLS)
def test_the_script_of_a_shell_is_printed(shell):
  script = completion_scripts.SCRIPTS[shell](completion_words.verbs())
  assert verbs.here("completion", shell) == (0, script, "")


def test_every_shell_has_a_script():
  assert tuple(completion_scripts.SCRIPTS) == completion_words.SHELLS


def test_a_shell_must_be_named():
  said = verbs.here("completion").err
  assert said.startswith("jppf completion: Name one shell of bash, zsh, fish; got none.\n")


def test_another_shell_is_refused_with_the_nearest():
  done = verbs.here("completion", "zhs")
  assert (done.status, done.out) == (2, "")
  assert done.err.startswith(
    "jppf completion: Name one shell of bash, zsh, fish; got zhs; did you mean zsh?\n"
  )
