"""Names that configs, files and the network share; each is spelt here only."""

BUILDER = "_dataset_builder"  # ends the name of a dataset's builder; TFDS wants it
