"""Small reports of `evaluate` for the tests of the tables."""

COSTS = [  # of Table 5
  {
    "system": "JPPF",
    "seconds": {"predictions": 3.0, "joint fusion": 1.0, "total": 4.0},
    "shares": {"predictions": 0.75, "joint fusion": 0.25, "total": 1.0},
    "paper_shares": {"predictions": 0.594, "joint fusion": 0.406, "total": 1.0},
    "temporary_mb": 12.0,
  }
]


def report(
  *, part_pq: float = 0.5, part_miou: float | None = 0.6, density: float = 0.9, pq: float = 0.4
) -> dict:
  """Returns a report in which joint fusion has the given numbers, the merge a tenth less."""

  def scores(factor):
    names = {"all": 1.0, "parts": 0.8, "no_parts": 1.2}
    return {
      "part_pq": {name: {"part_pq": share * factor * part_pq} for name, share in names.items()},
      "pq": {"all": {"pq": factor * pq, "sq": 0.8, "rq": 0.5}},
      "density": {"full": factor * density},
    }

  heads = {"semantic_miou": 0.7, "instance_ap": {"ap": 0.3}}
  if part_miou is not None:
    heads["part_miou"] = part_miou
  return {
    "joint": scores(1.0),
    "top_down": scores(0.9),
    "heads": heads,
    "parameters": 1_500_000,
    "seconds_per_image": 0.25,
  }
