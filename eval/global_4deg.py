"""The long run of the observed 4-degree ocean: table, figures and verdict.

    python -m eval.global_4deg RUN --reference global_4deg.nc --independent woa18_annual_5deg.nc --output docs/results

RUN is the directory of `ocean-gcm simulate configs/global_4deg_observed.yaml --years 100`, with one mean per year.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from eval import global_4deg_figures as figures
from eval.reference_climatology import Climatology, read_climatology, read_surface
from ocean_gcm.data.paths import expand
from ocean_gcm.data.run_output import Run, open_run
from ocean_gcm.errors import UserError, exit_code
from ocean_gcm.metrics import means, summary

SPIN_UP = 30.0  # years after which transports are judged


@dataclasses.dataclass(frozen=True)
class Study:
    """What is compared.

    Attributes:
      run: the model's run.
      years: (time,) time of the records, the end of each.
      levitus, woa18: annual means on the model's grid; the run began from the first and was restored to its surface.
      sst, sss: (ny, nx) annual means of the restoring climatologies.
      last: number of records in the final mean.
    """

    run: Run
    years: np.ndarray
    levitus: Climatology
    woa18: Climatology
    sst: np.ndarray
    sss: np.ndarray
    last: int

    @property
    def period(self) -> str:
        """What the final mean covers."""
        return f"mean of years {self.run.years(bound=0)[-self.last]:.4g} to {self.years[-1]:.4g}"

    @property
    def area(self) -> np.ndarray:
        return self.run.grid.geometry.area["T"] * self.run.grid.wet


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of the CSV; `unit` is an extra column."""

    variable: str
    lead: str
    metric: str
    value: float
    unit: str


def open_study(directory: Path, reference: Path, independent: Path, last_years: float) -> Study:
    """Read all inputs.  Raises UserError if the run is not global or has no velocities."""
    run = open_run(directory)
    if not summary.is_global(run.grid):
        raise UserError(f"{directory} is not a run of a global ocean")
    for name in ("thetao", "so", "uo", "vo", "zos"):
        if name not in run.dataset:
            raise UserError(f"the output of {directory} has no variable {name}; it is needed for this study")
    years = run.years()
    last = max(1, int((years > years[-1] - last_years + 1e-6).sum()))
    return Study(
        run,
        years,
        read_climatology("Levitus 1994", reference, run.grid, "theta_annual", "salt_annual"),
        read_climatology("WOA18", independent, run.grid, "thetao", "so"),
        read_surface(reference, "sst", run.grid),
        read_surface(reference, "sss", run.grid),
        last,
    )


def surface_errors(study: Study, temperature: np.ndarray, salinity: np.ndarray) -> dict[str, float]:
    """Bias and root mean square error of the uppermost level against the restoring climatologies."""
    out = {}
    for name, field, target in (("sst", temperature[0], study.sst), ("sss", salinity[0], study.sss)):
        known = np.isfinite(target)
        difference = np.where(known, field - target, 0.0)
        out[f"{name}_bias"] = float(means.area_mean(difference, study.area * known))
        out[f"{name}_rmse"] = float(means.root_mean_square(difference, study.area * known))
    return out


def yearly_series(study: Study) -> dict[str, np.ndarray]:
    """(time,) by name: drake, amoc_26n, amoc_max (Sv), temperature, salinity, kinetic_energy, surface errors."""
    names = {"drake_passage": "drake", "amoc_26n": "amoc_26n", "amoc_max": "amoc_max"}
    series: dict[str, list[float]] = {}
    for record in range(len(study.years)):
        fields = study.run.fields(record)
        transports = summary.closing_transports(study.run.grid, fields)
        average = summary.closing_means(study.run.grid, fields)
        values = {short: transports.get(name, np.nan) for name, short in names.items()}
        values.update({name: average[name] for name in ("sst", "sss", "temperature", "salinity", "kinetic_energy")})
        values.update(surface_errors(study, fields["temperature"], fields["salinity"]))
        for name, value in values.items():
            series.setdefault(name, []).append(float(value))
    return {name: np.array(values) for name, values in series.items()}


def initial_mean(study: Study, field: np.ndarray) -> float:
    """Volume mean of a climatology on the model's cells."""
    known = np.isfinite(field)
    return float(means.volume_mean(np.where(known, field, 0.0), study.run.grid.volume * known))


UNITS = {"drake": "Sv", "amoc_26n": "Sv", "amoc_max": "Sv", "temperature": "degC", "sst": "degC", "sst_bias": "K",
         "sst_rmse": "K", "kinetic_energy": "m2 s-2"}  # fmt: skip


