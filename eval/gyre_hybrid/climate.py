"""Long free runs: mean state, eddies, spectra and extremes beside those of the truth."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from eval.gyre_hybrid.forecasts import DAY, begun, decoded, weights_of
from ocean_gcm.data.truth import Truth
from ocean_gcm.metrics.spectra import power_along_x
from ocean_gcm.model import OceanModel

EVERY = 5
"""Days between the states that count."""


@dataclasses.dataclass(frozen=True)
class Climate:
    """Statistics of states `EVERY` days apart.

    Attributes:
      sea_level: (y, x) mean, m.
      temperature: (level, y, x) mean, degC.
      eddy_energy: (y, x) kinetic energy of the deviations from the mean at the surface, m2 s-2.
      mean_energy: (y, x) of the mean.
      spectrum: by wavenumber 1, 2, ... along x, of the deviations at the surface, m2 s-2.
      speeds: largest surface speed of each state, m s-1.
      fast: 99.9th percentile of surface speeds, m s-1.
      high: 99.9th percentile of |sea level|, m.
      years: length of the run.
      stable: whether all of it is finite.
    """

    sea_level: np.ndarray
    temperature: np.ndarray
    eddy_energy: np.ndarray
    mean_energy: np.ndarray
    spectrum: np.ndarray
    speeds: np.ndarray
    fast: float
    high: float
    years: float
    stable: bool

    @classmethod
    def of(cls, u, v, sea_level, temperature_mean) -> Climate:
        """u, v, sea_level: (time, y, x) at the surface; temperature_mean: (level, y, x)."""
        stable = bool(all(np.isfinite(a).all() for a in (u, v, sea_level, temperature_mean)))
        du, dv = u - u.mean(0), v - v.mean(0)
        ones = jnp.ones(u.shape[1:], u.dtype)
        power = sum(power_along_x(jnp.asarray(a), ones, periodic_x=False).mean((0, 1)) for a in (du, dv))
        speed = np.hypot(u, v)
        return cls(
            sea_level.mean(0),
            temperature_mean,
            0.5 * (du**2 + dv**2).mean(0),
            0.5 * (u.mean(0) ** 2 + v.mean(0) ** 2),
            0.5 * np.asarray(power)[1:],
            speed.max((1, 2)),
            float(np.quantile(speed, 0.999)),
            float(np.quantile(np.abs(sea_level), 0.999)),
            len(u) * EVERY / 360.0,
            stable,
        )


def of_truth(truth: Truth, begin: int, end: int) -> Climate:
    """Of records of a truth."""
    stride = truth.stride(EVERY * DAY, "interval")
    fields = [truth.window(n, 1).ocean for n in range(begin, end, stride)]
    stack = lambda take: np.stack([take(f) for f in fields])  # noqa: E731
    temperature = np.mean([f.temperature[0] for f in fields], 0, dtype=float)
    return Climate.of(
        stack(lambda f: f.u[0, 0]), stack(lambda f: f.v[0, 0]), stack(lambda f: f.sea_surface_height[0]), temperature
    )


def of_model(model: OceanModel, truth: Truth, start: int, years: int, seed: int = 0, states: int = 1) -> list[Climate]:
    """Of free runs from a record of the truth, `states` of them with perturbed beginnings (1: none)."""
    first = truth.window(start, 1).at(0)
    state = begun(model, jax.tree.map(lambda a: a[None], first), jax.random.key(seed)[None], states)
    interval = round(EVERY * DAY / model.time_step)
    series: list[list[np.ndarray]] = [[], [], []]
    total, number = 0.0, 0
    for _ in range(years * 6):  # sixty days at a time
        state, saved = model.unroll_ensemble(state, steps=12 * interval, save_every=interval)
        ocean = decoded(model, saved.states)
        for kept, a in zip(series, (ocean.u[:, :, 0], ocean.v[:, :, 0], ocean.sea_surface_height), strict=True):
            kept.append(np.asarray(a))
        total = total + np.asarray(ocean.temperature, float).sum(1)
        number += ocean.u.shape[1]
    u, v, sea_level = (np.concatenate(kept, 1) for kept in series)
    return [Climate.of(u[n], v[n], sea_level[n], total[n] / number) for n in range(states)]


def compared(climate: Climate, truth: Climate, model: OceanModel) -> dict[str, float]:
    """Errors of the mean state and ratios of energies to the truth's."""
    weights = {name: np.asarray(w, float) for name, w in weights_of(model).items()}
    rms = lambda a, b, w: float(np.sqrt((w * (a - b) ** 2).sum()))  # noqa: E731
    ratio = np.log(climate.spectrum[:12] / truth.spectrum[:12])
    return {
        "years": climate.years,
        "stable": climate.stable,
        "sea_level_error": rms(climate.sea_level, truth.sea_level, weights["sea_surface_height"]),
        "temperature_error": rms(climate.temperature, truth.temperature, weights["temperature"]),
        "eddy_energy": float(climate.eddy_energy.mean()),
        "eddy_energy_ratio": float(climate.eddy_energy.mean() / truth.eddy_energy.mean()),
        "mean_energy_ratio": float(climate.mean_energy.mean() / truth.mean_energy.mean()),
        "spectrum_log_error": float(np.sqrt((ratio**2).mean())),
        "fast": climate.fast,
        "high": climate.high,
        "largest_speed": float(climate.speeds.max()),
    }
