"""Model values at the place, depth and time of each observation."""

from __future__ import annotations

import dataclasses

import numpy as np

from eval.observations.interpolation import Axes, Stencil
from eval.observations.samples import SECONDS_PER_YEAR, Observations, year_fraction
from eval.observations.sources import Source, Trajectory, seconds
from ocean_gcm.errors import UserError
from ocean_gcm.grid.grid import Grid

_CHUNK = 4e6  # values of members at points that are worked on at once


@dataclasses.dataclass(frozen=True)
class Matchup:
    """What one trajectory says where it was observed.

    Attributes:
      index: (m,) which of the observations.
      members: (member, m) model values; NaN where the grid knows nothing.
      record: (m,) the record nearest in time.
      first: (member, m) the first record's values at the same places: the forecast of persistence.
    """

    index: np.ndarray
    members: np.ndarray
    record: np.ndarray
    first: np.ndarray


def bracket(trajectory: Trajectory, observations: Observations):
    """(index, before, after, weight of the record after) of the observations within the trajectory's time."""
    times, last = trajectory.times, len(trajectory.times) - 1
    if trajectory.cyclic:
        t = observations.year_fraction
        after = np.searchsorted(times, t) % len(times)
        before = (after - 1) % len(times)
        gap = (times[after] - times[before]) % 1.0
        gap = np.where(gap > 0, gap, 1.0)  # of one record
        return np.arange(len(t)), before, after, (t - times[before]) % 1.0 / gap
    t = seconds(observations.time)
    if trajectory.any_year:
        begin = year_fraction(np.array([times[0] - trajectory.reach]).astype("datetime64[s]"))
        t = times[0] - trajectory.reach + (observations.year_fraction - begin) % 1.0 * SECONDS_PER_YEAR
    index = np.flatnonzero((t >= times[0] - trajectory.reach) & (t < times[-1] + trajectory.reach))
    t = np.clip(t[index], times[0], times[-1])
    before = np.clip(np.searchsorted(times, t, side="right") - 1, 0, max(last - 1, 0))
    after = np.minimum(before + 1, last)
    gap = np.where(after > before, times[after] - times[before], 1.0)
    return index, before, after, (t - times[before]) / gap


def match(trajectory: Trajectory, observations: Observations, stencil: Stencil, variable: str) -> Matchup:
    """Linear in time between two records; no extrapolation beyond `trajectory.reach`."""
    index, before, after, weight = bracket(trajectory, observations)
    record = np.where(weight < 0.5, before, after)
    members = first = np.zeros((1, 0))
    loaded: dict[int, np.ndarray] = {}

    def field(number: int) -> np.ndarray:
        if number not in loaded:
            while len(loaded) > 1:
                loaded.pop(next(iter(loaded)))
            loaded[number] = np.asarray(trajectory.load(variable, number))
        return loaded[number]

    if len(index):
        members = np.full((field(0).shape[0], len(index)), np.nan)
        first = np.full_like(members, np.nan)
        initial = field(0)
        step = max(1, int(_CHUNK / len(members)))
        for number in np.unique(before):
            here = np.flatnonzero(before == number)
            for part in (here[k : k + step] for k in range(0, len(here), step)):
                place, share = stencil.at(index[part]), weight[part]
                value = (1.0 - share) * place.apply(field(int(number)))
                if (share > 0).any():
                    value = value + share * place.apply(field(int(after[part[0]])))
                members[:, part] = value
                if trajectory.leads is not None:
                    first[:, part] = place.apply(initial)
    return Matchup(index, members, record, first)


def at_season(fields: np.ndarray, times: np.ndarray, grid: Grid, observations: Observations) -> np.ndarray:
    """(n,) of fields (time, nz, ny, nx) of a year that repeats, on a model's grid; NaN where the grid knows nothing.

    times: ascending fractions of the year.  Raises UserError unless the grid is a sphere that is closed in longitude.
    """
    if not (grid.geometry.spherical and grid.topology.periodic_x):
        raise UserError("profiles are compared on a sphere that is closed in longitude; the run has another grid")
    lon, lat = grid.geometry.x["T"][0], grid.geometry.y["T"][:, 0]
    axes = Axes(lon, lat, grid.levels.centres, float(grid.levels.faces[-1]))
    wet = np.where(grid.mask, fields, np.nan)
    trajectory = Trajectory("", times, True, None, 0.0, lambda _, record: wet[record][None])
    stencil = Stencil.of(observations.lon, observations.lat, observations.depth, axes)
    return match(trajectory, observations, stencil, "").members[0]


def require_overlap(source: Source, observations: Observations) -> None:
    """Raises UserError if no observation lies within the time of the source."""
    if any(len(bracket(one, observations)[0]) for one in source.trajectories()):
        return
    options = {"series": "--repeat-year compares a year of it", "forecasts": "--any-year compares them"}
    hint = f"; {options[source.kind]} by season" if source.kind in options else ""
    what = "forecasts are valid from" if source.kind == "forecasts" else "fields cover"
    raise UserError(
        f"no observation of {observations.label} lies within the time of {source.label}: observations of "
        f"{observations.period}, {what} {source.period}{hint}"
    )
