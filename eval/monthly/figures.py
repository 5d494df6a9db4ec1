"""Figures of the study."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from eval.monthly import hybrid, waves
from eval.monthly.anomalies import LEADS, REGIONS, VARIABLES
from ocean_gcm.figures import maps, style
from ocean_gcm.metrics import basins

LOOKS = {
    "climatology": dict(color="0.6", linestyle="--"),
    "persistence": dict(color="0.6", linestyle=":"),
    "damped": dict(color="black"),
    "linear_inverse": dict(color="#4f8f4f"),
    "regression": dict(color="#1f5a8c"),
    "hybrid": dict(color="#c0504d"),
    "hybrid_no_waves": dict(color="#c0504d", linestyle="--"),
    "hybrid_no_closure": dict(color="#c0504d", linestyle=":"),
}
LABELS = {
    "damped": "damped persistence", "linear_inverse": "linear inverse model", "hybrid_no_waves": "hybrid without waves",
    "hybrid_no_closure": "hybrid without closure",
}  # fmt: skip
TITLES = {"zos": "sea level", "tos": "sea surface temperature"}
PLACES = {
    "global": "global",
    "tropical_pacific": "tropical Pacific",
    "extratropics": "extratropics",
    "index": "Nino3.4",
}
_MONTHS = np.arange(1, LEADS + 1)


def draw_all(found: dict, table: pd.DataFrame, folder: Path) -> None:
    """All figures of the page into a directory."""
    draw_skill(folder / "skill.png", table)
    draw_maps(folder / "maps.png", found)
    draw_nino(folder / "nino34.png", found, table)
    draw_speeds(folder / "speeds.png", found)


def values(table: pd.DataFrame, model: str, variable: str, region: str, metric: str) -> np.ndarray:
    """(lead,) of the CSV's rows, empty if there are none."""
    same = table[
        (table.model == model) & (table.variable == variable) & (table.region == region) & (table.metric == metric)
    ]
    return same.sort_values("lead").value.to_numpy()


def draw_skill(path: Path, table: pd.DataFrame) -> Path:
    """Share by which errors are below those of damped persistence against lead; bands hold 95 %."""
    metrics = {"rmse_skill": "RMSE", "fcrps_skill": "fair CRPS"}
    panels = [(variable, metric) for variable in VARIABLES for metric in metrics]
    with style.look():
        figure, axes = style.new_figure(9.5, 8.6, len(panels), len(REGIONS), sharex=True, sharey="row")
        for row, (variable, metric) in zip(axes, panels, strict=True):
            for axis, region in zip(row, REGIONS, strict=True):
                for name in ("linear_inverse", "regression", "hybrid"):
                    line, low, high = (
                        100 * values(table, name, variable, region, metric + end) for end in ("", "_low", "_high")
                    )
                    axis.plot(_MONTHS, line, label=LABELS.get(name, name), linewidth=1.4, **LOOKS[name])
                    if name != "linear_inverse":
                        axis.fill_between(_MONTHS, low, high, color=LOOKS[name]["color"], alpha=0.15, linewidth=0)
                axis.axhline(0, color="black", linewidth=0.8)
                axis.set_ylim(-8, 16)
                axis.set_title(f"{TITLES[variable]}, {PLACES[region]}", fontsize=8)
                _plain(axis)
            row[0].set_ylabel(f"{metrics[metric]}: % below\ndamped persistence")
        for axis in axes[-1]:
            axis.set_xlabel("lead (months)")
        axes[0, 0].legend(fontsize=7, loc="upper left")
        return style.save(figure, path)


def draw_maps(path: Path, found: dict, lead: int = 3) -> Path:
    """RMSE below that of damped persistence, cell by cell."""
    series = found["data"].series
    frame = _frame(series)
    boundaries = np.linspace(-25, 25, 11)
    with style.look():
        figure, axes = style.new_figure(10, 4.0, 2, 2)
        for row, (v, variable) in zip(axes, enumerate(VARIABLES), strict=True):
            for axis, name in zip(row, ("regression", "hybrid"), strict=True):
                cells = [found["scores"][one].cells[lead - 1, v] for one in (name, "damped")]
                field = series.on_map(100 * (1 - np.sqrt(cells[0] / cells[1])))
                mesh = maps.draw_map(axis, frame, field, boundaries, style.COLOURS["difference"])
                axis.set_title(f"{TITLES[variable]}, {name}, {lead} months")
        style.colour_bar(mesh, list(axes.ravel()), "RMSE, % below damped persistence")
        return style.save(figure, path)


