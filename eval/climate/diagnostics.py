"""Numbers and fields of a run's climate."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import gsw
import numpy as np

from eval.climate.observed import Observed
from ocean_gcm.data.output import SALINITY_RATIO
from ocean_gcm.data.run_output import Run
from ocean_gcm.errors import UserError
from ocean_gcm.grid.grid import Grid
from ocean_gcm.metrics import (
    basins,
    density_overturning,
    heat_content,
    kinetic_energy,
    means,
    mixed_layer,
    nino,
    sea_level,
    sections,
    streamfunction,
    summary,
    transport,
    water_masses,
)

SIGMA2 = np.concatenate([np.arange(28.0, 35.0, 0.5), np.arange(35.0, 36.5, 0.1), np.arange(36.5, 38.0, 0.04)])
"""Edges of density classes in kg m-3 above 1000, referenced to 2000 dbar; finer where the ocean is deep."""
CLASSES = np.arange(-2.0, 32.1, 0.5), np.arange(32.0, 38.1, 0.1)
"""Edges of temperature (degC) and salinity of the census."""
HEAT_LAYERS = {
    "0_300m": (0.0, 300.0),
    "0_700m": (0.0, 700.0),
    "700_2000m": (700.0, 2000.0),
    "2000m_down": (2000.0, 1e5),
}
WATER_MASSES = {
    "thermocline_water": ("sigma0", 24.0, 26.8),
    "intermediate_water": ("sigma0", 26.8, 27.4),
    "deep_water": ("sigma0", 27.4, 27.8),
    "bottom_water": ("sigma0", 27.8, 30.0),
}
"""Volumes by potential density (kg m-3 above 1000, referenced to the surface)."""
PETAWATT, ZETTAJOULE = 1e15, 1e21
NEEDED = ("thetao", "so", "uo", "vo", "zos")


@dataclasses.dataclass(frozen=True)
class Climate:
    """A run, and the part of it that is its climate.

    Attributes:
      run: what simulate left.
      years: (time,) end of each record in years from the start.
      records: the records of the final mean.
      fields: the mean of these, by the model's names, land 0.
    """

    run: Run
    years: np.ndarray
    records: np.ndarray
    fields: dict[str, np.ndarray]

    @property
    def grid(self) -> Grid:
        return self.run.grid

    @property
    def period(self) -> str:
        begin = self.run.years(bound=0)[self.records[0]]
        return f"mean of years {begin:.4g} to {self.years[-1]:.4g}"

    @property
    def area(self) -> np.ndarray:
        return self.grid.geometry.area["T"] * self.grid.wet

    @property
    def heat_per_degree(self) -> float:
        """J m-3 K-1: reference density times heat capacity of the run."""
        dynamics = self.run.config.get("dynamics", {})
        return float(dynamics.get("reference_density", 1026.0)) * float(dynamics.get("heat_capacity", 3991.86795711963))

    def series(self, name: str, records: Sequence[int] | None = None) -> np.ndarray:
        """(time, ...) a variable at the records of the climate (or others), NaN on land, float64."""
        chosen = self.records if records is None else records
        return self.run.dataset[name].isel(time=chosen).values.astype(float)


def open_climate(run: Run, last_years: float) -> Climate:
    """Raises UserError if the run is not global or lacks variables, or is shorter than half of `last_years`."""
    if not summary.is_global(run.grid):
        raise UserError(f"{run.directory} is not a run of a global ocean; its climate has no observed counterpart")
    missing = [name for name in NEEDED if name not in run.dataset]
    if missing:
        raise UserError(
            f"the output of {run.directory} has no {', '.join(missing)}; climate diagnostics need {', '.join(NEEDED)} "
            "(output.variables)"
        )
    years = run.years()
    if years[-1] < 0.5 * last_years:
        raise UserError(
            f"{run.directory} covers {years[-1]:.3g} years; the final mean is over {last_years:g} years "
            "(--last sets another number)"
        )
    records = np.flatnonzero(run.years(bound=0) > years[-1] - last_years - 1e-6)
    records = records if len(records) else np.array([len(years) - 1])
    return Climate(run, years, records, run.fields(slice(int(records[0]), None)))


def potential_density(temperature, salinity, reference: int) -> np.ndarray:
    """kg m-3 above 1000 of potential temperature and practical salinity, by TEOS-10; reference 0 or 2 (1000 dbar)."""
    absolute = np.maximum(salinity, 0.0) * SALINITY_RATIO
    return {0: gsw.sigma0, 2: gsw.sigma2}[reference](absolute, gsw.CT_from_pt(absolute, temperature))


def basin_faces(grid: Grid) -> dict[str, np.ndarray]:
    """(ny, nx) northern faces of all, of the Atlantic (with Arctic and Mediterranean), of Pacific and Indian Ocean.

    The latter two are one: with the throughflow between them neither has a heat transport that means anything.
    """
    geometry = grid.geometry
    code = basins.basins(geometry.x["T"], geometry.y["T"], grid.wet)
    masks = {
        "global": grid.wet,
        "atlantic": basins.atlantic_mask(geometry.x["T"], geometry.y["T"], grid.wet),
        "indopacific": np.isin(code, (basins.PACIFIC, basins.INDIAN)),
    }
    return {name: basins.northern_faces(mask) for name, mask in masks.items()}


def overturning(climate: Climate, eddies: np.ndarray | None = None) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Numbers, and the streamfunctions by basin in depth (nz + 1, ny) and density (n, ny).

    eddies: a velocity (record, nz, ny, nx) that is added to the resolved one.
    """
    grid, fields = climate.grid, climate.fields
    geometry, faces = grid.geometry, basin_faces(grid)
    latitude, depth = geometry.y["V"][:, 0], grid.levels.faces
    added = np.zeros((len(climate.records), 1, 1, 1)) if eddies is None else eddies
    v = (fields["v"] + added.mean(0)) * grid.mask_v
    values = {
        basin: streamfunction.overturning_streamfunction(v, grid.thickness_v, geometry.dx["V"], faces[basin])
        for basin in ("global", "atlantic")
    }
    atlantic = values["atlantic"]
    numbers = {
        "amoc_26n": streamfunction.overturning_at(atlantic, latitude, depth),
        "amoc_max": streamfunction.overturning_maximum(atlantic, latitude, depth, south=20.0, north=65.0),
        "amoc_30s": streamfunction.overturning_at(atlantic, latitude, depth, latitude=-30.0),
        "antarctic_bottom_cell": -float(values["global"][depth > 2000.0][:, (latitude > -78) & (latitude < -30)].min()),
    }
    total: dict[str, np.ndarray] = {}
    for record, extra in zip(climate.records, added, strict=True):
        found = climate.run.fields(int(record))
        sigma2 = potential_density(found["temperature"], found["salinity"], 2)
        for basin in values:
            one = density_overturning.density_overturning(
                (found["v"] + extra) * grid.mask_v, sigma2, grid.thickness_v, geometry.dx["V"], SIGMA2, faces[basin]
            )
            total[basin] = total.get(basin, 0.0) + one / len(climate.records)
    dense = density_overturning.overturning_maximum_in_density
    numbers["amoc_density_26n"] = float(streamfunction.between_latitudes(total["atlantic"], latitude, 26.5).max())
    numbers["amoc_density_max"] = dense(total["atlantic"], latitude, 20.0, 65.0)
    return numbers, {**values, **{f"{basin}_density": psi for basin, psi in total.items()}}