def table(study: Study, series: dict[str, np.ndarray], final: dict[str, np.ndarray]) -> list[Row]:
    """All rows: every year's numbers, errors of the final mean, and drifts."""
    rows = [
        Row(name, f"{year:g}y", "value", value, UNITS.get(name, "1"))
        for name, values in series.items()
        for year, value in zip(np.round(study.years, 2), values, strict=True)
    ]
    end = f"{study.years[-1]:g}y"
    for climatology, short in ((study.levitus, "levitus"), (study.woa18, "woa18")):
        for name, unit in (("temperature", "K"), ("salinity", "1")):
            observed = getattr(climatology, name)
            known = np.isfinite(observed)
            difference = np.where(known, final[name] - observed, 0.0)
            weights = study.run.grid.volume * known
            bias, rmse = means.volume_mean(difference, weights), means.root_mean_square(difference, weights)
            rows.append(Row(name, end, f"bias_{short}", float(bias), unit))
            rows.append(Row(name, end, f"rmse_{short}", float(rmse), unit))
    start = initial_mean(study, study.levitus.temperature)
    rows.append(Row("temperature", end, "drift_from_levitus", series["temperature"][-1] - start, "K"))
    rows.append(
        Row("temperature", end, "drift_from_first_record", series["temperature"][-1] - series["temperature"][0], "K")
    )
    return rows


def verdicts(study: Study, series: dict[str, np.ndarray], rows: Sequence[Row]) -> list[tuple[str, str, str, bool]]:
    """(what, wanted, found, reached) for each goal of the study."""
    late = study.years > SPIN_UP
    late = late if late.any() else study.years >= study.years[-1]
    since = f"year {study.years[late][0]:.4g} to {study.years[-1]:.4g}"
    drift = next(row.value for row in rows if row.metric == "drift_from_levitus")
    bias = float(series["sst_bias"][-study.last :].mean())
    finite = all(np.isfinite(values).all() for values in series.values())

    def in_range(name, low, high):
        values = series[name][late]
        found = f"{values.min():.1f} to {values.max():.1f} Sv (mean {values.mean():.1f})"
        return found, bool(values.min() >= low and values.max() <= high)

    end = study.years[-1]
    drake, amoc, largest = (in_range("drake", 90, 180), in_range("amoc_26n", 10, 25), in_range("amoc_max", 10, 25))
    return [
        ("length without a non-finite value", ">= 100 years", f"{end:.4g} years", finite and end > 99.5),
        ("drift of the volume-mean temperature from Levitus", "< 0.5 K", f"{drift:+.3f} K", abs(drift) < 0.5),
        (f"Drake Passage transport, {since}", "90 to 180 Sv", *drake),
        (f"Atlantic overturning, largest below 500 m north of 20N, {since}", "10 to 25 Sv", *largest),
        (f"Atlantic overturning at 26.5N below 500 m, {since}", "10 to 25 Sv", *amoc),
        ("mean SST minus the climatology, final mean", "within 0.5 K", f"{bias:+.3f} K", abs(bias) < 0.5),
    ]  # fmt: skip


