"""The training loop: resume, step, log, save. All files of a run are in its working folder."""

import contextlib
import dataclasses
import shlex
from pathlib import Path

import grain
import jax
import numpy as np
from safetensors import SafetensorError

from jppf_jax import build
from jppf_jax.checkpoints import weights
from jppf_jax.checkpoints.store import Checkpoints, unwritable
from jppf_jax.evaluation import made_with
from jppf_jax.training import starting
from jppf_jax.training.evaluations import IMAGES, Evaluations
from jppf_jax.training.hosts import of_first_process, together
from jppf_jax.training.lock import locked
from jppf_jax.training.logs import Progress, say
from jppf_jax.training.parallel import Runner
from jppf_jax.training.prefetch import DevicePrefetch
from jppf_jax.training.quiet import quiet_threads
from jppf_jax.training.signals import Signals
from jppf_jax.training.state import TrainState, averaged
from jppf_jax.training.window import Window
from jppf_jax.training.writers import MetricWriter


def train(
  config: build.Config, workdir: str | Path, *, runners: starting.Runners | None = None
) -> TrainState:
  """Trains a config, or continues the run that is already in `workdir`.

  Writes `config.json`, `made_with.json` (versions), `checkpoints/`, `weights.safetensors`,
  `metrics.jsonl` and TensorBoard events; with `train.ema_decay` also `weights_ema.safetensors`,
  with `train.evaluate_every` `weights_best.safetensors`. SIGINT, SIGTERM and SIGHUP end the run
  after its current step, which is saved.

  Args:
    config: of the run.
    workdir: the folder of the run.
    runners: of earlier runs of this process, whose steps are used if only the seed differs.

  Returns:
    The final state, host arrays.

  Raises:
    ConfigError: a value of the config is not allowed; nothing was done.
    RunInUse: another process trains in `workdir`.
    Interrupted: a signal ended the run; what was trained is saved.
    NonFiniteLoss: the loss or its gradient is NaN or infinite.
    CheckpointError: a checkpoint cannot be written.
    CheckpointError: there are checkpoints, but none can be used.
    WeightsError: the pretrained weights do not fit.
    WeightsError: the run in the folder has another encoder, taxonomy, anchors or pixel statistics.
    OSError: a file cannot be read or written.
  """
  workdir = Path(workdir).resolve()
  with contextlib.ExitStack() as opened:
    signals = opened.enter_context(Signals())
    opened.enter_context(quiet_threads())
    run, shapes = starting.checked(config)
    workdir.mkdir(parents=True, exist_ok=True)
    if jax.process_index() == 0:
      opened.enter_context(locked(workdir))
    checkpoints = Checkpoints(workdir / "checkpoints", keep=run.keep)
    opened.enter_context(contextlib.closing(checkpoints))
    # weights that do not fit are found before a dataset is built
    state = None if checkpoints.steps() else starting.initial_state(config, run)
    examples = build.train_examples(config)
    iterator = build.train_iterator(config, run.spec, examples)
    opened.enter_context(contextlib.closing(iterator))
    signals.before_leaving = iterator.close
    for line in build.describe(config, run.spec, len(examples), starting.size(shapes["params"])):
      say(line)
    if state is None:
      state = starting.restored(run, shapes, checkpoints, iterator)
    schedule, done = starting.schedule(run), int(state.step)
    evaluations = Evaluations(config, workdir, schedule, until=done)
    build.store_run(config, workdir)
    if jax.process_index() == 0 and done < sum(phase.steps for phase in run.phases):
      made_with.store(workdir)
    signals.release()  # there is nothing to save yet
    shared = runners or starting.Runners()
    opened.enter_context(together(signals.before_leaving))  # last, so that it is left first
    return _run_phases(run, workdir, state, iterator, checkpoints, signals, shared, evaluations)


def _run_phases(
  run: build.Training,
  workdir: Path,
  state: TrainState,
  iterator: grain.DatasetIterator,
  checkpoints: Checkpoints,
  signals: Signals,
  runners: starting.Runners,
  evaluations: Evaluations,
) -> TrainState:
  """Trains the steps after `state.step` of all phases; compiles once per phase."""
  done = int(state.step)
  total = sum(phase.steps for phase in run.phases)
  say(starting.plan(run))
  if done >= total:
    say(f"nothing left to do: {done} steps are done")
  end = 0
  with contextlib.ExitStack() as opened:
    progress = opened.enter_context(contextlib.closing(Progress(total, done)))
    writer = None
    if jax.process_index() == 0:
      made = MetricWriter(
        workdir, resumed_step=done, wandb_project=run.wandb_project, config=run.stored
      )
      writer = opened.enter_context(contextlib.closing(made))
    loop = _Loop(run, workdir, iterator, checkpoints, signals, progress, writer, evaluations)
    loop.evaluate(done)  # if the run was stopped before it was
    for phase in run.phases:
      end += phase.steps
      if int(state.step) < end and not loop.ends_early():
        runner = runners.get(run, freeze_norm=phase.freeze_norm)
        state = loop.train_until(end, state, runner)
    if int(state.step) < total:
      say(f"no better score since step {evaluations.best()}: the run ends")
  checkpoints.wait()
  say(f"done: weights at {workdir / build.RUN_WEIGHTS}")
  say(f"next: {shlex.join(['jppf', 'evaluate', f'--workdir={workdir}'])}")
  return jax.tree.map(np.asarray, state)