def _frame(series) -> maps.MapFrame:
    step = series.lon[1] - series.lon[0]
    shift = int(np.argmin(np.abs(series.lon - 20.0)))
    x = series.lon[shift] - step / 2 + step * np.arange(len(series.lon) + 1)
    y = np.append(series.lat, series.lat[-1] + step) - step / 2
    return maps.MapFrame(x, y, shift, np.roll(series.wet, -shift, -1), True)


def draw_nino(path: Path, found: dict, table: pd.DataFrame) -> Path:
    """Nino3.4: error, correlation, and ensembles from four starts."""
    with style.look():
        figure, axes = style.new_figure(10, 3.2, 1, 3, width_ratios=[1, 1, 2])
        for axis, metric, title in zip(
            axes[0], ("rmse", "correlation"), ("RMSE (K)", "correlation with ERSST"), strict=False
        ):
            for name in ("persistence", "damped", "linear_inverse", "regression", "hybrid"):
                line = values(table, name, "nino34", "index", metric)
                axis.plot(_MONTHS, line, label=LABELS.get(name, name), linewidth=1.3, **LOOKS[name])
            axis.set_title(f"Nino3.4: {title}")
            axis.set_xlabel("lead (months)")
            axis.set_ylim(0)
            _plain(axis)
        axes[0, 0].legend(fontsize=6.5)
        known = found["data"].known
        time, first = known.series.time, known.held_out[0]
        weights = found["data"].indices["nino34"][0]
        last = axes[0, 2]
        shown = slice(first, known.held_out[-1] + LEADS + 1)
        last.plot(time[shown].astype("M8[D]"), known.anomalies[shown, 1] @ weights, color="black", linewidth=1.2)
        for name in ("damped", "hybrid"):
            mean, members = found["plumes"][name]
            for start in range(5, len(known.held_out), 24):
                months = time[known.held_out[start]] + np.arange(1, LEADS + 1)
                low, high = np.quantile(members[:, start], (0.05, 0.95), axis=0)
                colour = "0.5" if name == "damped" else LOOKS[name]["color"]
                last.fill_between(months.astype("M8[D]"), low, high, color=colour, alpha=0.2, linewidth=0)
                last.plot(months.astype("M8[D]"), mean[start], color=colour, linewidth=1.2)
        last.set_title("ERSST (black), hybrid (red), damped (grey): 90 %")
        last.set_ylabel("K")
        _plain(last)
        return style.save(figure, path)


def draw_speeds(path: Path, found: dict) -> Path:
    """Rossby-wave speeds by latitude: linear theory and what the hybrid learned."""
    model, parameters = found["hybrids"]["hybrid"]
    learned, theory = np.asarray(model.speeds(parameters)[0]), model.rossby_speed
    free = np.asarray(hybrid.free_share(model, parameters))
    series = found["data"].series
    code = basins.basins(*np.meshgrid(series.lon, series.lat), series.wet)
    with style.look():
        figure, axes = style.new_figure(9.5, 3.0, 1, 4, sharey=False)
        for axis, (n, ocean) in zip(axes[0], enumerate(waves.OCEANS), strict=False):
            inside = series.wet & (model.ocean == n) & np.isin(code, (ocean, basins.SOUTHERN))
            rows = inside.any(1)

            def mean(field, inside=inside, rows=rows):
                return np.where(inside, field, 0).sum(1)[rows] / inside.sum(1)[rows]

            axis.semilogy(series.lat[rows], 100 * mean(theory), color="black", label="linear theory")
            axis.semilogy(series.lat[rows], 100 * mean(learned), color="#c0504d", label="learned")
            axis.set_title(basins.NAMES[ocean].capitalize())
            axis.set_xlabel("latitude")
            _plain(axis)
            axes[0, 3].plot(series.lat[rows], mean(free), label=basins.NAMES[ocean].capitalize())
        axes[0, 0].set_ylabel("westward speed (cm/s)")
        axes[0, 0].legend(fontsize=7)
        axes[0, 3].set_title("share carried by waves")
        axes[0, 3].set_xlabel("latitude")
        axes[0, 3].set_ylim(0, 1)
        axes[0, 3].legend(fontsize=7)
        _plain(axes[0, 3])
        return style.save(figure, path)


def _plain(axis) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(color="0.92", linewidth=0.6)
    axis.margins(x=0.02)
