"""The training program: stages of forecasts, checkpoints, validation, and what to do when updates are not finite."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from rich.console import Console

from ocean_gcm.data.paths import expand
from ocean_gcm.errors import UserError
from ocean_gcm.run_directory import RunDirectory
from ocean_gcm.weights import export_model, named_variables
from train.checkpoint import Checkpoints, Progress
from train.config import TrainConfig
from train.mesh import everywhere
from train.processes import first_alone, is_first
from train.report import Bar, JsonLines, Nothing, TensorBoard
from train.setup import Material, Setup
from train.step import Carry, exported


def check(config: TrainConfig, path: str | Path) -> str:
    """Build everything that is cheap, write nothing; a sentence on what would be trained.  Raises UserError."""
    setup = Setup.build(config, Path(path).parent)
    for number, stage in enumerate(config.stages):
        interval = setup.model.blueprint.physics_steps
        for steps in (stage.steps, stage.save_every or stage.steps):
            if steps % interval:
                raise UserError(
                    f"stages[{number}]: {steps} steps; expected a multiple of {interval}, a physics interval"
                )
    number = sum(int(np.size(x)) for x in setup.numbers.values())
    return (
        f"{config.name}: {number:,} numbers in {len(setup.numbers)} parameters of {setup.model.config.name}, "
        f"{config.iterations} iterations in {len(config.stages)} stages; nothing was written"
    )


def train(
    config: TrainConfig,
    path: str | Path,
    directory: str | Path,
    *,
    resume: bool = False,
    console: Console | None = None,
) -> Carry:
    """Train from the beginning or the last checkpoint to the end.

    Args:
      config: the training.
      path: of its file; paths in it count from there.
      directory: of the run: training.yaml, metrics.jsonl, validation.jsonl, checkpoints/, model/.
      resume: go on from the last checkpoint in the directory.
      console: where progress goes.

    Returns what the training ended with.  Raises UserError: another training in the directory, a truth that does not
    fit, updates that are never finite.
    """
    console = console or Console(quiet=not is_first())
    base, run = Path(path).parent, RunDirectory(Path(expand(directory)))
    check(config, path)
    setup = Setup.build(config, base)

    def prepare() -> Material:
        return Material.prepare(setup, base, run.path, lambda text: console.print(text, highlight=False))

    with contextlib.ExitStack() as stack:

        def begin() -> Material:
            stack.enter_context(run.locked())
            if not resume and any((run.path / "checkpoints").glob("*")):
                raise UserError(f"{run.path} holds a training already; --resume goes on with it, --output elsewhere")
            run.write_text(run.path / "training.yaml", config.to_yaml())
            if not resume:
                (run.path / "statistics.json").unlink(missing_ok=True)
            return prepare()

        # the first process makes what is missing, the others find it
        material = first_alone("begin", begin) or prepare()
        checkpoints = stack.enter_context(Checkpoints(run.path / "checkpoints", config.checkpoints.keep))
        return _Training(material, run.path, checkpoints, console).run(resume)


def _reports(directory: Path, iteration: int):
    """Where numbers go: metrics, scores of the validation, TensorBoard; nowhere but in the first process."""
    if not is_first():
        return Nothing(), Nothing(), Nothing()
    lines = [JsonLines(directory / name, iteration) for name in ("metrics.jsonl", "validation.jsonl")]
    return *lines, TensorBoard(directory / "tensorboard")


class _Training:
    """One process's share of a training."""

    def __init__(self, material: Material, directory: Path, checkpoints: Checkpoints, console: Console):
        self.material, self.setup, self.config = material, material.setup, material.setup.config
        self.directory, self.checkpoints, self.console = directory, checkpoints, console
        self.carry = self.setup.learner.begin(self.setup.numbers)
        self.progress = Progress(0, 1.0, 0, self.setup.hash, 0.0)
        # all that may be wrong with the stages shows before the first of them runs
        stages = self.config.stages
        self.static = [material.static(stage, self.config.loss_of(n)) for n, stage in enumerate(stages)]
        assert len(material.strides) == len(stages)
        self.validation = material.validation()
        self.updates: dict[int, Any] = {}

    def say(self, text: str) -> None:
        self.console.print(text, highlight=False)

    def run(self, resume: bool) -> Carry:
        if resume:
            self._restore()
        iteration = self.progress.iteration
        self.metrics, self.scores, self.tensorboard = _reports(self.directory, iteration)
        if iteration == 0:
            self._save()
        with Bar(self.console, iteration, self.config.iterations) as bar:
            while self.progress.iteration < self.config.iterations:
                self._stage(bar)
        self.checkpoints.wait()
        self.tensorboard.close()
        self.say(f"the trained model is in {self.directory / 'model'}")
        return self.carry

    def _restore(self) -> None:
        found = self.checkpoints.latest(self.carry, lambda text: self.say(f"warning: {text}"))
        if found is None:
            self.say("no checkpoint yet: beginning at the start")
            return
        carry, progress = found
        if progress.hash != self.setup.hash:
            raise UserError(
                f"the training in {self.directory} has another configuration; resume it with its own, or choose "
                "another --output"
            )
        self._continue_from(carry, progress)
        self.say(f"going on at iteration {progress.iteration}")

    def _continue_from(self, carry: Carry, progress: Progress) -> None:
        self.carry, self.progress = everywhere(self.setup.learner.mesh, carry), progress

    def _stage(self, bar: Bar) -> None:
        """Iterations to the end of the stage, or until a return to a checkpoint."""
        first = self.progress.iteration
        number, done = self.config.stage_at(first)
        stage = self.config.stages[number]
        if number not in self.updates:
            self.updates[number] = self.setup.learner.compiled_update(stage)
        begin, before = time.monotonic(), self.progress.seconds
        for iteration, batch in enumerate(self.material.batches(first), first):
            rate = stage.rate(iteration - first + done) * self.progress.rate_factor
            self.carry, report = self.updates[number](self.carry, self.static[number], batch, jnp.float32(rate))
            seconds = before + time.monotonic() - begin
            self.progress = dataclasses.replace(self.progress, iteration=iteration + 1, seconds=seconds)
            self._report(number, rate, report)
            bar.update(iteration + 1, number, float(report["loss"]))
            if int(self.carry.in_a_row) >= self.config.recovery.skips:
                self._return()
                return
            self._after(iteration + 1)

    def _report(self, stage: int, rate: float, report: dict[str, Any]) -> None:
        parts = {name: float(value) for name, value in report["parts"].items()}
        line = {
            "iteration": self.progress.iteration,
            "stage": stage,
            "loss": float(report["loss"]),
            "parts": parts,
            "gradient_norm": float(report["gradient_norm"]),
            "learning_rate": rate,
            "skipped": int(self.carry.skipped),
            "seconds": round(self.progress.seconds, 3),
            "parameters": self._single_numbers(),
        }
        self.metrics.write(line)
        scalars = {name: line[name] for name in ("loss", "gradient_norm", "learning_rate", "skipped")}
        self.tensorboard.write(self.progress.iteration, scalars | {f"parts/{k}": v for k, v in parts.items()})

    def _single_numbers(self) -> dict[str, float]:
        """Trained coefficients, in their units; not those of networks."""
        single = [name for name, value in self.setup.numbers.items() if np.ndim(value) == 0]
        if not single:
            return {}
        values = named_variables(self.setup.trained(self.carry.numbers))
        return {name: float(values[name]) for name in single}

    def _after(self, iteration: int) -> None:
        """What is due after an iteration."""
        last = iteration == self.config.iterations
        if self.validation is not None:
            every = self.config.validation.every
            if last or (every is not None and iteration % every == 0):
                self._validate()
        # a state amid skipped updates is no place to return to
        if last or (iteration % self.config.checkpoints.every == 0 and int(self.carry.in_a_row) == 0):
            self._save()

    def _validate(self) -> None:
        scores = self.validation.compare(exported(self.carry), self.setup.numbers)
        self.scores.write({"iteration": self.progress.iteration, **scores})
        for name, errors in scores["rmse"].items():
            before = scores["rmse_untrained"][name][-1]
            self.tensorboard.write(self.progress.iteration, {f"rmse/{name}": errors[-1]})
            self.say(f"  {name}: RMSE {errors[-1]:.4g} at the last lead, {before:.4g} untrained")

    def _save(self) -> None:
        self.checkpoints.save(self.carry, self.progress)
        if is_first():
            export_model(self.setup.trained(exported(self.carry)), self.directory / "model")

    def _return(self) -> None:
        """Back to the last checkpoint, with a lower learning rate.  Raises UserError after too many of these."""
        recovery = self.config.recovery
        found = self.checkpoints.latest(self.carry, lambda text: self.say(f"warning: {text}"))
        returns = self.progress.returns + 1
        at = self.progress.iteration
        if found is None or returns > recovery.most:
            raise UserError(
                f"{recovery.skips} updates in a row were not finite at iteration {at}, after {returns - 1} returns "
                "to a checkpoint; expected a lower learning_rate or shorter forecasts"
            )
        carry, progress = found
        factor = self.progress.rate_factor * recovery.factor
        self._continue_from(carry, dataclasses.replace(progress, rate_factor=factor, returns=returns))
        self.say(
            f"{recovery.skips} updates in a row were not finite at iteration {at}: back to iteration "
            f"{progress.iteration}, learning rate times {factor:g}"
        )
        self._save()
