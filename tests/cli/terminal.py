"""`python terminal.py SHELL SCRIPT LINE...`: what the lines are in a shell after a Tab behind each.

The shell has sourced the script. This is a process of its own, because pexpect (which comes with
the notebooks' kernel) forks, and one that has loaded JAX should not do that.
"""

import re
import sys
from pathlib import Path

START = {
  "bash": ("--norc", "--noprofile", "-i"),
  "zsh": ("-f", "-i"),
  "fish": ("--no-config", "-i"),
}
PREPARE = {
  "bash": "PS1='> '; bind 'set enable-bracketed-paste off'; source {}",
  "zsh": "PROMPT='> '; autoload -U compinit; compinit -u -D; source ./{}",
  "fish": "source {}",
}
TO_THE_START = "\x01"  # Ctrl-A
_COLOUR = re.compile(r"\x1b\[[^a-zA-Z]*[a-zA-Z]")


def completed(shell: str, script: str, typed: list[str]) -> list[str]:
  """Returns the lines after a Tab, without a space or a slash at their end."""
  import pexpect

  terminal = pexpect.spawn(
    shell,
    list(START[shell]),
    encoding="utf8",
    dimensions=(40, 250),
    timeout=60,
    env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(Path.cwd()), "TERM": "dumb"},
  )
  terminal.sendline(PREPARE[shell].format(script) + "; echo rea''dy")
  terminal.expect_exact("ready")
  lines = []
  for text in typed:
    terminal.send(f"{text}\t{TO_THE_START}echo did: \r")  # the line is printed, not run
    terminal.expect(r"\ndid: ([^\r\n]*)[\r\n]")
    lines.append(_COLOUR.sub("", terminal.match[1]).rstrip(" /"))
  terminal.close(force=True)
  return lines


if __name__ == "__main__":
  print("\n".join(completed(sys.argv[1], sys.argv[2], sys.argv[3:])))
