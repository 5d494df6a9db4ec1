"""The report on a run's climate: sections for a web page and for the documentation."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eval.climate import comparison, figures
from eval.climate.evaluation import WITH_EDDIES, Evaluation, unit_of, yearly
from eval.climate.reference import LAYERS
from eval.report import Cell, Gallery, Page, Section, Table, Text


def page(found: Evaluation) -> Page:
    """The whole report."""
    climate = found.climate
    facts = {
        "run": f"{climate.run.name}, {climate.years[-1]:.4g} years",
        "judged": climate.period,
        "reference": found.reference.climatology.name if found.reference else "none",
        "records": f"{len(climate.records)} of {len(climate.years)}",
    }
    return Page(f"Climate of {climate.run.name}", comparison.verdict(found.comparison), facts, sections(found))


def sections(found: Evaluation) -> list[Section]:
    numbers = found.numbers
    overturning = figures.overturning_depth(found) + figures.overturning_density(found)
    made = [
        Section("Observed and modelled", [Text(comparison.verdict(found.comparison)), observed_table(found)]),
        Section(
            "Overturning",
            [
                Gallery(overturning, "By the resolved flow; a cell that flows north in light water is positive."),
                _with_eddies(found, {
                    "amoc_26n": "Atlantic, 26.5N, below 500 m", "amoc_max": "Atlantic, largest of 20N to 65N",
                    "amoc_30s": "Atlantic, 30S", "amoc_density_26n": "Atlantic, 26.5N, in density",
                    "amoc_density_max": "Atlantic, largest of 20N to 65N, in density",
                    "antarctic_bottom_cell": "cell of bottom water, south of 30S",
                }),
            ],
        ),
        Section("Heat and freshwater", [
            Gallery(figures.meridional(found), "By the resolved flow; error bars: observed; dashes, if any: with the "
                    "bolus transport of the closures' eddies. Diffusion is not part of it."),
            _with_eddies(found, {
                "heat_transport_global_24n": "heat, world, 24N", "heat_transport_global_30s": "heat, world, 30S",
                "heat_transport_atlantic_26n": "heat, Atlantic, 26.5N",
                "heat_transport_atlantic_30s": "heat, Atlantic, 30S",
                "freshwater_transport_global_30s": "freshwater, world, 30S",
                "freshwater_transport_atlantic_30s": "freshwater, Atlantic, 30S",
            }),
            heat_table(found),
        ]),
        Section("Circulation at the surface and through straits", [
            Gallery([figures.barotropic(found), *figures.surface_maps(found)],
                    "Departures from the mean hold the seasons; what the grid does not resolve is not among them."),
            _numbers(found, {
                "mixed_layer_mean": "mixed layer, mean",
                "mixed_layer_max_north": "deepest mixed layer, mean north of 45N",
                "mixed_layer_max_south": "deepest mixed layer, mean south of 45S",
                "sea_level_variability": "sea level, standard deviation",
                "eddy_kinetic_energy": "kinetic energy of departures from the mean, surface",
            }),
        ]),
    ]  # fmt: skip
    if found.reference is not None:
        pictures = figures.errors(found) + figures.profiles_of_error(found)
        made.append(Section("Temperature and salinity", [Gallery(pictures), error_table(found)]))
        made[-1].parts.extend(error_table(found, other.climatology.name) for other in found.others)
    made.append(Section("Water masses", [Gallery(figures.census(found)), census_table(found)]))
    series = figures.time_series(found)
    if series:
        made.append(Section("Drift", [Gallery(series, "Yearly means; shaded: observed."), decades(found)]))
    if "nino34_standard_deviation" in numbers:
        made.append(Section("Equatorial Pacific", [nino_table(found)]))
    return made


def observed_table(found: Evaluation) -> Table:
    rows = []
    for row in found.comparison.itertuples():
        model = "none" if row.model is None or np.isnan(row.model) else _three_digits(row.model)
        if row.observed is None or np.isnan(row.observed):
            rows.append([f"{row.title} ({row.unit})", model, "", "", row.source])
        else:
            mark = "good" if abs(row.distance) <= 1 else "bad" if abs(row.distance) > 2 else ""
            known = f"{row.observed:g} ± {row.uncertainty:g}"
            rows.append([f"{row.title} ({row.unit})", model, known, Cell(f"{row.distance:+.1f}", mark), row.source])
    columns = ["quantity", "model", "observed", "difference in uncertainties", "source"]
    return Table(columns, rows, found.climate.period)


def _three_digits(value: float) -> str:
    return f"{value:.3g}" if abs(value) >= 0.05 else f"{value:.2f}"


def _numbers(found: Evaluation, wanted: Mapping[str, str]) -> Table:
    rows = [
        [title, f"{found.numbers[name]:.3g} {unit_of(found, name)}".removesuffix(" 1")]
        for name, title in wanted.items()
        if name in found.numbers
    ]
    return Table(["quantity", "value"], rows)


def _with_eddies(found: Evaluation, wanted: Mapping[str, str]) -> Table:
    """The same with a column of resolved flow and closures' eddies together, where these are known."""
    known = any(name + WITH_EDDIES in found.numbers for name in wanted)
    rows = []
    for name, title in wanted.items():
        both = [f"{found.numbers[name + WITH_EDDIES]:.3g}"] if known else []
        rows.append([f"{title} ({unit_of(found, name)})", f"{found.numbers[name]:.3g}", *both])
    return Table(["quantity", "resolved flow", *(["with eddies"] if known else [])], rows)


