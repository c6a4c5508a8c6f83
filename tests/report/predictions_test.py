import numpy as np
import pytest
from PIL import Image

from jppf_jax.labels.formats import files
from jppf_jax.report import predictions
from jppf_jax.report.read import ReportError
from tests.report import small


@pytest.fixture
def folders(tmp_path):
  """Ground truth, predictions and photos of two images."""
  gt, pred, photos = (tmp_path / name for name in ("gt", "pred", "photos"))
  for folder in (gt, pred, photos):
    folder.mkdir()
  for image_id, mistakes in (("a", {}), ("b", {"missed": True})):
    files.write_uids(gt / f"{image_id}.tif", small.truth())
    files.write_channels(pred / f"{image_id}.png", small.predicted(**mistakes))
    Image.fromarray(np.zeros((*small.SIZE, 3), np.uint8)).save(photos / f"{image_id}.jpg")
  return gt, pred, photos


def test_a_folder_of_predictions_has_a_page(folders, tmp_path):
  gt, pred, photos = folders
  out = predictions.write(small.SPEC, gt, pred, tmp_path / "out.html", progress=False)
  text = out.read_text()
  assert "saved predictions" in text.lower() and "against gt" in text
  assert "2 images · 2 shown" in text and '"photo":null' in text
  with_photos = predictions.write(small.SPEC, gt, pred, out, photos=photos, progress=False)
  assert '"photo":null' not in with_photos.read_text()


def test_missing_predictions_are_named(folders, tmp_path):
  gt, pred, _ = folders
  (pred / "b.png").unlink()
  with pytest.raises(ReportError, match="1 of 2 images have no prediction in .*pred, such as b"):
    predictions.write(small.SPEC, gt, pred, tmp_path / "out.html", progress=False)
