"""What is left to do for the tables: networks to train, systems to evaluate; and for how long."""

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from jppf_jax.saving import write_text
from jppf_jax.tables.systems import SYSTEMS

SECONDS_FILE = "seconds.json"


@dataclasses.dataclass(frozen=True)
class Job:
  """A step on the way to the tables.

  Attributes:
    kind: train a network, or evaluate a system.
    name: of `systems.NETWORKS` or `systems.SYSTEMS`.
    seed: of the run, or of the runs that are evaluated.
  """

  kind: Literal["train", "evaluate"]
  name: str
  seed: int

  def __str__(self) -> str:
    return f"{self.kind} {self.name}, seed {self.seed}"

  def shares_programs(self, others: Iterable["Job"]) -> bool:
    """Whether one of some other jobs differs in its seed only."""
    return any(dataclasses.replace(other, seed=self.seed) == self for other in others)


def jobs_for(systems: Iterable[str], seeds: Sequence[int]) -> list[Job]:
  """Returns what must be done for some systems, each job once.

  Runs of a network follow each other, seed by seed, because they share what is compiled.

  Args:
    systems: names of `SYSTEMS`.
    seeds: of the runs of each network.
  """
  found: dict[Job, None] = {}
  for name in systems:
    needed = [Job("train", network, 0) for network in SYSTEMS[name].networks]
    for job in (*needed, Job("evaluate", name, 0)):
      found.update((dataclasses.replace(job, seed=seed), None) for seed in seeds)
  return list(found)


class Clock:
  """How long jobs took, kept in the folder of the tables; guesses how long the others will take.

  Args:
    folder: of the tables.
  """

  def __init__(self, folder: Path):
    self._path = folder / SECONDS_FILE
    self._seconds: dict[str, dict[str, float]] = read_json(self._path) or {}

  def add(self, job: Job, seconds: float) -> None:
    """Stores how long a job took; a job that was interrupted before has taken the sum."""
    of_name = self._seconds.setdefault(f"{job.kind} {job.name}", {})
    of_name[str(job.seed)] = of_name.get(str(job.seed), 0.0) + seconds
    write_text(self._path, json.dumps(self._seconds, indent=1))

  def left(self, jobs: Iterable[Job]) -> float | None:
    """Returns the seconds that jobs will take; None if nothing like them was done before.

    A job takes as long as the same one with another seed, or else as the mean of its kind.
    """
    guesses = [self._guess(job) for job in jobs]
    known = [guess for guess in guesses if guess is not None]
    return sum(known, 0.0) if len(known) == len(guesses) else None

  def _guess(self, job: Job) -> float | None:
    same = self._seconds.get(f"{job.kind} {job.name}", {})
    if same:
      return _mean(same)
    means = [_mean(of_name) for name, of_name in self._seconds.items() if name.startswith(job.kind)]
    return sum(means) / len(means) if means else None


def read_json(file: Path) -> dict[str, Any] | None:
  """Returns the object in a JSON file; None if there is none, or the file is damaged."""
  try:
    found = json.loads(file.read_text())
  except (OSError, ValueError):
    return None
  return found if isinstance(found, dict) else None


def _mean(seconds: Mapping[str, float]) -> float:
  return sum(seconds.values()) / len(seconds)


def text_of(seconds: float | None) -> str:
  """Returns how long that is, in words."""
  if seconds is None:
    return "time left not known yet"
  minutes = round(seconds / 60)
  if minutes < 2:
    return f"about {max(1, round(seconds))} s left"
  hours, minutes = divmod(minutes, 60)
  return f"about {hours} h {minutes} min left" if hours else f"about {minutes} min left"
