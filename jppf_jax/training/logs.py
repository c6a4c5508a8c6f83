"""What a run says and writes: lines, a progress bar, metrics as JSON lines and TensorBoard events.

Only the first process of a distributed run says anything.
"""

import json
import sys
import time
from pathlib import Path

import jax
from PIL import Image
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.summary_pb2 import Summary
from tqdm import tqdm

from jppf_jax.saving import write_text


def say(text: str) -> None:
  """Prints a line, above the progress bar if there is one; in the first process only."""
  if jax.process_index() == 0:
    tqdm.write(text)
    sys.stdout.flush()


METRICS = "metrics.jsonl"  # in the folder of a run


class MetricWriter:
  """Appends scalars to `metrics.jsonl` and to TensorBoard events in the same folder.

  A resumed run continues the file. Lines after `resumed_step` are removed first, because these
  steps are trained again; so each step has one line of losses, and one of scores if it was
  evaluated. Everything is written when `write` returns: an
  error (the disk is full) is raised there, and not in a thread.

  Args:
    workdir: the folder.
    resumed_step: the last step of the run that is resumed; 0 for a new run.
  """

  def __init__(self, workdir: str | Path, *, resumed_step: int = 0):
    workdir = Path(workdir)
    self._path = workdir / METRICS
    if self._path.exists():
      kept = _lines_until(self._path, resumed_step)
      write_text(self._path, "".join(line + "\n" for line in kept))
    self._file = self._path.open("a")
    self._events = EventsWriter(str(workdir / "events"), f".{resumed_step}")
    if resumed_step:  # TensorBoard then drops what it has from this step on
      start = SessionLog(status=SessionLog.START)
      self._add(Event(step=resumed_step + 1, session_log=start))

  def write(self, step: int, scalars: dict[str, float]) -> None:
    """Writes the scalars of a step, by name."""
    line = json.dumps({"step": step, **scalars})
    self._file.write(line + "\n")
    self._file.flush()
    values = [Summary.Value(tag=name, simple_value=value) for name, value in scalars.items()]
    self._add(Event(step=step, summary=Summary(value=values)))
    self._events.flush()

  def write_picture(self, step: int, name: str, picture: Path) -> None:
    """Adds a picture to the TensorBoard events.

    Args:
      step: that it belongs to.
      name: under which TensorBoard lists it.
      picture: a PNG file.
    """
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
    """Closes both files."""
    self._file.close()
    self._events.close()


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


class Progress:
  """Speed and time left: a bar in a terminal, a line per call of `show` in a log file.

  Args:
    total: number of steps of the run.
    start: steps that are done already.
  """

  def __init__(self, total: int, start: int):
    in_terminal = sys.stderr.isatty() and jax.process_index() == 0
    self._bar = tqdm(  # smoothing 0: the mean speed since the last compilation
      total=total,
      initial=start,
      desc="train",
      unit="step",
      smoothing=0,
      dynamic_ncols=True,
      disable=not in_terminal,
    )
    self._total, self._done = total, start
    self.compiled(start)

  def compiled(self, done: int) -> None:
    """Moves the bar, and restarts the clock: compilation does not count in the speed."""
    self.reach(done)
    self._since_step, self._since = done, time.monotonic()
    if not self._bar.disable:
      self._bar.initial = self._bar.last_print_n = done
      self._bar.start_t = self._bar.last_print_t = time.time()

  def reach(self, done: int) -> None:
    """Moves the bar: `done` steps are done, and their results known."""
    self._bar.update(done - self._done)
    self._done = done

  def show(self, **values: str) -> None:
    """Shows values beside the bar, or prints them with position, speed and time left."""
    if not self._bar.disable:
      self._bar.set_postfix(values)
      return
    shown = [f"step {self._done}/{self._total}", *(f"{name} {v}" for name, v in values.items())]
    speed = self.steps_per_second
    if speed is not None:
      left = tqdm.format_interval((self._total - self._done) / speed)
      shown += [f"{speed:.3g} steps/s", f"{left} left"]
    say(", ".join(shown))

  @property
  def steps_per_second(self) -> float | None:
    """The mean speed since the last compilation; None until a step was done."""
    steps, seconds = self._done - self._since_step, time.monotonic() - self._since
    return steps / max(seconds, 1e-9) if steps else None

  def close(self) -> None:
    """Ends the bar."""
    self._bar.close()
