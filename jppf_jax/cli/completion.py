"""`jppf completion {bash,zsh,fish}`: prints a script that lets the shell complete verbs, flags and
names.

It completes verbs, the flags of each, configs, datasets, taxonomies, models of the package, and
paths. The script has all words in it: completing starts no Python. In fish, make it anew after an
update; bash and zsh do so at each start.

- bash: `eval "$(jppf completion bash)"` in `~/.bashrc`
- zsh: `eval "$(jppf completion zsh)"` in `~/.zshrc`, behind `compinit`
- fish: `jppf completion fish > ~/.config/fish/completions/jppf.fish`, once

Example: `jppf completion bash`
"""

import sys

from absl import app

from jppf_jax.cli import command
from jppf_jax.cli.help_text import Shown, suggestion

FLAGS: tuple[Shown, ...] = ()


def main(argv: list[str]) -> None:
  """Prints the script for the shell that the command line names."""
  from jppf_jax.cli import completion_words
  from jppf_jax.cli.completion_scripts import SCRIPTS

  shells = completion_words.SHELLS
  if len(argv) != 2 or argv[1] not in shells:
    near = suggestion(argv[1], shells) if len(argv) == 2 else "."
    got = " ".join(argv[1:]) or "none"
    raise app.UsageError(f"Name one shell of {', '.join(shells)}; got {got}{near}")
  print(SCRIPTS[argv[1]](completion_words.verbs()), end="")


if __name__ == "__main__":
  command.run_module(sys.modules[__name__])
