"""Long runs: step the model, write output and restarts, survive what happens to a process."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
from rich.console import Console

from ocean_gcm import nonfinite, summary
from ocean_gcm.data import restart
from ocean_gcm.data.stream import streams
from ocean_gcm.errors import UserError
from ocean_gcm.experiment import Experiment, differences
from ocean_gcm.forcing.source import RepeatingYear, Source, Start, open_forcing
from ocean_gcm.forcing.source import summary as source_summary
from ocean_gcm.form import form_of
from ocean_gcm.progress import ProgressReport
from ocean_gcm.run_directory import RunDirectory

# cells times steps between two looks at the run (progress, Ctrl-C, non-finite values): seconds on either
_WORK_PER_LOOK = {"cpu": 1e7, "gpu": 1e9, "tpu": 1e9}
_SECONDS_BETWEEN_RESTARTS = 1800.0


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a simulation ended.

    Attributes:
      directory: the run directory.
      summary: the content of summary.json, None if the run was interrupted.
      interrupted: True if it was stopped from outside and can be resumed.
    """

    directory: Path
    summary: dict[str, Any] | None
    interrupted: bool = False


def simulate(
    config: Experiment,
    directory: Path | str | None = None,
    *,
    resume: bool = False,
    overwrite: bool = False,
    console: Console | None = None,
    build: Callable[[Experiment], Any] | None = None,
    figures: bool = True,
) -> Outcome:
    """Run an experiment to its end and write everything to a run directory.

    Args:
      config: the experiment.
      directory: where to write; default `output.directory` or runs/<name>.
      resume: go on from the last restart in the directory, if there is one.
      overwrite: delete the run that is there.
      console: where progress and the closing table go.
      build: makes the model of a configuration; default `ocean_gcm.build_model`.
      figures: draw quick-look figures at the end.

    Raises UserError: another run in the directory, a restart or store that does not fit, a state that is not finite,
    output that cannot be written.
    """
    console = console or Console()
    run = RunDirectory(Path(directory or config.output.directory or f"runs/{config.name}"))
    finished = _check(run, config, resume, overwrite)
    if finished is not None:
        console.print(
            f"{run.path} holds this run already, complete; --overwrite runs it again, --years with --resume goes on",
            highlight=False,
        )
        summary.show(console, finished, run.path)
        return Outcome(run.path, finished)
    with run.locked():
        simulation = _Simulation(run, config, build or _build_model, console)
        simulation.prepare(resume)
        with _stop_requests(console) as requested:
            interrupted = simulation.run(requested)
        if interrupted:
            console.print(f"stopped at {simulation.date()}; the run goes on with --resume", highlight=False)
            return Outcome(run.path, None, True)
        result = simulation.finish()
    if figures:
        _draw(run, console)
    summary.show(console, result, run.path)
    return Outcome(run.path, result)


def _build_model(config: Experiment) -> Any:
    import ocean_gcm

    return ocean_gcm.build_model(config)


def _draw(run: RunDirectory, console: Console) -> None:
    """Quick-look figures; a run is not lost for want of a picture."""
    try:
        from ocean_gcm import plot

        plot.plot_run(run.path)
    except Exception as error:
        console.print(f"no figures: {type(error).__name__}: {error}", highlight=False)


def _check(run: RunDirectory, config: Experiment, resume: bool, overwrite: bool) -> dict[str, Any] | None:
    """Refuse to touch another run; the summary if this very run is there, complete."""
    if run.path.exists() and not run.path.is_dir():
        raise UserError(f"{run.path} is a file; expected a directory to write the run to")
    if run.holds_training:
        raise UserError(f"{run.path} holds a training; expected another --output, a directory of its own")
    if resume and overwrite:
        raise UserError("--resume and --overwrite exclude each other; give one of them")
    if overwrite or not run.holds_run:
        return None
    if not run.config.exists() and not resume:
        raise UserError(f"{run.path} holds parts of a run; --overwrite deletes it, --output writes elsewhere")
    there = run.read_config()
    changed = differences(there, config)
    done = run.read_summary() if there.hash == config.hash else None
    if done is not None and done.get("finite") and done.get("steps", 0) >= _total_steps(config):
        if resume or done["steps"] == _total_steps(config):
            return done
    if resume and changed:
        more = f" and {len(changed) - 1} further keys" if len(changed) > 1 else ""
        raise UserError(
            f"the run in {run.path} has another configuration ({changed[0]}{more}); "
            "resume it with its own, or choose another --output"
        )
    if resume:
        return None
    state = "another configuration" if changed else "this configuration"
    raise UserError(
        f"{run.path} holds a run of {state} already; --resume goes on with it, --overwrite deletes it, "
        "--output writes elsewhere"
    )


def _total_steps(config: Experiment) -> int:
    return config.time.require_whole_steps("time.duration", config.time.duration)


