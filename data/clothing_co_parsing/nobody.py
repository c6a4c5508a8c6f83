"""Photos without people for Clothing Co-Parsing, whose photos all show somebody.

A network that has never seen a photo without a person finds one in each: in a cat, in a flower.
From photos and their labels this makes photos from which the person is gone, in turn

- the surroundings grow into its place;
- its outline is filled with something else: a piece of another photo's surroundings, or of a thing;
- the surroundings grow into its place, and round things of such material lie there.

Photos of things that come with scikit-image are added. The same folder gives the same files.

    python -m jppf_jax_data.clothing_co_parsing.nobody DIR [COUNT]
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import skimage.data
from etils import epath
from PIL import Image
from scipy import ndimage
from tqdm import tqdm

from jppf_jax_data import pairs
from jppf_jax_data.clothing_co_parsing.clothing_co_parsing_dataset_builder import NOBODY, split_of

COUNT = 90
# of scikit-image, without its people, and without its cat and its cup, which are left for trying
THINGS = (
  *("rocket", "hubble_deep_field", "retina", "brick", "grass", "gravel", "coins", "page"),
  *("text", "moon", "clock", "cell", "colorwheel", "immunohistochemistry", "logo"),
)
MARGIN = 12  # pixels around a person that go with it
_BLUR = 4.0  # pixels over which pieces are blended


def make(root: Path, count: int = COUNT) -> int:
  """Writes `nobody/NAME.jpg` below `root`; returns how many files.

  Args:
    root: the `manual_dir`, with `photos` and `annotations`.
    count: of the photos that are made of photos of the dataset: of those for training, evenly
      chosen. Fewer are made if some of these have no labels, or nothing but a person: somebody
      would stay in them.

  Raises:
    FileNotFoundError: there are no annotations, or one of them has no photo.
    ValueError: an annotation has not the size of its photo.
  """
  photos = pairs.by_id(epath.Path(root / "photos"), ".jpg", ".jpeg")
  annotations = pairs.by_id(epath.Path(root / "annotations"), ".png")
  if not annotations:
    raise FileNotFoundError(f"Found no annotations/*.png below {root}.")
  trained = [name for name in sorted(annotations) if split_of(name) == "train"]
  count = min(count, len(trained))
  chosen = [trained[index * len(trained) // count] for index in range(count)]
  missing = [name for name in chosen if name not in photos]
  if missing:
    expected = root / "photos" / f"{missing[0]}.jpg"
    raise FileNotFoundError(f"Found no {expected} for annotations/{missing[0]}.png.")
  people = {name: _person(annotations[name]) for name in chosen}
  people = {name: person for name, person in people.items() if person.any() and not person.all()}
  names = list(people)
  folder = root / NOBODY
  folder.mkdir(exist_ok=True)
  things = [_rgb(getattr(skimage.data, name)()) for name in THINGS]
  for name, thing in zip(THINGS, things):
    _save(thing, folder / f"{name}.jpg")
  for index, (name, person) in enumerate(tqdm(people.items(), "nobody", unit="photo")):
    rng = np.random.default_rng(index)
    photo = _read(photos[name])
    if photo.shape[:2] != person.shape:
      sizes = (f"{rows} x {columns}" for rows, columns in (photo.shape[:2], person.shape))
      raise ValueError("{} has {} pixels, its annotation {}.".format(photos[name], *sizes))
    others = [other for other in names if other != name]
    if index % 2 or not others:
      other = things[int(rng.integers(len(things)))]
    else:
      other_name = others[int(rng.integers(len(others)))]
      other = without(_read(photos[other_name]), people[other_name])
    material = piece(other, photo.shape[:2], rng)
    kind = index % 3
    if kind == 0:
      made = without(photo, person)
    elif kind == 1:
      made = blended(photo, material, person)
    else:
      made = blended(without(photo, person), material, blobs(person.shape, rng))
    _save(made, folder / f"{name}.jpg")
  return len(things) + len(people)


def without(photo: np.ndarray, person: np.ndarray) -> np.ndarray:
  """Returns a photo into whose masked pixels its surroundings grew.

  Args:
    photo: uint8 [H W 3].
    person: bool [H W].
  """
  if person.all() or not person.any():
    return photo
  rows, columns = ndimage.distance_transform_edt(
    person, return_distances=False, return_indices=True
  )
  height, width = person.shape
  # the mirror image of the pixel at the nearest border lies in the surroundings, and has texture
  y, x = np.indices(person.shape)
  mirrored = np.clip(2 * rows - y, 0, height - 1), np.clip(2 * columns - x, 0, width - 1)
  is_free = ~person[mirrored]
  grown = np.where(is_free[..., None], photo[mirrored], photo[rows, columns])
  return blended(photo, grown, person)


def blended(photo: np.ndarray, material: np.ndarray, mask: np.ndarray) -> np.ndarray:
  """Returns a photo with the material where the mask is, with soft borders."""
  grown = ndimage.binary_dilation(mask, iterations=3)
  share = ndimage.gaussian_filter(grown.astype(np.float32), _BLUR / 2)[..., None]
  share = np.where(mask[..., None], 1, share)  # nothing of the person shines through
  return np.rint(photo * (1 - share) + material * share).astype(np.uint8)


def piece(photo: np.ndarray, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
  """Returns a random piece of a photo, enlarged or not, at a size."""
  height, width = photo.shape[:2]
  zoom = rng.uniform(0.3, 1.0)
  rows, columns = max(8, int(zoom * height)), max(8, int(zoom * width))
  y, x = int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1))
  cut = Image.fromarray(photo[y : y + rows, x : x + columns])
  return np.asarray(cut.resize(size[::-1], Image.Resampling.BILINEAR))


def blobs(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
  """Returns the mask of one to three round things, bool [H W]."""
  y, x = np.indices(shape)
  mask = np.zeros(shape, bool)
  for _ in range(int(rng.integers(1, 4))):
    centre = rng.uniform(0.25, 0.75, 2) * shape
    radii = rng.uniform(0.08, 0.4, 2) * shape
    angle = np.arctan2((y - centre[0]) / radii[0], (x - centre[1]) / radii[1])
    bumps = 1 + sum(
      rng.uniform(0, 0.25) * np.cos(k * angle + rng.uniform(0, 2 * np.pi)) for k in (2, 3, 5)
    )
    mask |= np.hypot((y - centre[0]) / radii[0], (x - centre[1]) / radii[1]) < bumps
  return mask


def _person(path: epath.Path) -> np.ndarray:
  with Image.open(path) as image:
    labels = np.asarray(image)
  return ndimage.binary_dilation(labels > 0, iterations=MARGIN)


def _read(path: epath.Path) -> np.ndarray:
  with Image.open(path) as image:
    return np.asarray(image.convert("RGB"))


def _rgb(image: np.ndarray) -> np.ndarray:
  if image.ndim == 2:
    image = np.stack([image] * 3, -1)
  return np.ascontiguousarray(image[..., :3])


def _save(image: np.ndarray, path: Path) -> None:
  Image.fromarray(image).save(path, quality=90)


def main(arguments: Sequence[str]) -> None:
  """Makes the photos of the folder, and as many of them, that were given."""
  parser = argparse.ArgumentParser(description="Photos without people for Clothing Co-Parsing.")
  parser.add_argument("folder", type=Path, help="with photos and annotations")
  parser.add_argument("count", type=int, nargs="?", default=COUNT, help="(default: %(default)s)")
  given = parser.parse_args(arguments)
  try:
    count = make(given.folder, given.count)
  except (FileNotFoundError, ValueError) as error:
    parser.error(f"{error} Expected a folder with photos/*.jpg and annotations/*.png.")
  folder = given.folder / NOBODY
  others = len(list(folder.glob("*.jpg"))) - count
  print(f"{count} photos in {folder}" + (f", beside {others} that were there" if others else ""))
  command = ["jppf", "prepare", "clothing_co_parsing", f"--manual_dir={given.folder}", "--rebuild"]
  print(f"next, if records were built before: {shlex.join(command)}")


if __name__ == "__main__":
  main(sys.argv[1:])
