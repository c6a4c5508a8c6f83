"""Names that configs, files and the network share; each is spelt here only."""

HEADS = ("semantic", "part", "instance")  # of the network, as configs and results name them
LOSSES = ("semantic", "part", "rpn_objectness", "rpn_box", "box_class", "box_deltas", "mask")
BUILDER = "_dataset_builder"  # ends the name of a dataset's builder; TFDS wants it
OWN_CONFIG = "_config"  # ends the name of the config that `jppf init` writes beside a builder