class _Simulation:
    """One process's share of a run."""

    def __init__(self, run: RunDirectory, config: Experiment, build: Callable[[Experiment], Any], console: Console):
        self.directory, self.config, self.console = run, config, console
        self.total = _total_steps(config)
        self.model = build(config)
        self.grid = self.model.grid
        self.state = self.model.initial_state()
        self.step = 0
        self.form = form_of(config)
        self.streams = streams(run, self.grid, config, self.form)
        self.wall_seconds = self.compile_seconds = 0.0
        cells = math.prod(self.grid.shape)
        per_call = config.time.steps_per_physics_call
        work = _WORK_PER_LOOK.get(jax.default_backend(), 1e7)
        self.look_every = max(1, min(500, int(work / cells / per_call))) * per_call
        self.restart_every = config.time.require_whole_steps("output.restart_interval", config.output.restart_interval)
        self.start = Start(0, np.atleast_1d(config.time.date(0))[0])
        self.source = self._open_source()

    def _open_source(self) -> Source:
        """What acts at the surface."""
        settings, time = self.form.dated(self.config), self.config.time
        if settings is None:
            return RepeatingYear(self.model.forcing)
        source = open_forcing(
            settings,
            self.model.forcing,
            self.grid,
            equation_of_state=self.config.dynamics.equation_of_state.kind,
            calendar=time.calendar,
            starts=[self.start],
            length=self.total * time.step_seconds,
            longest=self.look_every * time.step_seconds,
            dtype=self.model.dtype,
        )
        self.console.print(source_summary(source.description, self.model.forcing), highlight=False, soft_wrap=True)
        return source

    def _forcing(self, steps: int) -> Any:
        """What acts in the next `steps` steps."""
        second = self.config.time.step_seconds
        return self.source.over([self.start], self.step * second, (self.step + steps) * second)

    def date(self) -> str:
        return f"{self.config.time.date(self.step * self.config.time.step_seconds):%Y-%m-%d %H:%M}"

    # ---- beginning ----
    def prepare(self, resume: bool) -> None:
        """Begin anew, or go on from the last good restart."""
        self.warn = lambda sentence: self.console.print(f"warning: {sentence}", highlight=False)
        last = restart.load_latest(self.directory.restarts, self.warn) if resume else None
        if last is not None:
            self._restore(last)
            return
        if not bool(nonfinite.is_finite(self.state.ocean)):
            raise UserError("the initial state is not finite; look at the section 'initial' and its files")
        if resume and self.directory.holds_run:
            self.console.print(f"{self.directory.path} has no restart yet: beginning at the start", highlight=False)
        self.directory.clear()
        self.directory.write_config(self.config)
        self.budget = self.form.account.begin(self.grid, self.state)
        for stream in self.streams:
            stream.begin(self.state)

    def _restore(self, last: restart.Restart) -> None:
        meta = last.metadata
        if meta.get("configuration_hash") != self.config.hash:
            raise UserError(
                f"the restart {last.path} belongs to another configuration "
                f"({meta.get('configuration_hash')}, expected {self.config.hash})"
            )
        if last.step > self.total:
            raise UserError(
                f"the run in {self.directory.path} has come to step {last.step} already, "
                f"past the end at step {self.total}; ask for a longer duration"
            )
        self.state = restart.into(self.state, last.state)
        self.step = last.step
        self.budget = self.form.account(**meta["budget"])
        self.wall_seconds, self.compile_seconds = meta["wall_seconds"], meta["compile_seconds"]
        self.look_every = meta["look_every"]
        for stream in self.streams:
            position = meta["streams"][stream.path.name]
            stream.restore(position["records"], last.host, position["steps"])
        self.directory.summary.unlink(missing_ok=True)
        self.directory.write_config(self.config)
        self.console.print(f"going on at {self.date()} from {last.path}", highlight=False)

    # ---- the loop ----
    def run(self, stop_requested: Callable[[], bool]) -> bool:
        """Step to the end; True if a request to stop came first."""
        begin = last_restart = time.monotonic()
        earlier = self.wall_seconds
        if self.step < self.total:
            self._compile()
        with ProgressReport(self.console, self.config.time, self.step, self.total) as progress:
            while self.step < self.total:
                self._advance()
                now = time.monotonic()
                self.wall_seconds = earlier + now - begin
                end, stop = self.step == self.total, stop_requested()
                overdue = now - last_restart > _SECONDS_BETWEEN_RESTARTS
                if end or stop or overdue or self.step % self.restart_every == 0:
                    self._write(self._save_restart)
                    last_restart = time.monotonic()
                progress.update(self.step)
                if stop and not end:
                    return True
        return False

    def _compile(self) -> None:
        """Compile the loop by asking it for no steps."""
        begin = time.monotonic()
        with self.console.status("compiling") if self.console.is_terminal else contextlib.nullcontext():
            jax.block_until_ready(_advance(self.model, self.state, self._forcing(0), 0))
        self.compile_seconds += time.monotonic() - begin

    def _advance(self) -> None:
        """To the next moment at which something is to be done."""
        every = [self.look_every, self.restart_every, *(stream.interval for stream in self.streams)]
        target = min(self.total, *((self.step // n + 1) * n for n in every))
        steps = target - self.step
        forcing = self._forcing(steps)
        state, report = _advance(self.model, self.state, forcing, steps)
        if not bool(nonfinite.is_finite((state, report))):
            self._stop_not_finite(steps, forcing)
        self.state, self.step = state, target
        self.budget.add(report.diagnostics)
        for stream in self.streams:
            stream.add(report.mean, steps)
        self._write(lambda: [stream.flush(self.step, self.state) for stream in self.streams])

    def _write(self, action: Callable[[], Any]) -> None:
        """Write; a failure says what is safe."""
        try:
            action()
        except UserError as error:
            raise UserError(f"{error}; {self._last_good()}") from error

    def _last_good(self) -> str:
        there = restart.available(self.directory.restarts)
        if not there:
            return "there is no restart yet"
        return f"nothing before the restart {there[-1]} is lost: --resume goes on from there"

    def _save_restart(self) -> None:
        host, positions = {}, {}
        for stream in self.streams:
            arrays, steps = stream.carried()
            host.update(arrays)
            positions[stream.path.name] = {"records": stream.records, "steps": steps}
        metadata = {
            "configuration_hash": self.config.hash,
            "date": self.date(),
            "budget": dataclasses.asdict(self.budget),
            "streams": positions,
            "wall_seconds": self.wall_seconds,
            "compile_seconds": self.compile_seconds,
            "look_every": self.look_every,
        }
        arrays = restart.named_arrays(self.state)
        restart.save(
            self.directory.restarts,
            restart.Restart(self.step, arrays, host, metadata),
            keep=self.config.output.restarts_kept,
        )

    def _stop_not_finite(self, steps: int, forcing: Any) -> None:
        """Say where and when; the summary says that the run is no good."""
        interval = self.config.time.steps_per_physics_call
        what = nonfinite.describe(self.model, self.form, self.state, forcing, steps, interval)
        self.directory.write_summary(summary.without_nan(self._summary(finite=False)))
        there = restart.available(self.directory.restarts)
        where = f"the last good restart is {there[-1]}" if there else "there is no restart yet"
        raise UserError(
            f"the run stopped because {what}; {where}. A shorter time.step or more viscosity may help "
            "(ocean-gcm info lists the limits)"
        )

    # ---- the end ----
    def finish(self) -> dict[str, Any]:
        """The last, shorter record, and the summary."""
        self._write(lambda: [stream.close(self.step, self.state) for stream in self.streams])
        result = summary.without_nan(self._summary(finite=True))
        self.directory.write_summary(result)
        return result

    def _summary(self, finite: bool) -> dict[str, Any]:
        times = self.config.time
        years = self.step * times.step_seconds / times.seconds_per_year
        means, transports, days = summary.last_year(self.directory.output, times.seconds_per_year)
        stepping = self.wall_seconds - self.compile_seconds
        return {
            "name": self.config.name,
            "end_date": self.date(),
            "steps": self.step,
            "simulated_years": years,
            "wall_seconds": self.wall_seconds,
            "simulated_years_per_day": years / stepping * 86400.0 if stepping > 0 else None,
            "compile_seconds": self.compile_seconds,
            "peak_memory_bytes": summary.peak_memory_bytes(),
            "finite": finite,
            "largest_courant": self.budget.largest_courant,
            "budgets": self.budget.close(self.grid, self.state, self.config.dynamics),
            "means": means,
            "transports": transports,
            "averaged_days": days,
        }


def _advance(model: Any, state: Any, forcing: Any, steps: int) -> tuple[Any, Any]:
    try:
        return jax.block_until_ready(model.advance(state, forcing, steps=steps))
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" in str(error):
            raise UserError(
                f"the memory of the device does not suffice for {math.prod(model.grid.shape):,} cells: "
                "choose a smaller grid, precision float32 or a larger device"
            ) from error
        raise


@contextlib.contextmanager
def _stop_requests(console: Console) -> Iterator[Callable[[], bool]]:
    """Ctrl-C and SIGTERM ask the run to stop after a restart; a second Ctrl-C stops it at once."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    requests: list[int] = []

    def handle(number, frame):
        requests.append(number)
        if len(requests) > 1:
            raise KeyboardInterrupt
        console.print("stopping after a restart is written (again: at once)", highlight=False)

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(requests)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
