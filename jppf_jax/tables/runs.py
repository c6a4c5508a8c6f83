"""Trains and evaluates what the tables need; what is done already stays."""

import hashlib
import json
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax

from jppf_jax import build
from jppf_jax.config_rules import ConfigError
from jppf_jax.evaluation.compare import Comparison, load_comparison
from jppf_jax.evaluation.evaluate import score_dataset
from jppf_jax.evaluation.made_with import made_with
from jppf_jax.evaluation.together import Source
from jppf_jax.leaving import Interrupted
from jppf_jax.report import page, read
from jppf_jax.report.record import Recorder
from jppf_jax.saving import write_text
from jppf_jax.tables.jobs import Clock, Job, read_json, text_of
from jppf_jax.tables.setting import Setting
from jppf_jax.tables.systems import NETWORKS, SYSTEMS
from jppf_jax.training import loop, starting
from jppf_jax.training.logs import say

STORED = "tables.config.json"


class Runs:
  """The runs and evaluations below one folder.

  Args:
    folder: of the tables.
    setting: the dataset.
    base: the config of JPPF.

  Raises:
    ConfigError: the folder has runs of another config.
  """

  def __init__(self, folder: Path, setting: Setting, base: build.Config):
    self.folder, self.setting, self.base = folder, setting, base
    self._clock = Clock(folder)
    self._runners = starting.Runners()
    self._compared: tuple[str, Comparison] | None = None  # the last system, maybe compiled
    file = folder / STORED
    has_runs = any((folder / "runs").glob(f"*/{build.RUN_WEIGHTS}"))
    if has_runs and not (file.exists() and build.same_config(base, file.read_text())):
      raise ConfigError(
        f"{folder} has runs of another config ({file.name}); choose another --workdir, or give the "
        "dataset and the changes of the first time."
      )
    write_text(file, build.as_text(base))

  def config(self, network: str, seed: int) -> build.Config:
    """Returns the config of a network."""
    wanted = NETWORKS[network]
    labels = self.setting.labels[wanted.labels]
    return build.network_config(
      self.base, heads=wanted.heads, labels=labels, seed=seed, pretrained=wanted.pretrained
    )

  def workdir(self, network: str, seed: int) -> Path:
    """Returns the folder of a run."""
    return self.folder / "runs" / f"{network}_seed{seed}"

  def report_file(self, system: str, seed: int) -> Path:
    """Returns where the scores of a system are."""
    return self.folder / "scores" / f"{system}_seed{seed}.json"

  def do(self, jobs: Sequence[Job]) -> None:
    """Does the jobs that are not done, one after the other.

    Raises:
      Interrupted: a signal came; what was trained is saved.
      Exception: as `training.loop.train` and `evaluation.evaluate.evaluate`.
    """
    left = [job for job in jobs if not self.is_done(job)]
    say(f"{len(jobs)} jobs, {len(jobs) - len(left)} done before")
    for place, job in enumerate(left):
      rest = text_of(self._clock.left(left[place:]))
      say(f"[{place + 1}/{len(left)}] {job}; {rest}")
      start = time.monotonic()
      try:
        self._train(job) if job.kind == "train" else self._evaluate(job)
      except (Interrupted, KeyboardInterrupt):  # it goes on later
        self._clock.add(job, time.monotonic() - start)
        raise
      self._clock.add(job, time.monotonic() - start)
      if not job.shares_programs(left[place + 1 : place + 2]):
        jax.clear_caches()  # dozens of programs would stay in memory

  def is_done(self, job: Job) -> bool:
    """Whether a run was trained to its end, or the scores are those of the present weights."""
    if job.kind == "train":
      config = self.config(job.name, job.seed)
      return build.is_trained(config, self.workdir(job.name, job.seed))
    scores = self.report(job.name, job.seed)
    if scores is None:
      return False
    networks = SYSTEMS[job.name].networks
    ready = all(self.is_done(Job("train", name, job.seed)) for name in networks)
    return ready and scores["weights"] == self._weights(job)

  def report(self, system: str, seed: int) -> dict[str, Any] | None:
    """Returns the scores of a system; None if it was not evaluated, or the file is damaged."""
    return read_json(self.report_file(system, seed))

  def source(self, network: str, seed: int) -> Source:
    """Returns a trained network."""
    weights = self.workdir(network, seed) / build.RUN_WEIGHTS
    return Source(self.config(network, seed), weights)

  def comparison(self, system: str, seed: int) -> Comparison:
    """Returns a system with its weights; systems that differ in the seed share their programs."""
    wanted = SYSTEMS[system]
    config, weights = self.source(wanted.network, seed)
    several, fill = wanted.multi_scale, wanted.fill_void
    scales = self.setting.scales if several else (1.0,)
    config = build.testing_config(config, scales=scales, flip=several, fill_void=fill)
    others = {head: self.source(network, seed) for head, network in wanted.others.items()}
    found = load_comparison(config, weights, others)
    if self._compared is not None and self._compared[0] == system:
      return self._compared[1].with_variables(found.variables)
    self._compared = system, found
    return found

  def _train(self, job: Job) -> None:
    with warnings.catch_warnings():
      warnings.filterwarnings("ignore", message=".*fewer examples than the official release")
      workdir = self.workdir(job.name, job.seed)
      loop.train(self.config(job.name, job.seed), workdir, runners=self._runners)

  def _evaluate(self, job: Job) -> None:
    network = SYSTEMS[job.name].network
    config = self.config(network, job.seed)
    split = build.eval_split(config)
    comparison = self.comparison(job.name, job.seed)
    file = self.report_file(job.name, job.seed)
    examples = build.examples(config, split)
    folder = file.with_suffix("")
    recorder = Recorder(folder, comparison.spec) if job.seed == 0 else None
    report = score_dataset(comparison, examples, file.parent, title=job.name, recorder=recorder)
    report |= {"parameters": comparison.parameters, "weights": self._weights(job)}
    if recorder is not None and recorder.images:  # one page for each system
      write_text(folder / read.SCORES, json.dumps(report | {"made_with": made_with()}))
      page.write(folder, run=self.workdir(network, job.seed))
    write_text(file, json.dumps(report, indent=1))

  def _weights(self, job: Job) -> dict[str, str]:
    """Returns the digest of the weights of each network."""
    files = {
      name: self.workdir(name, job.seed) / build.RUN_WEIGHTS for name in SYSTEMS[job.name].networks
    }
    return {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in files.items()}