def meridional_transports(
    climate: Climate, eddies: np.ndarray | None = None
) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Heat (PW) and freshwater (Sv) northward by the resolved flow: numbers, and (ny,) by basin.

    Freshwater is relative to the mean salinity.  eddies: as of `overturning`.
    """
    added = np.zeros((len(climate.records), 1, 1, 1)) if eddies is None else eddies
    grid, geometry = climate.grid, climate.grid.geometry
    salinity_mean = float(means.volume_mean(climate.fields["salinity"], grid.volume))
    latitude, faces = geometry.y["V"][:, 0], basin_faces(grid)
    curves: dict[str, np.ndarray] = {}
    for record, extra in zip(climate.records, added, strict=True):
        fields = climate.run.fields(int(record))
        v = (fields["v"] + extra) * grid.mask_v
        for basin, mask in faces.items():
            arguments = v, grid.thickness_v, geometry.dx["V"]
            heat = transport.meridional_heat_transport(
                fields["temperature"], *arguments, climate.heat_per_degree, 1.0, mask
            )
            fresh = transport.meridional_freshwater_transport(fields["salinity"], *arguments, salinity_mean, mask)
            for name, value in ((f"heat_{basin}", heat / PETAWATT), (f"freshwater_{basin}", fresh)):
                curves[name] = curves.get(name, 0.0) + value / len(climate.records)
    at = {"26n": 26.5, "24n": 24.0, "30s": -30.0}
    numbers = {
        f"{kind}_transport_{basin}_{place}": float(np.interp(value, latitude, curves[f"{kind}_{basin}"]))
        for kind in ("heat", "freshwater")
        for basin in ("global", "atlantic", "indopacific")
        for place, value in at.items()
    }
    return numbers, curves


def straits(climate: Climate, observed: Observed) -> tuple[dict[str, float], dict[str, str]]:
    """Transports (Sv) through the observed sections, and by name why one is missing."""
    grid, geometry, found, absent = climate.grid, climate.grid.geometry, {}, {}
    x = np.append(2 * geometry.x["T"][0, 0] - geometry.x["U"][0, 0], geometry.x["U"][0])
    y = np.append(2 * geometry.y["T"][0, 0] - geometry.y["V"][0, 0], geometry.y["V"][:, 0])
    u, v = climate.fields["u"] * grid.mask_u, climate.fields["v"] * grid.mask_v
    sizes = grid.thickness_u, grid.thickness_v, geometry.dy["U"], geometry.dx["V"]
    for strait in observed.sections:
        section = sections.section_between(x, y, strait.points, periodic_x=True)
        if not all(_touches_land(grid, x, y, point) for point in (strait.points[0], strait.points[-1])):
            absent[strait.name] = "the shores of the section are water on this grid"
        elif section.area(*sizes) == 0:
            absent[strait.name] = "closed on this grid"
        else:
            found[strait.name] = float(section.transport(u, v, *sizes))
    return found, absent


def _touches_land(grid: Grid, x_edges, y_edges, point) -> bool:
    """Whether one of the cells around the corner nearest to a point is land, or the corner on the grid's edge."""
    i = int(np.argmin(np.abs((x_edges[:-1] - point[0] + 180.0) % 360.0 - 180.0)))
    j = int(np.argmin(np.abs(y_edges - point[1])))
    if j in (0, len(y_edges) - 1):
        return True
    return not grid.wet[j - 1 : j + 1][:, [i - 1, i]].all()


