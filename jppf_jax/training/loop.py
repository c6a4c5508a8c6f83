"""The training loop: resume, step, log, save. Everything of a run lives under its working folder."""

import contextlib
import dataclasses
import json
from pathlib import Path
from typing import Any

import jax
import numpy as np
from absl import logging

from jppf_jax import build
from jppf_jax.checkpoints import weights
from jppf_jax.checkpoints.store import Checkpoints
from jppf_jax.saving import write_text
from jppf_jax.training.logs import MetricWriter, Progress
from jppf_jax.training.parallel import AXIS, Runner, check_divisible, make_runner
from jppf_jax.training.prefetch import DevicePrefetch
from jppf_jax.training.state import TrainState, create_state
from jppf_jax.training.step import make_step


class NonFiniteLoss(RuntimeError):
  """The loss, or its gradient, became NaN or infinite; the message names the step and the images."""


@dataclasses.dataclass
class _Window:
  """Steps whose metrics are still on the device."""

  steps: list[int] = dataclasses.field(default_factory=list)
  ids: list[list[str]] = dataclasses.field(default_factory=list)
  metrics: list[dict[str, Any]] = dataclasses.field(default_factory=list)

  def add(self, step: int, ids: list[str], metrics: dict[str, Any]) -> None:
    self.steps.append(step)
    self.ids.append(ids)
    self.metrics.append(metrics)

  def wait(self) -> None:
    """Waits for all steps but the last, so that the host is never more than a batch ahead of the
    devices' memory.
    """
    jax.block_until_ready(self.metrics[-2:-1])

  def drain(self) -> dict[str, float]:
    """Fetches everything, returns the means, starts anew; raises NonFiniteLoss.

    The gradient counts too: a finite loss with a gradient that is not leaves weights that no
      checkpoint should hold.
    """
    fetched = jax.device_get(self.metrics)
    for step, ids, metrics in zip(self.steps, self.ids, fetched):
      if not np.isfinite([metrics["loss"], metrics["grad_norm"]]).all():
        raise NonFiniteLoss(
          f"Step {step} is not finite ({_named(metrics)}). Its images: {', '.join(ids)}. "
          "The last good checkpoint is kept; lower config.phases.*.learning_rate or look at these images."
        )
    means = {
      name: float(np.mean([m[name] for m in fetched])) for name in (fetched[0] if fetched else {})
    }
    self.steps, self.ids, self.metrics = [], [], []
    return means


def _named(metrics: dict[str, Any]) -> str:
  return ", ".join(f"{name} {float(value):.3g}" for name, value in sorted(metrics.items()))


def train(config: build.Config, workdir: str | Path) -> TrainState:
  """Trains `config` in `workdir`, from where a run found there has stopped.

  Writes `config.json`, `checkpoints/`, `weights.safetensors`, `metrics.jsonl` and TensorBoard
  events.

  Returns:
    The final state, host arrays.

  Raises:
    NonFiniteLoss: the loss or its gradient is NaN or infinite.
    CheckpointError: a checkpoint cannot be written, or none of those present can be used.
    WeightsError: the pretrained weights do not fit.
    ValueError: the config contradicts itself.
  """
  workdir = Path(workdir).resolve()
  workdir.mkdir(parents=True, exist_ok=True)
  share = build.batch_size(config) // jax.process_count()
  check_divisible(share, jax.local_device_count())  # before anything is built
  run = build.training(config, axis_name=AXIS)
  iterator = build.train_iterator(config, run.spec)
  checkpoints = Checkpoints(workdir / "checkpoints", keep=run.keep)
  shapes = build.variable_shapes(run.model)
  template = jax.eval_shape(lambda variables: create_state(variables, run.optimizer), shapes)
  restored = checkpoints.restore(template, iterator)
  if restored is None:
    state = _initial_state(config, run)
  else:
    logging.info("Resuming %s from step %d.", workdir, restored[0])
    state = restored[1]
  write_text(workdir / "config.json", run.as_json)
  try:
    return _run_phases(run, workdir, state, iterator, checkpoints)
  finally:
    checkpoints.close()


def _runner(run: build.Training, *, freeze_norm: bool) -> Runner:
  step = make_step(
    run.model,
    run.optimizer,
    seed=run.seed,
    rate=run.learning_rate,
    anchors_per_image=run.anchors_per_image,
    regions_per_image=run.regions_per_image,
    freeze_norm=freeze_norm,
  )
  return make_runner(run.parallel, step)


def _save(
  run: build.Training,
  workdir: Path,
  state: TrainState,
  iterator: Any,
  checkpoints: Checkpoints,
) -> None:
  """Writes the weights alone, which evaluation and prediction read, then a checkpoint to resume
  from.

  In this order a run that is killed in between writes both again, and never ends with older
  weights.
  """
  about = {"steps": int(state.step), "config": json.loads(run.as_json)}
  if jax.process_index() == 0:
    variables = {"params": state.params, "batch_stats": state.batch_stats}
    file = workdir / build.RUN_WEIGHTS
    weights.save_weights(file, variables, about, dtype=run.weights_dtype)
  checkpoints.save(about["steps"], state, about, iterator)


def _initial_state(config: build.Config, run: build.Training) -> TrainState:
  variables, report = build.start(config, run.model)
  if report and jax.process_index() == 0:
    print(f"Started from the weights {run.pretrained}; numbers of tensors:\n{report}")
  return create_state(variables, run.optimizer)


def _run_phases(
  run: build.Training,
  workdir: Path,
  state: TrainState,
  iterator: Any,
  checkpoints: Checkpoints,
) -> TrainState:
  """Walks through the phases from `state.step` on; one compiled program per kind of phase."""
  total, end = sum(phase.steps for phase in run.phases), 0
  done = int(state.step)
  with contextlib.ExitStack() as opened:
    progress = opened.enter_context(contextlib.closing(Progress(total, done, "train")))
    writer = None
    if jax.process_index() == 0:
      writer = opened.enter_context(contextlib.closing(MetricWriter(workdir, resumed_step=done)))
    for phase in run.phases:
      end += phase.steps
      if done >= end:
        continue
      runner = _runner(run, freeze_norm=phase.freeze_norm)
      device_state = runner.put_state(state)
      batches, window = DevicePrefetch(iterator, runner.put_batch), _Window()
      for step in range(done + 1, end + 1):
        batch, ids = next(batches)
        device_state, metrics = runner(device_state, batch)
        window.add(step, ids, metrics)
        if step < end:
          window.wait()
          batches.fetch()  # while this step runs
        shown, save = {}, step % run.checkpoint_every == 0 or step == end
        if step == done + 1:
          jax.block_until_ready(metrics)
          progress.compiled()
        if save or step % run.log_every == 0:
          means = window.drain()
          shown = {"loss": f"{means['loss']:.3f}", "lr": f"{means['learning_rate']:.2g}"}
          if writer is not None:
            writer.write(step, means | {"steps_per_second": progress.rate})
        progress.advance(**shown)
        if save:
          state = runner.get_state(device_state)
          _save(run, workdir, state, batches, checkpoints)
      done = end
  checkpoints.wait()
  return jax.tree.map(np.asarray, state)
