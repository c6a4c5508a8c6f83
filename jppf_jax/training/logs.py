"""Logs of a run: a progress bar, and metrics as JSON lines and as TensorBoard events."""

import json
import time
from pathlib import Path
from typing import Any

from tensorboardX import SummaryWriter
from tqdm import tqdm

from jppf_jax.saving import write_text


class MetricWriter:
  """Appends scalars to `metrics.jsonl` and to TensorBoard events in the same folder.

  A resumed run continues the file. Lines after `resumed_step` are removed first, because these
  steps are trained again; so each step has one line.

  Args:
    workdir: the folder.
    resumed_step: the last step of the run that is resumed; 0 for a new run.
  """

  def __init__(self, workdir: str | Path, *, resumed_step: int = 0):
    workdir = Path(workdir)
    self._path = workdir / "metrics.jsonl"
    if self._path.exists():
      kept = _lines_until(self._path, resumed_step)
      write_text(self._path, "".join(line + "\n" for line in kept))
    self._file = self._path.open("a")
    purged = resumed_step + 1 if resumed_step else None
    self._events = SummaryWriter(str(workdir), purge_step=purged)

  def write(self, step: int, scalars: dict[str, float]) -> None:
    """Writes the scalars of a step, by name."""
    line = json.dumps({"step": step, **scalars})
    self._file.write(line + "\n")
    self._file.flush()
    for name, value in scalars.items():
      self._events.add_scalar(name, value, step)

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
  """A progress bar with loss, speed and time left.

  Args:
    total: number of steps of the run.
    start: steps that are done already.
    description: text in front of the bar.
  """

  def __init__(self, total: int, start: int, description: str):
    self._bar = tqdm(
      total=total, initial=start, desc=description, unit="step", smoothing=0.05, dynamic_ncols=True
    )
    self._steps, self._since = 0, time.monotonic()

  def compiled(self) -> None:
    """Restarts the clock after compilation, which does not count in the speed."""
    self._steps, self._since = 0, time.monotonic()
    self._bar.unpause()

  def advance(self, **shown: Any) -> None:
    """Counts one step; `shown` replaces the values beside the bar, if there are any."""
    self._steps += 1
    if shown:
      self._bar.set_postfix(shown, refresh=False)
    self._bar.update(1)

  @property
  def steps_per_second(self) -> float:
    """The mean speed since compilation."""
    seconds = time.monotonic() - self._since
    return self._steps / max(seconds, 1e-9)

  def close(self) -> None:
    """Ends the bar."""
    self._bar.close()
