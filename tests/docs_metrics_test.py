"""Runs the example of docs/metrics.md and compares what it prints."""

from tests import pages


def test_the_example_prints_what_the_page_says():
  names = pages.run("docs/metrics.md")
  assert names["scores"].images.keys() == {"aachen_000000_000019"}
