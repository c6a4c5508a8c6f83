"""docs/predict.md names the files, keys and columns that predictions have."""

import re

from jppf_jax.evaluation.save import save_prediction
from jppf_jax.evaluation.segments import COLUMNS
from tests import pages
from tests.evaluation.save_test import PHOTO, SPEC, answer

PAGE = (pages.ROOT / "docs/predict.md").read_text()


def first_column(heading: str) -> list[str]:
  """What the first column of the table below `heading` has in backticks."""
  table = PAGE.partition(f"\n| {heading} |")[2].partition("\n\n")[0]
  return re.findall(r"`(.+?)`", " ".join(row.split("|")[1] for row in table.splitlines()[2:]))


def test_the_page_lists_the_files_of_an_image_and_the_keys_of_a_record(tmp_path):
  saved = save_prediction(tmp_path, "photo", PHOTO, answer(), SPEC)
  written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")}
  assert set(first_column("file")) - {"panoptic.json", "segments.csv"} == written
  assert set(first_column("key")) == set(saved.segments[0])


def test_the_page_lists_the_columns_of_the_table():
  assert f"`{', '.join(COLUMNS)}`" in PAGE
