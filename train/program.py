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

from ocean_gcm.errors import UserError
from ocean_gcm.weights import export_model, named_variables
from train.checkpoint import Checkpoints, Progress
from train.config import TrainConfig
from train.processes import compiled_by_all, first_alone, is_first
from train.report import Bar, JsonLines, Nothing, TensorBoard
from train.run_place import RunPlace, open_place
from train.setup import Material, Setup
from train.step import Carry, exported


def check(config: TrainConfig, path: str | Path) -> str:
    """Build everything that is cheap, write nothing; a sentence on what would be trained.

    A truth that is there is opened, not read.  Raises UserError.
    """
    setup = Setup.build(config, Path(path).parent)
    for number, stage in enumerate(config.stages):
        interval = setup.model.blueprint.physics_steps
        for steps in (stage.steps, stage.save_every or stage.steps):
            if steps % interval:
                raise UserError(
                    f"stages[{number}]: {steps} steps; expected a multiple of {interval}, a physics interval"
                )
    if config.truth.path is not None:
        truth = setup.learner.form.open_truth(config, setup.model, Path(path).parent, Path(), print)
        truth.split(config.periods.model_dump())
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
      directory: of the run, or its gs:// address: training.yaml, metrics.jsonl, validation.jsonl, checkpoints/, model/.
      resume: go on from the last checkpoint in the directory.
      console: where progress goes.

    Returns what the training ended with.  Raises UserError: another training in the directory, a truth that does not
    fit, updates that are never finite.
    """
    console = console or Console(quiet=not is_first())
    base = Path(path).parent
    check(config, path)
    setup = Setup.build(config, base)

    def say(text: str) -> None:
        console.print(text, highlight=False)

    with contextlib.ExitStack() as stack:

        def opened() -> RunPlace:
            return stack.enter_context(open_place(directory, resume))

        place = first_alone("place", opened) or opened()
        files = place.files.path
        checkpoints = stack.enter_context(Checkpoints(place.checkpoints, config.checkpoints.keep, setup.configuration))
        start = setup.learner.begin(setup.numbers), Progress(0, 1.0, 0, 0.0)
        found = checkpoints.latest(start[0], lambda text: say(f"warning: {text}")) if resume else None

        def begin() -> Material:
            if not resume:
                if checkpoints.iterations:
                    raise UserError(
                        f"{place.name} holds a training already; --resume goes on with it, --output writes elsewhere"
                    )
                (files / "statistics.json").unlink(missing_ok=True)
            # from here on files of an earlier run are replaced
            place.files.write_text(files / "training.yaml", config.to_yaml())
            material = Material.prepare(setup, base, files, say)
            place.publish()
            return material

        # the first process makes what is missing, the others find it
        material = first_alone("begin", begin)
        if material is None:
            place.fetch()
            material = Material.prepare(setup, base, files, say)
        if resume:
            say(f"going on at iteration {found[1].iteration}" if found else "no checkpoint yet: beginning at the start")
        return _Training(material, place, checkpoints, console, *(found or start)).run()


def _reports(directory: Path, iteration: int):
    """Where numbers go: metrics, scores of the validation, TensorBoard; nowhere but in the first process."""
    if not is_first():
        return Nothing(), Nothing(), Nothing()
    lines = [JsonLines(directory / name, iteration) for name in ("metrics.jsonl", "validation.jsonl")]
    return *lines, TensorBoard(directory / "tensorboard", iteration)


class _Training:
    """One process's share of a training."""

    def __init__(
        self,
        material: Material,
        place: RunPlace,
        checkpoints: Checkpoints,
        console: Console,
        carry: Carry,
        progress: Progress,
    ):
        self.material, self.setup, self.config = material, material.setup, material.setup.config
        self.place, self.directory, self.checkpoints = place, place.files.path, checkpoints
        self.console, self.carry, self.progress = console, carry, progress
        # all that may be wrong with the stages shows before the first of them runs
        stages = self.config.stages
        self.static = [material.static(stage, self.config.loss_of(n)) for n, stage in enumerate(stages)]
        assert len(material.strides) == len(stages)
        self.validation = material.validation()
        self.updates: dict[int, Any] = {}

    def say(self, text: str) -> None:
        self.console.print(text, highlight=False)

    def run(self) -> Carry:
        iteration = self.progress.iteration
        self.metrics, self.scores, self.tensorboard = _reports(self.directory, iteration)
        if iteration == 0:
            self._save()
        with Bar(self.console, iteration, self.config.stages) as bar:
            while self.progress.iteration < self.config.iterations:
                self._stage(bar)
        self.tensorboard.close()
        self.checkpoints.wait()
        self.say(f"the trained model is in {self.place.name}")
        return self.carry

    def _stage(self, bar: Bar) -> None:
        """Iterations to the end of the stage, or until a return to a checkpoint."""
        first = self.progress.iteration
        number, done = self.config.stage_at(first)
        stage = self.config.stages[number]
        begin, before = time.monotonic(), self.progress.seconds
        for iteration, batch in enumerate(self.material.batches(first), first):
            rate = stage.rate(iteration - first + done) * self.progress.rate_factor
            arguments = self.carry, self.static[number], batch, jnp.float32(rate)
            if number not in self.updates:
                bar.compiling(number)
                self.updates[number] = self.setup.learner.compiled_update(stage)
                compiled_by_all(f"update {number}", self.updates[number], *arguments)
            self.carry, report = self.updates[number](*arguments)
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
        if is_first():
            self._draw(scores)

    def _draw(self, scores: dict[str, Any]) -> None:
        at = self.progress.iteration
        self.setup.learner.form.draw(
            self.directory / "figures" / f"validation_{at:06d}.png",
            self.setup.model,
            self.validation.leads,
            scores,
            self.validation.rollout,
            f"{self.config.name}: held-out forecast after {at} iterations",
        )

    def _save(self) -> None:
        """The files before the checkpoint: a run that goes on from it finds all that led there."""
        if is_first():
            export_model(self.setup.trained(exported(self.carry)), self.directory / "model")
            self.tensorboard.flush()
            self.place.publish()
        self.checkpoints.save(self.carry, self.progress)

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
        # not saved: a run that is stopped before the next checkpoint comes here again
        self.carry, self.progress = carry, dataclasses.replace(progress, rate_factor=factor, returns=returns)
        self.say(
            f"{recovery.skips} updates in a row were not finite at iteration {at}: back to iteration "
            f"{progress.iteration}, learning rate times {factor:g}"
        )
