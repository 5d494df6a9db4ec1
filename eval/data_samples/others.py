"""The samples that are not gridded series: profiles, indices, depths, basins."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from eval.observations.readers import read_observations
from ocean_gcm.config import load_config
from ocean_gcm.data import bathymetry, time_axis, units
from ocean_gcm.data.reading import open_dataset, read_variable
from ocean_gcm.data.recipe import TimeRecipe
from ocean_gcm.data.survey import Found
from ocean_gcm.grid.build import build_geometry

_WARM_WATER_VOLUME = units.Quantity("m", {"m": 1.0}, -200.0, 200.0)


def profiles(directory: Path) -> dict[str, tuple[Found, ...]]:
    """Temperature and salinity of the two collections of profiles."""
    found = {}
    for title, file in (("Argo profiles", "argo_profiles.nc"), ("WOD 2001 profiles", "wod2001_profiles.nc")):
        read = read_observations(directory / file, title)
        with open_dataset(directory / file) as dataset:
            dates = time_axis.decode(dataset["time"], dataset.sizes["profile"], TimeRecipe(), file)
            depth = dataset["depth"].values.astype(float)
        rows = []
        for name, quantity in (("thetao", units.TEMPERATURE), ("so", units.SALINITY)):
            values = read.values[name]
            rows.append(
                _row(
                    name,
                    f"variable {name!r} of {file}",
                    values,
                    grid=f"{len(dates)} profiles, {len(depth)} depths to {depth[-1]:g} m",
                    times=f"{min(dates):%Y-%m-%d} to {max(dates):%Y-%m-%d}",
                    unit=quantity.unit,
                    kind="potential temperature" if name == "thetao" else "practical salinity",
                    notes=(
                        f"{100 * np.isfinite(values).sum() / (len(dates) * len(depth)):.0f}% of the values are there",
                    ),
                )
            )
        found[title] = tuple(rows)
    return found


def indices(directory: Path) -> dict[str, tuple[Found, ...]]:
    """The monthly indices of ORAS5: times in order and without gaps, units."""
    file, rows = "oras5_indices_1979_2012.nc", []
    with open_dataset(directory / file) as dataset:
        for name, array in dataset.data_vars.items():
            label = f"variable {name!r} of {file}"
            axis = time_axis.arrange(
                time_axis.decode(dataset["time"], dataset.sizes["time"], TimeRecipe(), label), TimeRecipe(), label
            )
            quantity = _WARM_WATER_VOLUME if name == "WWV" else units.TEMPERATURE
            values = units.to_model(array.values.astype(float), array.attrs.get("units"), quantity, label)
            rows.append(_row(str(name), label, values, grid="series", times=axis.describe(), unit=quantity.unit))
    return {"ORAS5 indices": tuple(rows)}


def sea_floor(directory: Path) -> dict[str, tuple[Found, ...]]:
    """ETOPO5 on the grid of a model, and the codes of basins."""
    geometry = build_geometry(load_config("configs/global_4deg.yaml").grid)
    depth = bathymetry.read(directory / "etopo_third_degree.nc", "topo", geometry)
    water = float((geometry.area["T"] * (depth > 0)).sum() / geometry.area["T"].sum())
    etopo = _row(
        "deptho",
        "variable 'topo' of etopo_third_degree.nc",
        depth[depth > 0],
        grid="1080 x 540 to 90 x 40",
        unit="m",
        water=water,
        notes=("heights turned to depths", "a cell is land unless half of it is water"),
    )
    source = read_variable(directory / "basins_1deg.nc", "basin", spherical=True)
    basins = _row(
        "basin",
        "variable 'basin' of basins_1deg.nc",
        source.values,
        grid=f"{len(source.x)} x {len(source.y)}",
        unit="1",
        water=float(
            ((source.values[0, 0] > 0) * np.cos(np.deg2rad(source.y))[:, None]).sum()
            / np.cos(np.deg2rad(source.y)).sum()
            / len(source.x)
        ),
        notes=(f"{len(np.unique(source.values)) - 1} basins",),
    )
    return {"ETOPO5": (etopo,), "WOA basins": (basins,)}


def _row(name, label, values, *, grid, unit, times="no time", kind="", water=np.nan, notes=()) -> Found:
    valid = values[np.isfinite(values)]
    return Found(
        name=name,
        label=label,
        grid=grid,
        times=times,
        units=unit,
        kind=kind,
        lowest=float(valid.min()),
        mean=float(valid.mean()),
        highest=float(valid.max()),
        water=water,
        filled=0,
        notes=notes,
    )
