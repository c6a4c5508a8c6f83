"""Writes generated scenes as files of Cityscapes Panoptic Parts, in the layout of the real data."""

import contextlib
import hashlib
import multiprocessing
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin, TiffImagePlugin
from tqdm import tqdm

from jppf_jax.labels.formats.files import write_image
from jppf_jax.street_scenes.scene import make_scene

GENERATOR = "jppf synthetic scene, version 1"
_DESCRIPTION_TAG = 270  # TIFF ImageDescription


def write_cpp(
  root: str | os.PathLike,
  *,
  split_counts: Mapping[str, int],
  size: tuple[int, int] = (256, 512),
  seed: int = 0,
  progress: bool = True,
  workers: int = 1,
) -> Path:
  """Writes scenes in the official folder layout and returns the root.

  ```
  leftImg8bit/<split>/<city>/<city>_<seq:6>_<frame:6>_leftImg8bit.png                    RGB
  gtFinePanopticParts/<split>/<city>/<city>_<seq:6>_<frame:6>_gtFinePanopticParts.tif    int32, LZW
  ```

  A file appears only when it is complete. Existing files that are complete and from the same seed
  and size are kept, so a run that was stopped continues. Scenes of different splits never share a
  seed.

  Args:
    root: created if missing.
    split_counts: how many scenes per split, e.g. `{"train": 400, "val": 50}`.
    size: height and width.
    seed: of the whole dataset; scene `i` of a split is the same for any count.
    progress: shows a bar.
    workers: processes that draw; the files are the same for any number of them.

  Raises:
    ValueError: a negative count, or a split's name that cannot be a folder of the layout.
  """
  root = Path(root)
  for split, count in split_counts.items():
    if count < 0 or not split.isalpha():
      raise ValueError(
        "Splits are letters only with a count of at least 0, e.g. train=400; "
        f"got {split!r}: {count}."
      )
  jobs = [
    (root, split, index, size, seed)
    for split, count in split_counts.items()
    for index in range(count)
  ]
  with contextlib.ExitStack() as stack:
    bar = stack.enter_context(
      tqdm(total=len(jobs), desc="scenes", unit="scene", disable=not progress)
    )
    each: Callable[..., Iterable[None]] = map
    if workers > 1:
      spawn = multiprocessing.get_context("spawn")  # a fork of a process that runs JAX can hang
      each = stack.enter_context(ProcessPoolExecutor(workers, mp_context=spawn)).map
    for _ in each(_write_scene, jobs):
      bar.update()
  return root


def scene_seed(seed: int, split: str, index: int) -> int:
  """Returns the seed of one scene, different for each dataset seed, split and index."""
  digest = hashlib.sha256(f"{seed}/{split}/{index}".encode()).digest()
  return int.from_bytes(digest[:8], "big")


def scene_paths(root: Path, split: str, index: int) -> tuple[Path, Path]:
  """Returns photo and label file of a scene; as in Cityscapes, the annotated frame is the 20th of
  its sequence.
  """
  city = f"synthetic{split}"
  name = f"{city}_{index:06d}_000019"
  return (
    root / "leftImg8bit" / split / city / f"{name}_leftImg8bit.png",
    root / "gtFinePanopticParts" / split / city / f"{name}_gtFinePanopticParts.tif",
  )


def _write_scene(job: tuple[Path, str, int, tuple[int, int], int]) -> None:
  root, split, index, size, seed = job
  photo, label = scene_paths(root, split, index)
  origin = f"{GENERATOR}, {size[0]}x{size[1]}, {seed}/{split}/{index}"
  if _is_whole(photo, origin, size) and _is_whole(label, origin, size):
    return
  image, uids = make_scene(scene_seed(seed, split, index), size=size)
  text = PngImagePlugin.PngInfo()
  text.add_text("Description", origin)
  write_image(photo, Image.fromarray(image), format="PNG", pnginfo=text, compress_level=3)
  tags = TiffImagePlugin.ImageFileDirectory_v2()
  tags[_DESCRIPTION_TAG] = origin
  uid_image = Image.fromarray(uids.astype(np.int32))
  write_image(label, uid_image, format="TIFF", compression="tiff_lzw", tiffinfo=tags)


def _is_whole(path: Path, origin: str, size: tuple[int, int]) -> bool:
  """Whether the file exists, is readable to its end and is this scene."""
  try:
    with Image.open(path) as image:
      image.load()
      if isinstance(image, TiffImagePlugin.TiffImageFile):
        described = image.tag_v2.get(_DESCRIPTION_TAG)
      else:
        described = image.info.get("Description")
      return image.size == (size[1], size[0]) and described == origin
  except (OSError, SyntaxError, ValueError):  # Pillow reports broken chunks as SyntaxError
    return False
