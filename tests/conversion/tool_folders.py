"""Writes the same small scene in the way of each tool: a floor, a robot with an arm, a box."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from tests.conversion import scenes

SIZE = (12, 20)
ROBOT, ARM, BOX = (3, 2, 8, 9), (3, 2, 8, 4), (12, 5, 15, 9)  # first and last column and row


def expected() -> np.ndarray:
  """Returns the uids: the robot is number 1, and so is the box."""
  uids = np.full(SIZE, 1, np.int32)
  for (left, top, right, bottom), uid in ((ROBOT, 2_001), (ARM, 200_101), (BOX, 4_001)):
    uids[top : bottom + 1, left : right + 1] = uid
  return uids


def corners(box) -> list[list[int]]:
  left, top, right, bottom = box
  return [[left, top], [right, top], [right, bottom], [left, bottom]]


def labelme(folder: Path, names=("a",)) -> Path:
  """LabelMe: a JSON beside each photo."""
  for name in names:
    photo = scenes.write_photo(folder / f"{name}.jpg", SIZE)
    shapes = [
      {"label": "floor", "points": corners((0, 0, 19, 11)), "shape_type": "polygon"},
      {"label": "bot", "points": corners(ROBOT), "shape_type": "polygon", "group_id": 1},
      {"label": "robot/arm", "points": corners(ARM), "shape_type": "polygon", "group_id": 1},
      {"label": "box", "points": [[12, 5], [15, 9]], "shape_type": "rectangle"},
    ]
    content = {"version": "5.5.0", "imagePath": photo.name, "imageData": None, "shapes": shapes}
    content |= {"imageHeight": SIZE[0], "imageWidth": SIZE[1]}
    (folder / f"{name}.json").write_text(json.dumps(content))
  return folder


def _outline(box) -> list[list[float]]:
  """COCO's polygons run along the edges of pixels."""
  left, top, right, bottom = box
  return [
    [float(number) for point in corners((left, top, right + 1, bottom + 1)) for number in point]
  ]


def cvat(folder: Path) -> Path:
  """CVAT's export of shapes drawn with a brush: COCO's, with attributes, each a "crowd"."""
  return coco(folder, crowd=1, attributes={"occluded": False, "rotation": 0.0})


def coco(
  folder: Path,
  *,
  crowd: int = 0,
  subfolder: str = "images/default",
  attributes: dict[str, object] | None = None,
) -> Path:
  """COCO instances."""
  scenes.write_photo(folder / subfolder / "a.jpg", SIZE)
  categories = [(11, "floor", ""), (12, "robot", ""), (150, "arm", "robot"), (7, "box", "")]
  drawn = [(11, (0, 0, 19, 11)), (12, ROBOT), (150, ARM), (7, BOX)]
  content = {
    "images": [{"id": 1, "file_name": "a.jpg", "height": SIZE[0], "width": SIZE[1]}],
    "categories": [
      {"id": number, "name": name, "supercategory": parent} for number, name, parent in categories
    ],
    "annotations": [
      {"id": number, "image_id": 1, "category_id": category, "segmentation": _outline(box)}
      | {"iscrowd": crowd}
      | ({"attributes": attributes} if attributes else {})
      for number, (category, box) in enumerate(drawn, 1)
    ],
  }
  (folder / "annotations").mkdir()
  (folder / "annotations" / "instances_default.json").write_text(json.dumps(content))
  return folder


def masks(folder: Path, *, colors: bool) -> Path:
  """VOC's masks with a list of names, or CVAT's with colours."""
  scenes.write_photo(folder / "JPEGImages" / "a.jpg", SIZE)
  uids = expected()
  scene = np.select([uids == 1, uids == 2_001, uids == 200_101], [1, 2, 3], 4).astype(np.uint8)
  numbers = np.select([uids == 1, uids == 4_001], [0, 2], 1).astype(np.uint8)
  names = ["background", "floor", "robot", "robot/arm", "box"]
  for name, mask in (("SegmentationClass", scene), ("SegmentationObject", numbers)):
    (folder / name).mkdir()
    shown = np.stack([mask * 20, mask, mask], -1) if colors else mask
    Image.fromarray(shown).save(folder / name / "a.png")
  if colors:
    lines = [f"{name}:{20 * index},{index},{index}::" for index, name in enumerate(names)]
    (folder / "labelmap.txt").write_text("\n".join(lines))
  else:
    (folder / "class_names.txt").write_text("\n".join(["__ignore__", "_background_", *names[1:]]))
  return folder


def cityscapes(folder: Path) -> Path:
  """Cityscapes' polygons: a road and two cars."""
  town = folder / "gtFine" / "train" / "town"
  scenes.write_photo(folder / "leftImg8bit/train/town/town_1_2_leftImg8bit.png", SIZE)
  objects = [("road", (0, 0, 19, 11)), ("car", ROBOT), ("car", BOX)]
  content = {
    "imgHeight": SIZE[0],
    "imgWidth": SIZE[1],
    "objects": [{"label": label, "polygon": corners(box)} for label, box in objects],
  }
  town.mkdir(parents=True)
  (town / "town_1_2_gtFine_polygons.json").write_text(json.dumps(content))
  return folder