def heat_table(found: Evaluation) -> Table:
    return _numbers(found, {
        "heat_content_0_300m": "heat content relative to 0 degC, 0 to 300 m",
        "heat_content_0_700m": "heat content, 0 to 700 m", "heat_content_700_2000m": "heat content, 700 to 2000 m",
        "heat_content_2000m_down": "heat content below 2000 m",
        "heat_budget_change": "change since the start", "heat_budget_input": "given by the surface since the start",
        "heat_budget_residual": "residual", "heat_budget_relative_residual": "residual over the heat content",
        "heat_uptake": "trend of the final years",
    })  # fmt: skip


def error_table(found: Evaluation, name: str = "") -> Table:
    """Errors by layer against the first reference, or another by its name."""
    table, rows, suffix = found.errors, [], f"_{name}" if name else ""
    for depth in LAYERS:
        part = table[table.depth == depth].set_index(["variable", "metric"]).value
        values = {(v, m): part[v, m + suffix] for v in ("thetao", "so") for m in ("bias", "rmse")}
        rows.append([depth, *(f"{x:+.3f}" if m == "bias" else f"{x:.3f}" for (_, m), x in values.items())])
    if not name:
        surface = table[table.metric == "value"].set_index("variable").value
        values = {m: [surface[f"{v}_{m}"] for v in ("sst", "sss")] for m in ("bias", "rmse")}
        rows.append(["uppermost level", *(f"{values[m][k]:{'+' * (m == 'bias')}.3f}" for k in (0, 1) for m in values)])
    columns = ["depth", "temperature bias (K)", "temperature RMSE (K)", "salinity bias", "salinity RMSE"]
    return Table(columns, rows, f"Against {name or found.reference.climatology.name}")


def census_table(found: Evaluation) -> Table:
    names = {"thermocline_water": "24.0 to 26.8", "intermediate_water": "26.8 to 27.4", "deep_water": "27.4 to 27.8",
             "bottom_water": "27.8 and denser"}  # fmt: skip
    rows = []
    for name, limits in names.items():
        known = found.numbers.get(f"volume_{name}_reference")
        rows.append([limits, f"{found.numbers[f'volume_{name}']:.1f}", "" if known is None else f"{known:.1f}"])
    overlap = found.numbers.get("census_overlap")
    caption = (
        "" if overlap is None else f"Share of the water that both have in the same classes: {100 * overlap:.0f} %."
    )
    return Table(["potential density (kg m-3 above 1000)", "model (1e15 m3)", "reference"], rows, caption)


def decades(found: Evaluation) -> Table:
    """Every tenth year, and the first."""
    columns = {"drake_passage": ("Drake (Sv)", 1), "amoc_26n": ("AMOC 26.5N (Sv)", 1), "amoc_max": ("AMOC (Sv)", 1),
               "thetaoga": ("mean T (degC)", 3), "soga": ("mean S", 4), "tosga": ("mean SST (degC)", 3)}  # fmt: skip
    values = {name: dict(yearly(found.climate, found.series[name])) for name in columns if name in found.series}
    years = sorted(next(iter(values.values()), {}))
    chosen = sorted({years[0], *(y for y in years if y % 10 == 0), years[-1]}) if years else []
    rows = [[str(y), *(f"{of[y]:.{columns[name][1]}f}" for name, of in values.items())] for y in chosen]
    return Table(["year", *(columns[name][0] for name in values)], rows)


def nino_table(found: Evaluation) -> Table:
    rows = [
        [name, f"{found.numbers[f'{name}_mean']:.2f}", f"{found.numbers[f'{name}_standard_deviation']:.3f}"]
        for name in ("nino12", "nino3", "nino34", "nino4")
    ]
    caption = "Under a climatology of winds and fluxes there is no El Niño: anomalies are drift and noise."
    return Table(["box", "mean SST (degC)", "standard deviation of the anomalies (K)"], rows, caption)
