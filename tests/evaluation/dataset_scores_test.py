import numpy as np

from jppf_jax.evaluation.compare import Prediction
from jppf_jax.evaluation.dataset_scores import DatasetScores
from jppf_jax.structs import PanopticParts
from tests.evaluation import empty
from tests.evaluation import head_scores_test as scenes


def counted(*images, spec=scenes.SPEC):
  """Two cars in each image; in the first rows of the image of number n, n * 16, all is void."""
  scores = DatasetScores(spec, min_score=0.5)
  for number in images:
    uids = scenes.picture()
    truth = spec.decode(uids)
    semantic = truth.semantic.copy()
    semantic[: 16 * number] = 255
    instance = np.where(truth.instance >= 0, truth.instance + 1, 0).astype(np.int32)
    answer = PanopticParts(semantic, instance, truth.part, empty.SEGMENTS)
    prediction = Prediction(
      joint=answer,
      top_down=answer,
      semantic=semantic,
      part=truth.part,
      detections=scenes.found(0.9 - number / 10, 0.2),
    )
    scores.add(f"{number}", uids, truth, prediction, seconds=float(number))
  return scores


def test_counts_of_several_processes_give_the_report_of_one():
  merged, empty_handed = counted(0, 2), counted()
  merged.merge(counted(1, 3))
  merged.merge(empty_handed)
  whole, report = counted(0, 1, 2, 3).report(), merged.report()
  assert report.pop("seconds_per_image") == 2.5  # of images 2 and 3; 0 and 1 were compiled
  assert whole.pop("seconds_per_image") == 2
  assert report == whole
  empty_handed.merge(counted(1, 3))
  assert empty_handed.report() == counted(1, 3).report()
