"""The methods that an evaluation compares, and the rows of its table."""

METHODS = {  # of `evaluation.compare.Prediction`, and key in the report: title
  "joint": "joint fusion",
  "joint_filled": "joint, filled",
  "top_down": "top-down merge",
  "top_down_filled": "top-down, filled",
  "panoptic": "panoptic fusion",
}
SAVED = "saved"  # the method of predictions that another program saved
TITLES = {**METHODS, SAVED: "saved predictions"}
ROWS = {  # where the number is in the scores of a method
  "PartPQ All": ("part_pq", "all", "part_pq"),
  "PartPQ P": ("part_pq", "parts", "part_pq"),
  "PartPQ NP": ("part_pq", "no_parts", "part_pq"),
  "PQ": ("pq", "all", "pq"),
  "SQ": ("pq", "all", "sq"),
  "RQ": ("pq", "all", "rq"),
  "Sem. mIoU, fused": ("semantic_miou",),
  "Part mIoU, fused": ("part_miou",),
  "Density": ("density", "full"),
}
VARIANTS = {  # key in the report: title and caption of a table of variants
  "oracle": ("Oracle", "The truth in place of a head’s outputs: where scores are lost"),
  "readings": ("Readings", "One choice of the fusion changed at a time"),
}
VARIANT_ROWS = ("PartPQ All", "PartPQ P", "PartPQ NP", "PQ", "Density")  # that these tables show
_NAMES = ("PartPQ All", "PartPQ P", "PartPQ NP", "Density")
PAPER = {  # Table 4, single scale, percent: dataset, encoder and size of its settings
  ("cityscapes_panoptic_parts", "b5", (1024, 2048)): {
    "joint": dict(zip(_NAMES, (59.6, 47.7, 63.8, 99.33))),
    "top_down": dict(zip(_NAMES, (59.5, 47.5, 63.7, 99.13))),
  },
  ("pascal_panoptic_parts", "b5", (512, 512)): {
    "joint": dict(zip(_NAMES, (32.3, 48.3, 26.9, 92.10))),
    "top_down": dict(zip(_NAMES, (29.0, 37.8, 26.0, 89.57))),
  },
}
