"""A trained model in one call: from a name or a folder to a function of images, and back.

Example:
    ```python
    import jppf_jax

    model = jppf_jax.from_pretrained("clothing")
    parts = model("photo.jpg")
    parts.save("predictions")
    ```
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias, overload

import jax
import numpy as np
from PIL import Image

from jppf_jax import build, photos
from jppf_jax.checkpoints import model_folder
from jppf_jax.checkpoints.card import Card
from jppf_jax.checkpoints.weights import dataset_name, provenance, read_about, save_weights
from jppf_jax.evaluation.batches import Photo, answers, in_batches
from jppf_jax.evaluation.frames import checked
from jppf_jax.evaluation.outputs import distinct_names
from jppf_jax.evaluation.predict import Predictor, load_predictor
from jppf_jax.evaluation.segmentation import Segmentation
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.model import JPPF
from jppf_jax.saving import write_text
from jppf_jax.structs import Array

ImageLike: TypeAlias = Array | Image.Image | str | Path
Images: TypeAlias = list[Any] | tuple[Any, ...]  # of `ImageLike`


class Model:
  """A trained network with its taxonomy: call it with images.

  Attributes:
    predictor: the compiled program; use it for `PanopticParts` without names and pictures.
    config: of the run that made the weights.
    about: JSON values that are stored with the weights: what made them.
  """

  def __init__(self, predictor: Predictor, config: build.Config, about: dict[str, Any]):
    self.predictor, self.config, self.about = predictor, config, about

  @property
  def spec(self) -> LabelSpec:
    """The taxonomy: names, numbers and colours of classes and parts."""
    return self.predictor.spec

  @property
  def _has_parts(self) -> bool:
    return "part" in self.predictor.model.heads

  @overload
  def __call__(self, images: ImageLike, *, batch_size: int = 1) -> Segmentation: ...
  @overload
  def __call__(self, images: Images, *, batch_size: int = 1) -> list[Segmentation]: ...
  def __call__(
    self, images: ImageLike | Images, *, batch_size: int = 1
  ) -> Segmentation | list[Segmentation]:
    """Returns the answer for an image, or a list of answers for a list of images.

    Args:
      images: an image of any size: RGB as uint8 [H W 3], a picture of Pillow, or the path of a
        file; or a list of images, which may differ in kind and size.
      batch_size: how many images of a list are computed together. Each number is compiled once.

    Raises:
      ImageError: a file or a picture cannot be read as a photo.
      ValueError: an array is no RGB image.
    """
    if not isinstance(images, list | tuple):
      return self._answers([images], batch_size)[0]
    return self._answers(images, batch_size)

  def _answers(self, images: Sequence[Any], batch_size: int) -> list[Segmentation]:
    if batch_size < 1:
      raise ValueError(f"batch_size must be at least 1; got {batch_size}.")
    names = _names(images)
    found: dict[int, Segmentation] = {}
    for group in in_batches(_read(images), batch_size, self.predictor.size):
      pixels = [photo.image for photo in group]
      for photo, answer in zip(group, answers(self.predictor, pixels, batch_size), strict=True):
        place = int(photo.name)
        source = Path(photo.source) if photo.source else None
        found[place] = Segmentation(photo.image, answer, self.spec, names[place], source)
    return [found[place] for place in range(len(images))]

  def save_pretrained(
    self, folder: str | Path, *, dtype: str = "float32", license: str = "other"
  ) -> None:
    """Writes the model as a folder that `from_pretrained` and the model hub read.

    The files are `config.json`, `model.safetensors` and the card `README.md`; a card that is there
    already is kept. A taxonomy of your own is written beside them, as a YAML file.

    Args:
      folder: where the files go.
      dtype: storage type of the weights, "float32" or "float16"; they are read as float32.
      license: of the weights, for the card, as the hub names it: "apache-2.0", "other".

    Raises:
      FileExistsError: it is the folder of a run.
      WeightsError: weights are too large for float16.
    """
    folder = Path(folder)
    model_folder.require_no_run(folder)
    predictor = self.predictor
    variables = jax.device_get(predictor.variables)
    about = _passed_on(self.about)
    assert isinstance(predictor.model, JPPF), "`from_pretrained` loads one network"
    about["meaning"] = build.network_meaning(predictor.model, predictor.spec)
    save_weights(folder / model_folder.MODEL_WEIGHTS, variables, about, dtype=dtype)
    build.store_model(self.config, folder)
    card = folder / model_folder.CARD
    if not card.exists():
      write_text(card, str(self._card(folder.resolve().name, license, variables["params"])))

  def _card(self, name: str, license: str, params: Any) -> Card:
    return Card(
      name=name,
      license=license,
      spec=self.spec,
      encoder=self.config.model.encoder,
      parameters=sum(leaf.size for leaf in jax.tree.leaves(params)),
      size=self.predictor.size,
      has_parts=self._has_parts,
      origin=provenance(self.about),
    )

  def __repr__(self) -> str:
    parts = f"{self.spec.num_parts - 1} parts" if self._has_parts else "no part head"
    return f"Model of {self.spec.num_classes} classes and {parts}, {provenance(self.about)}"


def from_pretrained(
  name_or_folder: str | Path,
  *,
  which: str = "last",
  scales: Sequence[float] | None = None,
  flip: bool | None = None,
) -> Model:
  """Returns a trained model.

  Args:
    name_or_folder: the name of a model that comes with the package ("demo"); a folder that
      `Model.save_pretrained` wrote; the folder of a run; or "owner/repo" for a model of the model
      hub, which is fetched if the optional client is installed (`pip install 'jppf_jax[hub]'`).
    which: weights of a run: "last", their moving average "ema", or "best", those of the best
      evaluation while it trained.
    scales: of the working size; the network sees an image at each of them, and the answers are
      averaged. None: those of its config, usually only 1.
    flip: whether it sees the image mirrored as well. None: as its config says.

  Raises:
    ConfigError: a scale is not above 0.
    WeightsError: there is no such model, it does not keep such weights, or they do not fit.
    RunError: its config is damaged.
  """
  folder = model_folder.find(name_or_folder)
  config, weights = build.model_config(folder), model_folder.weights_in(folder, which)
  with config.unlocked():
    if scales is not None:
      config.testing.scales = tuple(map(float, scales))
    if flip is not None:
      config.testing.flip = flip
  return Model(load_predictor(config, weights), config, read_about(weights))


def _names(images: Sequence[Any]) -> list[str]:
  """Returns a name for the results of each image: that of its file, or its place."""
  paths = {place: Path(image) for place, image in enumerate(images) if _is_path(image)}
  files = {place: path.parent.resolve() / path.name for place, path in paths.items()}
  distinct = list(dict.fromkeys(files.values()))  # an image may be given twice
  of_file = dict(zip(distinct, distinct_names(distinct)))
  places = range(len(images))
  plain = [f"image_{place}" for place in places] if len(images) > 1 else ["image"]
  return [of_file[files[place]] if place in files else plain[place] for place in places]


def _is_path(image: Any) -> bool:
  return isinstance(image, str | Path)


def _read(images: Sequence[Any]) -> Iterator[Photo]:
  """Yields images as pixels, named by their place."""
  for place, image in enumerate(images):
    yield Photo(str(place), _pixels(image), str(image) if _is_path(image) else "")


def _pixels(image: Any) -> np.ndarray:
  if _is_path(image):
    return photos.read_image(image)
  if isinstance(image, Image.Image):
    return photos.from_pillow(image)
  return checked(image)


def _passed_on(about: dict[str, Any]) -> dict[str, Any]:
  """Returns what is said about weights, without paths of the machine that made them."""
  kept: dict[str, Any] = {name: about[name] for name in ("steps", "from", "file") if name in about}
  match about:
    case {"config": {"data": {"name": str(dataset)}}}:
      kept["config"] = {"data": {"name": dataset_name(dataset)}}
  return kept
