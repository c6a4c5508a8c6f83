"""Wrong values at each place of a mapping, as a slip of the hand or a hostile file has them."""

import copy
import math

HUGE = ["x"]
for _ in range(12):
  HUGE = [HUGE] * 8
VALUES = (
  *(None, True, False, 0, -1, 1, 2, 99, 100, 255, 10**30, 16**5000, 1.5, math.nan),
  *("", "x", "2", "IGNORED", "DEFAULT", "x" * 5000, b"\x00"),
  *([], [1], [[1]], ["x"], [None], [{}], [1, 2, 3], [-1, 300, 2], list(range(300)), HUGE),
  *({}, {"a": 1}, {1: [1]}, {None: None}, {1, 2}),
)
KEYS = (None, True, 0, 1, -1, 100, 10**6, 1.5, "", "x", "DEFAULT", (1, 2))


def mutations(content):
  """Yields changed copies of nested dicts and lists: another value, a missing one, another key."""
  yield from VALUES
  for path in paths(content):
    *above, key = path
    parent = at(content, above)
    for value in VALUES:
      yield replaced(content, above, key, {**parent, key: value} if is_map(parent) else value)
    if is_map(parent):
      yield replaced(content, above, key, {k: v for k, v in parent.items() if k != key})
      for other in KEYS:
        renamed = {other if k == key else k: v for k, v in parent.items()}
        yield replaced(content, above, key, renamed)


def replaced(content, above, key, value):
  """Returns a copy in which `value` stands for the mapping at `above`, or for an item of a list."""
  if not above and is_map(at(content, above)):
    return value
  new = copy.deepcopy(content)
  if is_map(at(new, above)):
    *higher, last = above
    at(new, higher)[last] = value
  else:
    at(new, above)[key] = value
  return new


def paths(content, above=()):
  """Yields the keys that lead to each value below the outermost."""
  items = content.items() if is_map(content) else enumerate(content)
  for key, value in items:
    yield (*above, key)
    if isinstance(value, (dict, list)):
      yield from paths(value, (*above, key))


def at(content, path):
  for key in path:
    content = content[key]
  return content


def is_map(value):
  return isinstance(value, dict)
