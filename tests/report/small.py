"""A small evaluation in a folder, as `jppf evaluate` leaves one, with results known by hand.

Each image is 16 x 32: road, above it sky, a car on the left and a person on the right. The names of
the classes are those of an own taxonomy, one of them looks like HTML.
"""

import json
from pathlib import Path

import numpy as np

from jppf_jax.labels.spec import LabelSpec
from jppf_jax.metrics.cells import count_cells
from jppf_jax.metrics.scores import Scores, score_cells
from jppf_jax.report.record import Answer, Recorder

EVIL = "<script>alert(1)</script>"
SPEC = LabelSpec.from_dict(
  {
    "stuff": {"sky": {"id": 1, "color": [70, 130, 180]}, EVIL: {"id": 2, "color": [90, 90, 90]}},
    "things": {
      "car": {"id": 3, "color": [0, 0, 142], "parts": {"wheel": [1], "body": [2]}},
      "person": {"id": 4, "color": [220, 20, 60]},
    },
  },
  name="own",
)
SKY, ROAD, CAR, PERSON = range(4)
SIZE = (16, 32)


def truth(*, parts: bool = True) -> np.ndarray:
  """Returns uids: sky 8 rows; a car of 6 x 8 with wheels in its last row, a person of 6 x 3.

  Args:
    parts: whether the parts of the car are labelled.
  """
  semantic, instance, part = (np.zeros(SIZE, np.int32) for _ in range(3))
  semantic[8:] = ROAD
  semantic[6:12, 2:10], instance[6:12, 2:10] = CAR, 1
  part[6:12, 2:10] = SPEC.class_parts[CAR][1]
  part[11, 2:10] = SPEC.class_parts[CAR][0]
  semantic[6:12, 20:23], instance[6:12, 20:23] = PERSON, 2
  return SPEC.to_uids(semantic, instance, part if parts else np.zeros_like(part))


def predicted(
  *, missed: bool = False, wrong_part: bool = False, false: bool = False, no_car: bool = False
) -> np.ndarray:
  """Returns channels as the truth, but with mistakes.

  Args:
    missed: the person is road and sky.
    wrong_part: the wheels are body.
    false: there is a car of 4 x 4 on the road, instance 5.
    no_car: the true car is road and sky.
  """
  channels = SPEC.uids_to_channels(truth())
  if missed:
    channels[6:8, 20:23] = channels[0, 0]
    channels[8:12, 20:23] = channels[15, 0]
  if wrong_part:
    channels[11, 2:10] = channels[10, 2:10]
  if false:
    channels[12:16, 26:30] = channels[10, 2]
    channels[12:16, 26:30, 1] = 5
  if no_car:
    channels[6:8, 2:10] = channels[0, 0]
    channels[8:12, 2:10] = channels[15, 0]
  return channels


MISTAKES = {  # of joint fusion, by image
  "right": {},
  "parts": {"wrong_part": True},
  "worst": {"missed": True, "false": True},
}
SCORES = np.float32([0.9, 0.8, 0, 0, 0.7])  # of instances 1, 2 and 5


def write(
  run: Path, mistakes: dict[str, dict] = MISTAKES, *, photos: bool = True, parts: bool = True
) -> Path:
  """Writes a run and its evaluation; returns the folder of the run.

  Args:
    run: the folder.
    mistakes: arguments of `predicted`, by image; of joint fusion. Top-down merging misses the
      person in every image.
    photos: whether there are photos.
    parts: whether the parts of the cars are labelled.
  """
  folder = run / "evaluation" / "validation"
  recorder = Recorder(folder, SPEC)
  scores = {"joint": Scores(SPEC), "top_down": Scores(SPEC)}
  uids = truth(parts=parts)
  for image_id, made in mistakes.items():
    answers = {}
    for method, channels in (("joint", predicted(**made)), ("top_down", predicted(missed=True))):
      cells = count_cells(SPEC, uids, channels)
      scores[method].add_score(image_id, score_cells(SPEC, cells))
      answers[method] = Answer(channels, cells, SCORES)
    photo = np.full((*SIZE, 3), 120, np.uint8) if photos else None
    recorder.add(image_id, photo, uids, answers)
  recorder.save(scores)
  report = {
    "images": len(mistakes),
    **{method: of_method.to_json() for method, of_method in scores.items()},
    "heads": {"semantic_miou": 0.5},
    "testing": {"scales": [0.75, 1.0], "flip": True},
    "seconds_per_image": 0.25,
    "parameters": 1_250_000,
    "made_with": {"date": "2020-01-01", "jax": "1.2.3"},
  }
  (folder / "scores.json").write_text(json.dumps(report))
  config = {"seed": 3, "data": {"name": "scenes", "eval_split": "validation"}}
  (run / "config.json").write_text(json.dumps(config))
  made_with = {"date": "2019-12-31", "jax": "1.2.2", "commit": "abc"}
  (run / "made_with.json").write_text(json.dumps(made_with))
  lines = [{"step": s, "loss": 8.0 / s, "steps_per_second": 0.5} for s in (100, 200, 300)]
  (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
  return run
