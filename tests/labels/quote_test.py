import tracemalloc

import pytest

from jppf_jax.labels.quote import LONGEST, counted, first_of, listed, quoted, shortened


def nested(depth):
  """Ten lists within ten lists and so on: 10**depth when written out, a few hundred bytes here."""
  value = [1] * 10
  for _ in range(depth):
    value = [value] * 10
  return value


def test_short_values_stand_as_python_writes_them():
  assert quoted([1, 2, 3]) == "[1, 2, 3]" and quoted("arm") == "'arm'" and quoted(None) == "None"


@pytest.mark.parametrize(
  "value",
  ["x" * 10**6, nested(9), {"a" * 500: nested(9)}, 16**9000, list(range(10**5))],
  ids=["text", "nested", "mapping", "number", "list"],
)
def test_any_value_is_quoted_in_little_space(value):
  tracemalloc.start()
  text = quoted(value)
  _, peak = tracemalloc.get_traced_memory()
  tracemalloc.stop()
  assert 0 < len(text) <= LONGEST and peak < 10**7


def test_a_long_text_is_cut_and_says_so():
  assert shortened("abc") == "abc" and shortened("x" * 999, 20) == "x" * 16 + " ..."


def test_a_long_list_of_problems_says_how_many_are_not_shown():
  assert listed(["a", "b"]) == "\n  - a\n  - b"
  assert listed(["a", "b", "c"], most=2) == "\n  - a\n  - b\n  ... and 1 more"


def test_a_number_has_its_word_in_the_right_form():
  counts = [counted(number, "photo") for number in (0, 1, 2)]
  assert counts == ["0 photos", "1 photo", "2 photos"]


def test_a_few_of_many_names_stand_for_all():
  assert first_of(["a", "b"]) == "a, b"
  assert first_of(["a", "b", "c"], 2) == "a, b, ..."
