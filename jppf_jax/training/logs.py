"""What a run says: lines, and a progress bar.

Only the first process of a distributed run says anything.
"""

import sys
import time

import jax
from tqdm import tqdm


def say(text: str) -> None:
  """Prints a line, above the progress bar if there is one; in the first process only."""
  if jax.process_index() == 0:
    tqdm.write(text)
    sys.stdout.flush()


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
    self._since = self._window = done, time.monotonic()
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
    return self._speed(self._since)

  def window_speed(self) -> float | None:
    """The mean speed since this was last asked, or since a later compilation, and starts the next
    window; None if no step was done.
    """
    speed = self._speed(self._window)
    self._window = self._done, time.monotonic()
    return speed

  def _speed(self, since: tuple[int, float]) -> float | None:
    """The mean speed since a step and its time; None if no step was done."""
    step, start = since
    steps = self._done - step
    return steps / max(time.monotonic() - start, 1e-9) if steps else None

  def close(self) -> None:
    """Ends the bar."""
    self._bar.close()
