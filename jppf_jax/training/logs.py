"""What a run says while it trains: a progress bar, JSON lines for programs, TensorBoard events for
people.
"""

import json
import time
from pathlib import Path
from typing import Any

from tensorboardX import SummaryWriter
from tqdm import tqdm

from jppf_jax.saving import write_text


class MetricWriter:
  """Appends scalars to `metrics.jsonl` and to TensorBoard events in the same folder.

  A resumed run continues the file; lines of steps that are trained again are dropped first, so
  every step stands once.
  """

  def __init__(self, workdir: str | Path, *, resumed_step: int = 0):
    workdir = Path(workdir)
    self._path = workdir / "metrics.jsonl"
    if self._path.exists():
      kept = _lines_until(self._path, resumed_step)
      write_text(self._path, "".join(line + "\n" for line in kept))
    self._file = self._path.open("a")
    self._events = SummaryWriter(
      str(workdir), purge_step=resumed_step + 1 if resumed_step else None
    )

  def write(self, step: int, scalars: dict[str, float]) -> None:
    self._file.write(json.dumps({"step": step, **scalars}) + "\n")
    self._file.flush()
    for name, value in scalars.items():
      self._events.add_scalar(name, value, step)

  def close(self) -> None:
    self._file.close()
    self._events.close()


def _lines_until(path: Path, last: int) -> list[str]:
  """Returns the complete lines of steps up to `last`; a kill may have cut the final one short."""
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
  """A bar with loss, rate and time left; the rate counts from the first step after compilation."""

  def __init__(self, total: int, start: int, description: str):
    self._bar = tqdm(
      total=total, initial=start, desc=description, unit="step", smoothing=0.05, dynamic_ncols=True
    )
    self._steps, self._since = 0, time.monotonic()

  def compiled(self) -> None:
    """Starts the clock anew: what went before was compilation."""
    self._steps, self._since = 0, time.monotonic()
    self._bar.unpause()

  def advance(self, **shown: Any) -> None:
    self._steps += 1
    if shown:
      self._bar.set_postfix(shown, refresh=False)
    self._bar.update(1)

  @property
  def rate(self) -> float:
    """Steps per second since compilation."""
    return self._steps / max(time.monotonic() - self._since, 1e-9)

  def close(self) -> None:
    self._bar.close()
