"""Ensemble forecasts from many starts, lead by lead, written while they run."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import jax
import numpy as np
import xarray as xr
from rich.console import Console

import ocean_gcm
from ocean_gcm.clock import SECONDS_PER_DAY
from ocean_gcm.config import config_from_dict
from ocean_gcm.data.series import CONFIGURATION
from ocean_gcm.decomposition import member_mesh
from ocean_gcm.errors import UserError
from ocean_gcm.forcing.config import DatedConfig
from ocean_gcm.forcing.source import Source, Start
from ocean_gcm.forecasts.initial import model_seconds
from ocean_gcm.forecasts.interface import Forecasting, InitialData, Kept
from ocean_gcm.forecasts.members import Group, Members, Starts, chunk_size
from ocean_gcm.forecasts.schedule import Schedule, build_schedule
from ocean_gcm.forecasts.statistics import parse_statistics
from ocean_gcm.forecasts.store import ForecastStore, Layout, output_place, writing
from ocean_gcm.form import form_of
from ocean_gcm.model import OceanModel
from ocean_gcm.progress import PieceReport
from ocean_gcm.weights import named_variables, without_files

PERTURBATIONS = ("initial", "noise")


def forecast(
    model: OceanModel,
    initial: str | os.PathLike,
    output: str | os.PathLike,
    *,
    start: str | Sequence[str],
    every: str | None = None,
    count: int = 1,
    lead: str = "P15D",
    save: str = "P1D",
    with_start: bool = False,
    trajectories: Sequence[int] | None = None,
    members: int = 1,
    perturb: str | None = None,
    seed: int | None = None,
    variables: Sequence[str] | None = None,
    levels: Sequence[int] | None = None,
    depth: float | None = None,
    grid: str | os.PathLike | xr.Dataset | None = None,
    statistics: Sequence[str | float] = (),
    keep_members: bool = True,
    names: Mapping[str, str] | None = None,
    encode: bool = False,
    forcing: str | os.PathLike | Mapping[str, Any] | DatedConfig | None = None,
    chunk: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    address: str | None = None,
    console: Console | None = None,
    devices: list[jax.Device] | None = None,
) -> xr.Dataset:
    """Ensemble forecasts of a model from states of a data set, written to a Zarr store.

    Args:
      model: from `load_model` or `build_model`.
      initial: states on the model's grid or analyses on another one (`ocean_gcm.forecasts.initial.open_initial`); of a
        model of layers a truth or a run (`ocean_gcm.data.layers_truth`).
      output: the store to write.
      start, every, count, lead, save, with_start, trajectories: see `ocean_gcm.forecasts.schedule.build_schedule`.
      members: of each forecast.
      perturb: "initial": members begin from perturbed states (section `ensemble` of the configuration) and have noise
        of their own; "noise": noise of their own alone.  Default: initial, for one member noise.
      seed: decides all that is random, together with the start and the member; default: the configuration's.
      variables, levels, depth: what is kept, see `ocean_gcm.forecasts.fields.kept_fields`; of layers names of
        `ocean_gcm.quasi_geostrophic.variables`.
      grid: other points for what is kept, see `ocean_gcm.forecasts.target.build_target`.
      statistics: "mean", "std" and quantiles (numbers) of the members, to be kept.
      keep_members: keep the members themselves.
      names, encode: of `open_initial`.
      forcing: a store of dated records of what acts at the surface, or a mapping of the keys of the section `forcing`
        of a configuration ({"path": ..., "mode": "persisted"}); default: the configuration's, or the repeating year.
      chunk: most members that run in one call; default: what memory holds.
      resume: go on with the store that is there.
      overwrite: replace it.
      address: of the model, for the attributes of the store.
      console: where progress goes.
      devices: default all.

    Returns the store, opened.  Raises UserError for all that does not fit together, if the store cannot be written,
    and if another process is writing it.
    """
    console = console or Console(stderr=True)
    if members < 1:
        raise UserError(f"--members is {members}; expected at least 1")
    perturb = perturb or ("initial" if members > 1 else "noise")
    if perturb not in PERTURBATIONS:
        raise UserError(f"--perturb is {perturb!r}; expected one of {', '.join(PERTURBATIONS)}")
    if chunk is not None and chunk < 1:
        raise UserError(f"--chunk is {chunk}; expected at least 1")
    seed = int(model.config.seed if seed is None else seed)
    if not 0 <= seed < 2**32:
        raise UserError(f"--seed is {seed}; expected a whole number from 0 to {2**32 - 1}")
    wanted = parse_statistics(statistics)
    if not keep_members and not wanted.any:
        raise UserError("--no-members needs --statistics; nothing would be kept otherwise")
    path = output_place(output, resume, overwrite)
    forecasting = form_of(model.config).forecasting
    data = forecasting.open_initial(initial, model, names=names, encode=encode)
    schedule = build_schedule(
        data.dates, data.label, model.config.time,
        starts=start, every=every, count=count, lead=lead, save=save, with_start=with_start,
        held=data.trajectories, trajectories=trajectories,
    )  # fmt: skip
    kept = forecasting.kept(model, variables=variables, levels=levels, depth=depth, grid=grid)
    layout = _layout(kept, schedule, data, model, members, wanted, keep_members)
    begins = _begins(model, data, schedule)
    longest = round(schedule.steps * model.config.time.step_seconds)
    source = forecasting.source(model, forcing, begins, length=int(schedule.leads[-1]), longest=longest)
    attributes = _attributes(model, data, address, seed, members, perturb, schedule, source, forecasting)
    mesh = member_mesh(devices)
    programs = Members(model, kept.on_device, mesh, schedule.steps, perturb == "initial")

    def say(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    starts = (schedule.dates, schedule.trajectories)
    with writing(path, layout, starts, attributes, resume=resume, overwrite=overwrite, say=say) as store:
        if acting := forecasting.acting(source.description, model.forcing):
            say(acting)
        _Run(programs, kept, data, schedule, begins, source, store, members, seed, chunk, console).run()
    return xr.open_zarr(path, chunks=None, decode_timedelta=True)


def _begins(model: OceanModel, data: InitialData, schedule: Schedule) -> list[Start]:
    numbers = [None] * len(schedule.dates) if schedule.trajectories is None else schedule.trajectories.tolist()
    return [
        Start(model_seconds(model.config, date, data.label), date, number)
        for date, number in zip(schedule.dates, numbers, strict=True)
    ]


def _layout(kept: Kept, schedule: Schedule, data: InitialData, model, members, wanted, keep_members) -> Layout:
    own = model.config.time
    calendar = data.dates[0].calendar
    units = own.cf_units if calendar == own.calendar else "seconds since 1970-01-01 00:00:00"
    several = schedule.trajectories is not None
    return Layout(kept.layout, kept.names, members, schedule.leads, wanted, keep_members, units, calendar, several)


def _attributes(
    model: OceanModel, data: InitialData, address, seed, members, perturb, schedule, source: Source,
    forecasting: Forecasting,
) -> dict[str, Any]:  # fmt: skip
    """What the store says about its forecasts."""
    tree = {**model.config.model_dump(mode="json"), "weights": None, "provenance": None}
    tree |= dict.fromkeys(forecasting.apart)
    tree |= {key: without_files(tree[key]) for key in ("closures", "encoder", "decoder") if key in tree}
    return {
        "model": address or model.config.name,
        "model_fingerprint": fingerprint(model),
        CONFIGURATION: config_from_dict(tree).to_yaml(),
        "initial_data": data.label,
        "forcing": json.dumps(source.description),
        "seed": seed,
        "members": members,
        "perturbed": perturb,
        "lead_seconds": [int(n) for n in schedule.leads],
        "ocean_gcm_version": ocean_gcm.__version__,
    }


def fingerprint(model: OceanModel) -> str:
    """Sixteen hexadecimal digits of all that decides a model's numbers: configuration and variables."""
    science = {**model.config.science(), "ensemble": model.config.ensemble.model_dump(mode="json"), "weights": None}
    for section in form_of(model.config).forecasting.apart:
        science.pop(section, None)
    digest = hashlib.sha256(json.dumps(science, sort_keys=True).encode())
    for name, array in sorted(named_variables(model).items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


@contextlib.contextmanager
def _memory_errors() -> Iterator[None]:
    """A device that is too small is a user's business."""
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" in str(error):
            raise UserError(
                "the memory of the device does not suffice for the members that run in one call; a smaller --chunk "
                "needs less"
            ) from error
        raise


@dataclasses.dataclass(eq=False)
class _Run:
    """The loop over groups of starts, leads and chunks of members."""

    programs: Members
    kept: Kept
    data: InitialData
    schedule: Schedule
    begins: list[Start]
    source: Source
    store: ForecastStore
    members: int
    seed: int
    chunk: int | None
    console: Console

    def run(self) -> None:
        """Make all forecasts that are not complete."""
        total, done = len(self.schedule.records), self.store.complete
        if done:
            self.console.print(f"{done} of {total} starts are complete already", highlight=False)
        if done == total:
            return
        devices = self.programs.mesh.size
        every = chunk_size(10**9, self.programs.model, devices, self.programs.steps, self.chunk)
        # several starts at once where one alone would leave devices idle; on a CPU one after another
        at_once = 1 if jax.default_backend() == "cpu" and devices == 1 else max(1, every // self.members)
        leads = len(self.schedule.leads)
        with (
            PieceReport(self.console, total * leads, "leads", done * leads) as progress,
            ThreadPoolExecutor(1) as writer,
        ):
            for begin in range(done, total, at_once):
                with _memory_errors():
                    self._group(begin, min(begin + at_once, total), progress, writer)

    def _group(self, begin: int, end: int, progress: PieceReport, writer: ThreadPoolExecutor) -> None:
        """The forecasts of the starts `begin` to `end` (exclusive)."""
        starts, leads = end - begin, self.schedule.leads
        chunks = self._begin(begin, end)
        self.store.store.reserve(starts)
        counts = np.zeros((starts, len(leads)), np.int32)
        pending: Future | None = None
        alone = len(chunks) == 1 or jax.default_backend() == "cpu"
        reached = 0
        for number, seconds in enumerate(leads):
            parts = []
            forcing = self.source.over(self.begins[begin:end], reached, reached := int(seconds))
            for n, members in enumerate(chunks):
                if seconds == 0:
                    parts.append(self.programs.look(members, forcing))
                    continue
                members, fields, finite = self.programs.advance(members, forcing)
                # where the device does not hold all members, they wait on the host
                chunks[n] = members if alone else jax.device_get(members)
                parts.append((fields, finite))
            fields, finite = self._gathered(parts, starts)
            if pending is not None:
                pending.result()
            pending = writer.submit(self._write, number, fields, finite)
            counts[:, number] = finite.sum(1)
            self._warn(begin, number, counts)
            of = self.schedule.of_trajectory(begin)
            place = f"from {self.schedule.dates[begin]:%Y-%m-%d}{of} to day {seconds / SECONDS_PER_DAY:g}"
            progress.update(begin * len(leads) + (number + 1) * starts, place)
        pending.result()
        trajectories = self.schedule.trajectories
        self.store.commit(
            self.schedule.dates[begin:end], counts, None if trajectories is None else trajectories[begin:end]
        )

    def _begin(self, begin: int, end: int) -> list[Group]:
        """Members as they begin, in chunks; the last one is filled up with its last member."""
        oceans = [self.data.ocean(record) for record in self.schedule.records[begin:end]]
        begins = self.begins[begin:end]
        starts = Starts.stack(oceans, begins, self.seed)
        forcing = self.source.over(begins, 0, 0)
        number = (end - begin) * self.members
        size = chunk_size(number, self.programs.model, self.programs.mesh.size, self.programs.steps, self.chunk)
        chunks = []
        for first in range(0, number, size):
            index = np.minimum(np.arange(first, first + size), number - 1)
            chunks.append(self.programs.begin(starts, forcing, index // self.members, index % self.members))
        return chunks

    def _gathered(self, parts: list, starts: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Fields (start, member, ...) and which of them are finite, on the host."""
        number = starts * self.members

        def joined(arrays):
            whole = np.concatenate([np.asarray(a) for a in arrays]) if len(arrays) > 1 else np.asarray(arrays[0])
            return whole[:number].reshape(starts, self.members, *whole.shape[1:])

        fields = {name: joined([part[0][name] for part in parts]) for name in parts[0][0]}
        return fields, joined([part[1] for part in parts])

    def _write(self, lead: int, fields: dict[str, np.ndarray], finite: np.ndarray) -> None:
        for start, good in enumerate(finite):
            converted = self.kept.on_host({name: array[start] for name, array in fields.items()})
            self.store.write(start, lead, converted, good)

    def _warn(self, begin: int, number: int, counts: np.ndarray) -> None:
        """Say when members cease to be finite."""
        before = counts[:, number - 1] if number else np.full(len(counts), self.members)
        for start, (was, now) in enumerate(zip(before, counts[:, number], strict=True)):
            if now < was:
                date, days = self.schedule.dates[begin + start], self.schedule.leads[number] / 86400
                self.console.print(
                    f"warning: {was - now} of {self.members} members from {date}"
                    f"{self.schedule.of_trajectory(begin + start)} became not finite before day {days:g}; "
                    "they are NaN from there on",
                    highlight=False,
                )
