"""Where the metrics of a run go: JSON lines, TensorBoard events, and Weights & Biases if asked."""

import json
import time
import uuid
from pathlib import Path
from typing import Any, Protocol

from PIL import Image
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.summary_pb2 import Summary

from jppf_jax.saving import write_text

METRICS = "metrics.jsonl"  # in the folder of a run
_WANDB_RUN = "wandb_run.txt"  # in the folder of a run: its id there


class Writer(Protocol):
  """A place for metrics. What `write` and `write_picture` get is there when they return."""

  def write(self, step: int, scalars: dict[str, float]) -> None:
    """Writes the scalars of a step, by name."""

  def write_picture(self, step: int, name: str, picture: Path) -> None:
    """Adds a PNG file to a step, under a name."""

  def close(self) -> None:
    """Ends it."""


class MetricWriter:
  """Writes to `metrics.jsonl`, to TensorBoard events in the same folder, and to Weights & Biases.

  A resumed run continues all of them. An error (the disk is full) is raised by `write`, and not in
  a thread.

  Args:
    workdir: the folder.
    resumed_step: the last step of the run that is resumed; 0 for a new run.
    wandb_project: of Weights & Biases; "" for none.
    config: of the run, which is shown there.
  """

  def __init__(
    self,
    workdir: str | Path,
    *,
    resumed_step: int = 0,
    wandb_project: str = "",
    config: dict[str, Any] | None = None,
  ):
    workdir = Path(workdir)
    self._writers: list[Writer] = [JsonLines(workdir, resumed_step), Events(workdir, resumed_step)]
    if wandb_project:
      self._writers.append(WeightsAndBiases(workdir, wandb_project, config or {}))

  def write(self, step: int, scalars: dict[str, float]) -> None:
    """Writes the scalars of a step, by name."""
    for writer in self._writers:
      writer.write(step, scalars)

  def write_picture(self, step: int, name: str, picture: Path) -> None:
    """Adds a picture wherever pictures can be seen.

    Args:
      step: that it belongs to.
      name: under which it is listed.
      picture: a PNG file.
    """
    for writer in self._writers:
      writer.write_picture(step, name, picture)

  def close(self) -> None:
    """Closes all."""
    for writer in self._writers:
      writer.close()


class JsonLines:
  """A line of `metrics.jsonl` for each step of which losses or scores are known.

  Lines after `resumed_step` are removed first, because these steps are trained again; so each step
  has one line of losses, and one of scores if it was evaluated.

  Args:
    workdir: the folder.
    resumed_step: the last step of the run that is resumed; 0 for a new run.
  """

  def __init__(self, workdir: Path, resumed_step: int):
    path = workdir / METRICS
    if path.exists():
      kept = _lines_until(path, resumed_step)
      write_text(path, "".join(line + "\n" for line in kept))
    self._file = path.open("a")

  def write(self, step: int, scalars: dict[str, float]) -> None:
    """Writes the scalars of a step, by name."""
    line = json.dumps({"step": step, **scalars})
    self._file.write(line + "\n")
    self._file.flush()

  def write_picture(self, step: int, name: str, picture: Path) -> None:
    """Does nothing: pictures are files already."""

  def close(self) -> None:
    """Closes the file."""
    self._file.close()


class Events:
  """TensorBoard events.

  Args:
    workdir: the folder.
    resumed_step: the last step of the run that is resumed; 0 for a new run.
  """

  def __init__(self, workdir: Path, resumed_step: int):
    self._events = EventsWriter(str(workdir / "events"), f".{resumed_step}")
    if resumed_step:  # TensorBoard then drops what it has from this step on
      start = SessionLog(status=SessionLog.START)
      self._add(Event(step=resumed_step + 1, session_log=start))

  def write(self, step: int, scalars: dict[str, float]) -> None:
    """Writes the scalars of a step, by name."""
    values = [Summary.Value(tag=name, simple_value=value) for name, value in scalars.items()]
    self._add(Event(step=step, summary=Summary(value=values)))
    self._events.flush()

  def write_picture(self, step: int, name: str, picture: Path) -> None:
    """Adds a PNG file to a step, under a name."""
    content = picture.read_bytes()
    with Image.open(picture) as opened:
      width, height = opened.size
    image = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=content)
    self._add(Event(step=step, summary=Summary(value=[Summary.Value(tag=name, image=image)])))
    self._events.flush()

  def _add(self, event: Event) -> None:
    event.wall_time = time.time()
    self._events.write_event(event)

  def close(self) -> None:
    """Closes the file."""
    self._events.close()


class WeightsAndBiases:
  """A run of Weights & Biases. Its axis is our step: steps that are trained again are drawn again.

  Where it goes is up to the package: `WANDB_MODE=offline` keeps it in `wandb/` in the folder.

  Args:
    workdir: the folder; keeps the id of the run there, by which it is resumed.
    project: that it belongs to.
    config: of the run.
  """

  def __init__(self, workdir: Path, project: str, config: dict[str, Any]):
    import wandb

    file = workdir / _WANDB_RUN
    if not file.exists():
      write_text(file, uuid.uuid4().hex)
    self._picture = wandb.Image
    self._run = wandb.init(
      project=project,
      name=workdir.name,
      dir=str(workdir),
      id=file.read_text().strip(),
      resume="allow",
      config=config,
    )
    self._run.define_metric("*", step_metric="step")

  def write(self, step: int, scalars: dict[str, float]) -> None:
    """Writes the scalars of a step, by name."""
    self._run.log({"step": step, **scalars})

  def write_picture(self, step: int, name: str, picture: Path) -> None:
    """Adds a PNG file to a step, under a name."""
    self._run.log({"step": step, name: self._picture(str(picture))})

  def close(self) -> None:
    """Ends the run there; waits until it is sent."""
    self._run.finish()


def check_installed(wandb_project: str) -> None:
  """Checks that a project of Weights & Biases can be written to.

  Raises:
    ValueError: the package is missing.
  """
  if not wandb_project:
    return
  try:
    import wandb  # noqa: F401
  except ImportError as error:
    raise ValueError(
      f"config.train.wandb_project={wandb_project!r} needs a package that is not installed: "
      "pip install 'jppf_jax[wandb]', or leave it empty."
    ) from error


def _lines_until(path: Path, last: int) -> list[str]:
  """Returns the complete lines of steps up to `last`; a killed run may end in half a line."""
  kept = []
  for line in path.read_text().splitlines():
    try:
      step = json.loads(line)["step"]
    except (json.JSONDecodeError, KeyError):
      continue
    if step <= last:
      kept.append(line)
  return kept