def write_csv(path: Path, rows: Sequence[Row], seed: int) -> None:
    """Columns model, seed, variable, lead, metric, value, unit."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["model", "seed", "variable", "lead", "metric", "value", "unit"])
        for row in rows:
            writer.writerow(["physics", seed, row.variable, row.lead, row.metric, f"{row.value:.6g}", row.unit])


def page(study: Study, series, rows: Sequence[Row], goals, images: dict[str, Path], folder: Path) -> str:
    """The page in Markdown; `images` by caption."""
    final = {(row.variable, row.metric): row for row in rows if row.metric != "value"}
    lines = ["# The observed ocean at 4 degrees", "", *_question(study), "## Verdict", ""]
    lines += ["| goal | wanted | found | reached |", "|---|---|---|---|"]
    lines += [f"| {what} | {wanted} | {found} | {'yes' if ok else '**no**'} |" for what, wanted, found, ok in goals]
    lines += ["", f"## Errors of the {study.period}", ""]
    lines += ["| field | against | bias | RMSE |", "|---|---|---|---|"]
    for name, unit, digits in (("temperature", " K", 3), ("salinity", "", 4)):
        for short, label in (("levitus", study.levitus.name), ("woa18", study.woa18.name)):
            bias, rmse = (final[name, f"{metric}_{short}"].value for metric in ("bias", "rmse"))
            lines.append(f"| {name}, all depths | {label} | {bias:+.{digits}f}{unit} | {rmse:.{digits}f}{unit} |")
    for name, unit in (("sst", " K"), ("sss", "")):
        bias, rmse = (series[f"{name}_{metric}"][-study.last :].mean() for metric in ("bias", "rmse"))
        lines.append(f"| {name.upper()} | restoring climatology | {bias:+.3f}{unit} | {rmse:.3f}{unit} |")
    lines += ["", *_decades(study, series), *_closing(study), "## Figures", ""]
    for caption, image in images.items():
        lines += [f"![{caption}]({image.relative_to(folder).as_posix()})", "", f"*{caption}*", ""]
    lines += ["The numbers are in `global_4deg.csv` (yearly values: metric `value`).", ""]
    return "\n".join(lines)


def _question(study: Study) -> list[str]:
    provenance = study.run.config.get("provenance") or {}
    made = ", ".join(f"{name} {provenance[name]}" for name in ("ocean_gcm", "commit", "jax") if provenance.get(name))
    directory = f"runs/{study.run.directory.name}"
    return [
        "Question: does the model, started from Levitus and forced by observed climatologies, keep a credible ocean?",
        "",
        "```",
        f"ocean-gcm simulate configs/{study.run.name}.yaml --years {study.years[-1]:.4g} --output {directory}",
        f"python -m eval.global_4deg {directory} --output docs/results",
        "```",
        "",
        f"Precision {study.run.config.get('precision', 'unknown')}, time step "
        f"{study.run.config.get('time', {}).get('step', 'unknown')}, seed {study.run.config.get('seed', 0)}"
        + (f"; {made}." if made else "."),
        "",
    ]


def _decades(study: Study, series) -> list[str]:
    """A table of every tenth year."""
    columns = {"drake": ("Drake (Sv)", 1), "amoc_26n": ("AMOC 26.5N (Sv)", 1), "amoc_max": ("AMOC (Sv)", 1),
               "temperature": ("mean T (degC)", 3), "salinity": ("mean S", 4), "sst_bias": ("SST bias (K)", 3),
               "sst_rmse": ("SST RMSE (K)", 3)}  # fmt: skip
    lines = ["| year | " + " | ".join(label for label, _ in columns.values()) + " |", "|---" * (len(columns) + 1) + "|"]
    stride = max(1, len(study.years) // 10)
    for record in [0, *range(stride - 1, len(study.years), stride)]:
        values = [f"{series[name][record]:.{digits}f}" for name, (_, digits) in columns.items()]
        lines.append(f"| {study.years[record]:.4g} | " + " | ".join(values) + " |")
    return ["## Every tenth year", "", *dict.fromkeys(lines), ""]


def _closing(study: Study) -> list[str]:
    """Speed and budgets from summary.json."""
    found = study.run.summary
    if not found:
        return []
    lines = ["## Budgets and speed", "", "| quantity | value |", "|---|---|"]
    for name, budget in (found.get("budgets") or {}).items():
        residual = budget.get("relative_residual")
        if residual is not None:
            lines.append(f"| relative residual of the {name} budget | {residual:.2e} |")
    for key, label in (("simulated_years_per_day", "simulated years per day"), ("compile_seconds", "compile time (s)"),
                       ("wall_seconds", "wall time (s)")):  # fmt: skip
        if found.get(key) is not None:
            lines.append(f"| {label} | {found[key]:.4g} |")
    return [*lines, ""]


def evaluate(study: Study, output: Path, *, page_name: str = "global_4deg") -> Path:
    """Write page, CSV and figures below `output`; return the page's path."""
    output.mkdir(parents=True, exist_ok=True)
    series = yearly_series(study)
    final = study.run.fields(slice(-study.last, None))
    rows = table(study, series, final)
    goals = verdicts(study, series, rows)
    drift = series["temperature"] - initial_mean(study, study.levitus.temperature)
    images = figures.draw_all(study, {**series, "drift": drift}, final, output / page_name)
    write_csv(output / f"{page_name}.csv", rows, study.run.config.get("seed", 0))
    path = output / f"{page_name}.md"
    path.write_text(page(study, series, rows, goals, images, output))
    for what, wanted, found, reached in goals:
        print(f"{'reached' if reached else 'MISSED '}  {what}: {found} (wanted {wanted})")
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m eval.global_4deg", description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="run directory of a global simulation")
    parser.add_argument("--reference", default="${OCEAN_GCM_DATA}/global_4deg.nc", help="Levitus and restoring fields")
    parser.add_argument("--independent", default="${OCEAN_GCM_DATA}/woa18_annual_5deg.nc", help="WOA18 annual means")
    parser.add_argument("--output", type=Path, default=Path("docs/results"), help="folder of the page and the CSV")
    parser.add_argument("--picture", type=Path, help="also draw one picture of the whole to this PNG")
    parser.add_argument("--last", type=float, default=10.0, help="years in the final mean")
    options = parser.parse_args(arguments)

    def run() -> None:
        study = open_study(options.run, expand(options.reference), expand(options.independent), options.last)
        print(f"wrote {evaluate(study, options.output)}")
        if options.picture is not None:
            final = study.run.fields(slice(-study.last, None))
            print(f"wrote {figures.draw_picture(options.picture, study, final)}")

    return exit_code(run, "global_4deg")


if __name__ == "__main__":
    sys.exit(main())