def heat(climate: Climate) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Heat content (ZJ) of layers and its closed budget: numbers, and (time,) of the whole ocean since the start.

    The budget is the run's own, in the model's temperature: what the surface gave, against the change inside.
    """
    grid, area = climate.grid, climate.area
    numbers = {}
    for layer, (top, bottom) in HEAT_LAYERS.items():
        content = heat_content.heat_content(
            climate.fields["temperature"], grid.thickness, climate.heat_per_degree, 1.0, top, bottom
        )
        numbers[f"heat_content_{layer}"] = float((content * area).sum() / ZETTAJOULE)
    series = {}
    if {"thetaoga", "volo"} <= set(climate.run.dataset.data_vars):
        content = (climate.run.dataset.thetaoga * climate.run.dataset.volo).values * climate.heat_per_degree
        series["heat_content"] = (content - content[0]) / ZETTAJOULE
        length = climate.years[climate.records[-1]] - climate.years[climate.records[0]]
        if length > 1.0:
            trend = np.polyfit(climate.years[climate.records], content[climate.records], 1)[0]
            seconds = climate.run.days_per_year * 86400.0
            numbers["heat_uptake"] = float(trend / seconds / area.sum())
    budget = (climate.run.summary.get("budgets") or {}).get("heat") or {}
    for key in ("change", "input", "residual"):
        if budget.get(key) is not None:
            numbers[f"heat_budget_{key}"] = float(budget[key]) / ZETTAJOULE
    if budget.get("relative_residual") is not None:
        numbers["heat_budget_relative_residual"] = float(budget["relative_residual"])
    return numbers, series


def mixed_layer_depths(climate: Climate) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Mean and largest depth (m) over the records: numbers, and maps (ny, nx), NaN on land."""
    if "mlotst" in climate.run.dataset:
        depths = climate.series("mlotst")
    else:
        depths = np.stack([_mixed_layer(climate, int(record)) for record in climate.records])
    maps = {"mixed_layer_mean": depths.mean(0), "mixed_layer_max": depths.max(0)}
    y = climate.grid.geometry.y["T"]
    area = climate.area
    numbers = {"mixed_layer_mean": float(means.area_mean(np.nan_to_num(maps["mixed_layer_mean"]), area))}
    for name, where in (("tropics", abs(y) < 20), ("north", y > 45), ("south", y < -45)):
        chosen = np.nan_to_num(maps["mixed_layer_max"])
        numbers[f"mixed_layer_max_{name}"] = float(means.area_mean(chosen, area * where))
    return numbers, maps


