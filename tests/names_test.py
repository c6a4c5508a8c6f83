"""Names that several rooms spell are those that files, network and losses really have."""

from jppf_jax import names
from jppf_jax.input_pipeline import datasets
from tests import pages


def test_the_files_of_builders_end_as_the_name_says():
  found = {path.stem for path in (pages.ROOT / "data").glob("*/*_dataset_builder.py")}
  assert found == {name + names.BUILDER for name in datasets.NAMES}
