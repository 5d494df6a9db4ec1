"""Fields of layers as a CF data set: names, units, coordinates, bounds."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from ocean_gcm.data.output import along_time, axis_attributes
from ocean_gcm.dynamics.spectral.core import QuasiGeostrophy
from ocean_gcm.dynamics.spectral.grid import PeriodicGrid
from ocean_gcm.quasi_geostrophic.variables import SERIES, VARIABLES


@functools.lru_cache(maxsize=4)
def _inversion(grid: PeriodicGrid, dynamics: Any) -> tuple[QuasiGeostrophy, np.ndarray]:
    from ocean_gcm.dynamics.spectral.inversion import inversion_matrices

    core = QuasiGeostrophy(grid, dynamics, 1.0)
    return core, inversion_matrices(grid, core.stretching)


def fields_of(ocean: Any) -> dict[str, np.ndarray]:
    """The arrays of `Layers` by name, on the host."""
    return {"potential_vorticity": np.asarray(ocean.potential_vorticity)}


def record(grid: PeriodicGrid, config: Any, fields: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """All variables and series of q (..., nz, ny, nx), in float64; energies are per mass of all layers."""
    core, matrices = _inversion(grid, config.dynamics)
    q = np.asarray(fields["potential_vorticity"], float)
    q_hat = np.fft.rfft2(q)
    psi_hat = np.einsum("ijlk,...jlk->...ilk", matrices, q_hat)
    back = functools.partial(np.fft.irfft2, s=grid.shape[1:])
    psi, vorticity = back(psi_hat), back(-grid.kappa_squared * psi_hat)
    u, v = back(-1j * grid.l * psi_hat), back(1j * grid.k * psi_hat)
    total_u = u + core.flow[:, None, None]
    weight = (core.thickness / core.thickness.sum())[:, None, None]
    mean = lambda f: (weight * f).sum(-3).mean((-2, -1))  # noqa: E731
    stretched = np.einsum("ij,...jyx->...iyx", core.stretching, psi)
    return {
        "pv": q,
        "psi": psi,
        "vorticity": vorticity,
        "uo": total_u,
        "vo": v,
        "kinetic_energy": 0.5 * mean(u * u + v * v),
        "available_potential_energy": -0.5 * mean(psi * stretched),
        "enstrophy": 0.5 * mean(q * q),
        "largest_speed": np.sqrt(total_u**2 + v**2).max((-3, -2, -1)),
    }


def attributes(name: str, cell_methods: str | None) -> dict[str, str]:
    """CF attributes of the variable `name`."""
    variable = VARIABLES.get(name) or SERIES[name]
    attrs = {"long_name": variable.long_name, "units": variable.units}
    more = {"cell_methods": cell_methods, "standard_name": variable.standard_name}
    return attrs | {key: text for key, text in more.items() if text}


def records(
    grid: PeriodicGrid,
    config: Any,
    fields: Mapping[str, np.ndarray],
    times: np.ndarray,
    bounds: np.ndarray | None,
    names: Iterable[str],
) -> xr.Dataset:
    """What a data set has along time; arguments as in `ocean_gcm.data.output.records`."""
    cell_methods = "time: mean" if bounds is not None else "time: point"
    dtype = np.asarray(fields["potential_vorticity"]).dtype
    arrays, variables = record(grid, config, fields), {}
    for name in [*names, *SERIES]:
        levels = name in VARIABLES
        dims = ("time", "lev", "y", "x") if levels else ("time",)
        values = arrays[name].astype(dtype) if levels else arrays[name]
        variables[name] = (dims, values, attributes(name, cell_methods))
    return along_time(variables, config, times, bounds)


def static_dataset(grid: PeriodicGrid, config: Any) -> xr.Dataset:
    """Coordinates with bounds, and what does not change: thickness, background flow and its gradient of vorticity."""
    core, _ = _inversion(grid, config.dynamics)
    coordinates = {}
    for name, letter, centres, width in (("y", "Y", grid.y, grid.spacing[0]), ("x", "X", grid.x, grid.spacing[1])):
        attrs = {**axis_attributes(name, width * len(centres)), "axis": letter, "bounds": f"{name}_bnds"}
        coordinates[name] = (name, centres, attrs)
        coordinates[f"{name}_bnds"] = ((name, "bnds"), np.stack([centres - 0.5 * width, centres + 0.5 * width], -1))
    faces = np.concatenate([[0.0], np.cumsum(core.thickness)])
    depth = {"standard_name": "depth", "units": "m", "positive": "down", "axis": "Z", "bounds": "lev_bnds"}
    coordinates["lev"] = ("lev", 0.5 * (faces[1:] + faces[:-1]), {**depth, "long_name": "depth of the layer at rest"})
    coordinates["lev_bnds"] = (("lev", "bnds"), np.stack([faces[:-1], faces[1:]], -1))
    variables = {
        "background_uo": ("lev", core.flow, {"long_name": "background velocity along x", "units": "m s-1"}),
        "background_pv_gradient": (
            "lev",
            core.gradient,
            {"long_name": "background gradient of potential vorticity along y", "units": "m-1 s-1"},
        ),
    }
    if config.dynamics.topography is not None:
        heights = config.dynamics.topography.heights(grid)
        variables["topography"] = (("y", "x"), heights, {"long_name": "height of the sea floor", "units": "m"})
    attrs = {
        "Conventions": "CF-1.10",
        "title": config.name,
        "comment": config.description,
        "source": "ocean_gcm",
        "experiment": config.name,
    }
    return xr.Dataset(variables, coordinates, attrs)


def place(grid: PeriodicGrid, name: str, index: tuple[int, ...]) -> str:
    """'layer 0, x = 3.1 km, y = 20.0 km' for an index of a field."""
    layer, j, i = index
    return f"layer {layer}, x = {grid.x[i] / 1000:.4g} km, y = {grid.y[j] / 1000:.4g} km"


@dataclasses.dataclass
class CourantAccount:
    """The running account of a core whose surface gives nothing: the largest Courant number of all steps."""

    largest_courant: float = 0.0

    @classmethod
    def begin(cls, grid: PeriodicGrid, state: Any) -> CourantAccount:
        return cls()

    def add(self, diagnostics: Any) -> None:
        """Account for the diagnostics of an interval."""
        self.largest_courant = max(self.largest_courant, float(diagnostics.courant))

    def close(self, grid: PeriodicGrid, state: Any, dynamics: Any) -> dict[str, dict]:
        """There is nothing that must close."""
        return {}
