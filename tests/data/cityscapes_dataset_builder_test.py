import warnings

import numpy as np
import pytest
from PIL import Image

from jppf_jax import build
from jppf_jax.input_pipeline import datasets, read
from jppf_jax.labels.registry import load_spec
from jppf_jax_configs import cityscapes
from tests.data import raw_files

NAME = "cityscapes"


def write(root, counts):
  """Writes scenes in the official layout, all kinds of files; returns {image id: instanceIds}."""
  written = {}
  for split, count in counts.items():
    for index in range(count):
      image_id = f"town_{len(written):06d}_000019"
      image, uids = raw_files.scene(index)
      ids = np.where(uids >= 100_000, uids // 100, uids).astype(np.uint16)  # no parts
      folders = [root / kind / split / "town" for kind in ("leftImg8bit", "gtFine")]
      for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
      Image.fromarray(image).save(folders[0] / f"{image_id}_leftImg8bit.png")
      Image.fromarray(ids).save(folders[1] / f"{image_id}_gtFine_instanceIds.png")
      for beside in ("color.png", "labelIds.png", "polygons.json"):
        (folders[1] / f"{image_id}_gtFine_{beside}").touch()
      written[image_id] = ids
  return written


def test_instance_ids_become_records_with_the_classes_and_instances_of_cityscapes(tmp_path):
  written = write(tmp_path / "raw", {"train": 2, "val": 1})
  with pytest.warns(UserWarning, match="train: 2 of 2975, validation: 1 of 500") as noted:
    folder = datasets.build(NAME, data_dir=tmp_path / "built", manual_dir=tmp_path / "raw")
  assert not [note for note in noted if "left out" in str(note.message)]
  examples = [*read.open_split(folder, "train"), *read.open_split(folder, "validation")]
  assert len(examples) == 3
  spec, cpp = load_spec(NAME), load_spec("cpp")
  for example in examples:
    np.testing.assert_array_equal(example["uids"], written[example["image_id"]])
    found, with_parts = spec.decode(example["uids"]), cpp.decode(example["uids"])
    for field in ("semantic", "instance", "crowd"):
      np.testing.assert_array_equal(getattr(found, field), getattr(with_parts, field))
    assert set(np.unique(found.part)) == {0, 255}  # 255: void


def test_the_config_reads_what_was_built(tmp_path):
  write(tmp_path / "raw", {"train": 1, "val": 1})
  config = cityscapes.get_config()
  config.data.update(data_dir=str(tmp_path / "built"), manual_dir=str(tmp_path / "raw"))
  with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)
    assert len(build.examples(config, "validation")) == 1
  assert build.label_spec(config) is load_spec(NAME)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_number_that_is_no_id_is_named(tmp_path):
  write(tmp_path / "raw", {"train": 1, "val": 1})
  (file,) = (tmp_path / "raw").glob("gtFine/val/*/*instanceIds.png")
  Image.fromarray(np.full((16, 32), 120, np.uint16)).save(file)
  with pytest.raises(datasets.data_error(), match="illegal uids, e.g. 120"):
    datasets.build(NAME, data_dir=tmp_path / "built", manual_dir=tmp_path / "raw")


def test_the_spec_has_the_classes_of_cpp_and_no_parts():
  spec, cpp = load_spec(NAME), load_spec("cpp")
  assert (spec.num_classes, spec.num_things, spec.num_parts) == (19, 8, 1)
  assert spec.class_names == cpp.class_names and spec.ap_protocol == "cityscapes"
  assert not any(spec.class_parts)
  assert spec.name == NAME
