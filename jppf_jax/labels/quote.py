"""Values from files as they stand in messages: short, whatever the file contains."""

import reprlib
from collections.abc import Sequence

LONGEST = 200  # characters of a quoted value
LONGEST_TEXT = 300  # characters of another library's message
_MOST_BITS = 128  # Python refuses to write integers of thousands of digits


class _Short(reprlib.Repr):
  """Writes the first few elements of the outer two levels of a value."""

  def __init__(self) -> None:
    super().__init__()
    self.maxlevel = 2
    self.maxlist = self.maxtuple = self.maxdict = self.maxset = self.maxfrozenset = 4
    self.maxstring = self.maxother = 60

  def repr_int(self, x: int, level: int) -> str:
    """Returns an integer, or its size if it has very many digits."""
    bits = x.bit_length()
    return repr(x) if bits <= _MOST_BITS else f"<integer of {bits} bits>"


def quoted(value: object) -> str:
  """Returns a value as Python writes it, cut to `LONGEST` characters at most.

  Nested and repeated values (YAML aliases) are not written out, so the effort is bounded too.
  """
  return shortened(_Short().repr(value), LONGEST)


def shortened(text: object, longest: int = LONGEST_TEXT) -> str:
  """Returns a text, or its beginning if it has more than `longest` characters."""
  text = str(text)
  return text if len(text) <= longest else f"{text[: longest - 4]} ..."


def counted(number: int, word: str) -> str:
  """Returns a number with its word, which gets an s if there are more or fewer than one."""
  return f"{number} {word}" if number == 1 else f"{number} {word}s"


def first_of(names: Sequence[str], most: int = 5) -> str:
  """Returns the first names, with dots if there are more."""
  return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


def listed(problems: Sequence[str], most: int = 50) -> str:
  """Returns problems as an indented list, one per line; if it is cut, it says how many are left."""
  lines = [f"\n  - {problem}" for problem in problems[:most]]
  if len(problems) > most:
    lines.append(f"\n  ... and {len(problems) - most} more")
  return "".join(lines)