@dataclasses.dataclass(frozen=True)
class _Loop:
  """The loop over the steps of a phase.

  Attributes:
    run: what is trained.
    workdir: the folder of the run.
    iterator: host batches of this process.
    checkpoints: of the run.
    signals: that end the run.
    progress: the bar.
    writer: of the metrics; None in all processes but the first.
    evaluations: of the run.
  """

  run: build.Training
  workdir: Path
  iterator: grain.DatasetIterator
  checkpoints: Checkpoints
  signals: Signals
  progress: Progress
  writer: MetricWriter | None
  evaluations: Evaluations

  def train_until(self, end: int, state: TrainState, runner: Runner) -> TrainState:
    """Trains the steps after `state.step` up to `end`; returns the state, host arrays.

    Raises:
      Interrupted: a signal came; the step it came in is saved.
    """
    first = int(state.step) + 1
    device_state = runner.put_state(state)
    batches, window = DevicePrefetch(self.iterator, runner.put_batch), Window(self.workdir)
    self.checkpoints.wait()  # a signal may end the process while it compiles
    for step in range(first, end + 1):
      batch, on_host, ids = next(batches)
      device_state, metrics = runner(device_state, batch)
      window.add(step, ids, on_host, metrics)
      if step < end:
        window.wait()
        batches.fetch()  # while this step runs
      if step == first:
        jax.block_until_ready(metrics)
        self.progress.compiled(step)
        self.signals.hold()
      else:
        self.progress.reach(step - 1)
      stop = self.signals.requested()
      due = self.evaluations.due(step)
      save = stop or due or step % self.run.checkpoint_every == 0 or step == end
      if save or step % self.run.log_every == 0:
        self._log(step, window.drain())
      if save:
        state = runner.get_state(device_state)
        self._save(state, batches)
      if stop:
        self.checkpoints.wait()
        say(f"saved step {step}")
        break
      if due:
        self.checkpoints.wait()
        self.signals.release()  # there is nothing to save that is not saved
        self.evaluate(step)
        self.signals.check()
        self.progress.compiled(step)
        self.signals.hold()
        if self.ends_early():
          break
    self.signals.release()
    return state

  def evaluate(self, step: int) -> None:
    """Scores the weights of a step that is saved, if they are to be scored; the moving average of
    the weights if there is one. All processes do so together.
    """
    if not of_first_process(self.evaluations.due(step)):
      return
    name = "ema" if self.run.ema_decay else "last"
    scores = self.evaluations.score(step, self.workdir / build.WEIGHTS_OF_RUN[name])
    if self.writer is not None:
      self.writer.write(step, scores | {IMAGES: self.evaluations.images})
      for picture in sorted(self.evaluations.folder(step).glob("*.png")):
        self.writer.write_picture(step, f"evaluation/{picture.stem}", picture)
      shown = [f"{k.rpartition('/')[2]} {100 * v:.1f}" for k, v in scores.items()]
      say(f"evaluation of step {step}, percent: {', '.join(shown) or 'there is no score'}")

  def ends_early(self) -> bool:
    """Returns whether no evaluation of late was better than one before."""
    return of_first_process(self.evaluations.exhausted())

  def _log(self, step: int, means: dict[str, float]) -> None:
    """Shows and writes the metrics of a step that is done; the speed that is written is that since
    the line before, so that a curve shows when it changed.
    """
    self.progress.reach(step)
    self.progress.show(loss=f"{means['loss']:.3f}", lr=f"{means['learning_rate']:.2g}")
    if self.writer is not None:
      speed = self.progress.window_speed()
      self.writer.write(step, means if speed is None else means | {"steps_per_second": speed})

  def _save(self, state: TrainState, batches: DevicePrefetch) -> None:
    """Writes the weights, which evaluation and prediction read, then a checkpoint to resume from.

    In this order, a run that is killed in between writes both again. In the other order, it could
    end with older weights.
    """
    steps = int(state.step)
    about = {"steps": steps, "config": self.run.stored, "meaning": self.run.meaning}
    if jax.process_index() == 0:
      found = {"last": {"params": state.params, "batch_stats": state.batch_stats}}
      if state.ema is not None:
        found["ema"] = averaged(state)
      for name, variables in found.items():
        file = self.workdir / build.WEIGHTS_OF_RUN[name]
        try:
          weights.save_weights(file, variables, about, dtype=self.run.weights_dtype)
        except (OSError, SafetensorError) as error:
          raise unwritable(file, error) from error
    self.checkpoints.save(steps, state, about, batches)