def _mixed_layer(climate: Climate, record: int) -> np.ndarray:
    fields, grid = climate.run.fields(record), climate.grid
    density = potential_density(fields["temperature"], fields["salinity"], 0)
    return mixed_layer.mixed_layer_depth(density, grid.centre_depth, grid.mask)


def variability(climate: Climate) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Sea level (m) and kinetic energy of the deviations from the mean at the surface (m2 s-2): numbers and maps.

    Empty with fewer than two records.
    """
    if len(climate.records) < 2:
        return {}, {}
    grid, area = climate.grid, climate.area
    height = sea_level.variability(np.nan_to_num(climate.series("zos")), area)
    u, v = (climate.run.dataset[name].isel(time=climate.records, lev=0).values.astype(float) for name in ("uo", "vo"))
    energy = kinetic_energy.eddy_kinetic_energy(np.nan_to_num(u), np.nan_to_num(v), grid.mask_u[0], grid.mask_v[0])
    maps = {"sea_level_variability": height, "eddy_kinetic_energy": energy}
    numbers = {
        "sea_level_variability": float(means.area_mean(height**2, area) ** 0.5),
        "eddy_kinetic_energy": float(means.area_mean(energy, area)),
    }
    return numbers, {name: np.where(grid.wet, field, np.nan) for name, field in maps.items()}


def nino_indices(climate: Climate) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Standard deviation (K) of the Nino indices, all records: seasonal anomalies of SST in the boxes, and (time,).

    Empty unless a year has several records.
    """
    years, run = climate.years, climate.run
    per_year = round(1.0 / np.median(np.diff(years))) if len(years) > 1 else 0
    if per_year < 4 or years[-1] < 2.0:
        return {}, {}
    sst = np.nan_to_num(run.dataset.thetao.isel(lev=0).values.astype(float))
    season = np.floor((0.5 * (run.years(bound=0) + years) % 1.0) * per_year + 1e-6).astype(int)
    geometry = climate.grid.geometry
    x, y = geometry.x["T"], geometry.y["T"]
    half_x, half_y = geometry.x["U"] - x, geometry.y["V"] - y
    numbers, series = {}, {}
    for name, region in nino.REGIONS.items():
        share = nino.region_weights(x - half_x, x + half_x, y - half_y, y + half_y, region)
        index = nino.box_index(sst, climate.area * share)
        numbers[f"{name}_mean"] = float(index[climate.records].mean())
        late = climate.records if len(climate.records) >= 2 * per_year else slice(None)
        anomaly = nino.seasonal_anomaly(index[late], season[late])
        numbers[f"{name}_standard_deviation"] = float(anomaly.std())
        series[name] = index
    return numbers, series


def census(climate: Climate, reference: tuple[np.ndarray, np.ndarray] | None):
    """Volumes by density (1e15 m3) of run and reference, the overlap of the two censuses, and the censuses.

    reference: temperature and salinity (nz, ny, nx), NaN where unknown; the run counts only where it is known.
    """
    grid = climate.grid
    temperature, salinity = climate.fields["temperature"], climate.fields["salinity"]
    known = grid.mask if reference is None else grid.mask & np.isfinite(reference[0]) & np.isfinite(reference[1])
    volume = grid.volume * known
    numbers, tables = {}, {"census": water_masses.census(temperature, salinity, volume, *CLASSES)}
    pairs = {"": (temperature, salinity)}
    if reference is not None:
        filled = tuple(np.where(known, field, 0.0) for field in reference)
        pairs["_reference"] = filled
        tables["census_reference"] = water_masses.census(*filled, volume, *CLASSES)
        numbers["census_overlap"] = water_masses.overlap(tables["census"], tables["census_reference"])
    for suffix, pair in pairs.items():
        density = potential_density(*pair, 0)
        for name, (_, low, high) in WATER_MASSES.items():
            numbers[f"volume_{name}{suffix}"] = water_masses.volume_between(density, volume, low, high) / 1e15
    return numbers, tables
