"""The steps since the last line of the log: their mean metrics, and any that is not finite."""

from pathlib import Path
from typing import Any

import jax
import numpy as np
from PIL import Image

from jppf_jax.saving import whole_file
from jppf_jax.structs import Batch


class NonFiniteLoss(RuntimeError):
  """The loss or its gradient is NaN or infinite; the message names the step and the images."""


class Window:
  """Metrics of steps, still on the device, and the batches of the newest two steps.

  Args:
    workdir: where a batch whose loss is not finite is written, in the folder `not_finite`.
  """

  def __init__(self, workdir: Path):
    self._workdir = workdir
    self._metrics: list[dict[str, Any]] = []
    self._unchecked: list[tuple[int, list[str], Batch, dict[str, Any]]] = []

  def add(self, step: int, ids: list[str], batch: Batch, metrics: dict[str, Any]) -> None:
    """Adds a step that was started.

    Args:
      step: its number.
      ids: of its images.
      batch: of this process, host arrays.
      metrics: on the device.
    """
    self._metrics.append(metrics)
    self._unchecked.append((step, ids, batch, metrics))

  def wait(self) -> None:
    """Waits for all steps but the last, so that at most two batches are on the devices.

    Raises:
      NonFiniteLoss: the loss or its gradient is not finite in one of them.
    """
    while len(self._unchecked) > 1:
      self._check(*self._unchecked.pop(0))

  def drain(self) -> dict[str, float]:
    """Returns the means of the metrics and empties the window.

    Raises:
      NonFiniteLoss: the loss or its gradient is not finite in one of the steps.
    """
    while self._unchecked:
      self._check(*self._unchecked.pop(0))
    fetched, self._metrics = jax.device_get(self._metrics), []
    return {name: float(np.mean([metrics[name] for metrics in fetched])) for name in fetched[0]}

  def _check(self, step: int, ids: list[str], batch: Batch, metrics: dict[str, Any]) -> None:
    """Raises NonFiniteLoss if the loss or its gradient is not finite; writes the batch then.

    A finite loss can have a gradient that is not; the update would then spoil the weights.
    """
    if np.isfinite(jax.device_get([metrics["loss"], metrics["grad_norm"]])).all():
      return
    values = [f"{name} {float(value):.3g}" for name, value in sorted(metrics.items())]
    folder = self._workdir / "not_finite" / f"step_{step}"
    write_batch(folder, batch, ids)
    raise NonFiniteLoss(
      f"Step {step} is not finite ({', '.join(values)}). Its images: {', '.join(ids)}; they are in "
      f"{folder}, as the network saw them. The last good checkpoint is kept; lower "
      "config.phases.*.learning_rate or look at these images."
    )


def write_batch(folder: Path, batch: Batch, ids: list[str]) -> None:
  """Writes the images of a batch as PNG, and all its arrays, one row per image, as `batch.npz`.

  Args:
    folder: is created.
    batch: of this process, host arrays.
    ids: of its images, in their order.
  """
  for number, (image, image_id) in enumerate(zip(np.asarray(batch.image), ids)):
    with whole_file(folder / f"{number}_{Path(image_id).name}.png") as file:
      Image.fromarray(image).save(file, format="PNG")
  with whole_file(folder / "batch.npz") as file, file.open("wb") as opened:
    np.savez_compressed(opened, ids=np.array(ids), **vars(batch))
