import json

from jppf_jax.report.markup import Markup, data, join, tag
from tests.report import small


def test_text_is_escaped_once_and_markup_stays():
  inner = tag("b", small.EVIL)
  assert inner == "<b>&lt;script&gt;alert(1)&lt;/script&gt;</b>"
  assert tag("p", inner, None, 3, "&") == f"<p>{inner}3&amp;</p>"
  assert join(inner, "<") == f"{inner}&lt;"
  assert isinstance(join("a"), Markup)


def test_attributes_are_escaped_and_left_out_where_they_are_none_or_false():
  made = tag("a", class_="x", data_name='"><b>', hidden=True, title=None, open=False, width=2.0)
  assert made == '<a class="x" data-name="&quot;&gt;&lt;b&gt;" hidden width="2"></a>'
  assert tag("i", x=1.239) == '<i x="1.24"></i>'


def test_data_cannot_end_its_script():
  value = {"name": "</script><script>alert(1)</script>"}
  text = data(value)
  assert "<" not in text
  assert json.loads(text) == value
