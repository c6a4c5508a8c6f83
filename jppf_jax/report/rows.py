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
