"""HTML and SVG as text: what comes from files is escaped, what `tag` made is not escaped again."""

import html
import json
from typing import Any


class Markup(str):
  """Text that is HTML already."""


def tag(name: str, *children: object, **attributes: object) -> Markup:
  """Returns an element.

  Args:
    name: of the element.
    *children: what it holds. None is left out, anything that is no `Markup` is escaped.
    **attributes: an underscore becomes a hyphen, one at the end is dropped (`class_`). None and
      False are left out, True has no value.
  """
  written = [_attribute(key, value) for key, value in attributes.items()]
  opening = " ".join([name, *filter(None, written)])
  return Markup(f"<{opening}>{join(*children)}</{name}>")


def join(*children: object) -> Markup:
  """Returns children of an element one behind the other, escaped as `tag` does."""
  return Markup("".join(_text(child) for child in children if child is not None))


def data(value: Any) -> Markup:
  """Returns JSON that can stand inside of a `script` element."""
  text = json.dumps(value, separators=(",", ":"), allow_nan=False)
  return Markup(text.replace("<", "\\u003c"))


def _text(child: object) -> str:
  return child if isinstance(child, Markup) else html.escape(str(child))


def _attribute(key: str, value: object) -> str:
  if value is None or value is False:
    return ""
  name = key.rstrip("_").replace("_", "-")
  return name if value is True else f'{name}="{html.escape(_number(value))}"'


def _number(value: object) -> str:
  """Returns a value as text; fractions have at most two digits, as pixels need no more."""
  return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
