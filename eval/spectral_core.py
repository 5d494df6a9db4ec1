"""What the quasi-geostrophic core gets right: linear theory, conservation, and pyqg-jax's trajectories and climate.

    python -m eval.spectral_core --output docs/results [--years 10]

Writes spectral_core.csv and spectral_core.png and prints the rows of the table.  What needs pyqg-jax is
left out where that is not installed.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import ocean_gcm as og
from eval.benchmarks import spectral
from ocean_gcm.config import config_from_dict
from ocean_gcm.dynamics.spectral.config import QuasiGeostrophicConfig
from ocean_gcm.dynamics.spectral.core import QuasiGeostrophy
from ocean_gcm.dynamics.spectral.grid import PeriodicGrid
from ocean_gcm.dynamics.spectral.linear import fastest_modes
from ocean_gcm.figures import style
from ocean_gcm.quasi_geostrophic import output

Rows = list[tuple[str, str, str, str, float]]
PHILLIPS = {"layers": {"thickness": [1, 1], "deformation_radius": 1.0}, "zonal_flow": [1.0, 0.0]}
EDDY = {"beta": 1.5e-11, "zonal_flow": [0.025, 0.0], "bottom_drag": 5.787e-7}
EDDY["layers"] = {"thickness": [500, 2000], "deformation_radius": 15e3}
JET = {"beta": 1e-11, "zonal_flow": [0.025, 0.0], "bottom_drag": 7e-8}
JET["layers"] = {"thickness": [500, 5000], "deformation_radius": 15e3}


def core_of(number: int, length: float, **keys) -> QuasiGeostrophy:
    config = QuasiGeostrophicConfig.model_validate({"core": "quasi_geostrophic", **keys})
    return QuasiGeostrophy(PeriodicGrid((len(config.layers.thickness), number, number), (length, length)), config, 1.0)


def linear_theory() -> tuple[Rows, tuple[QuasiGeostrophy, np.ndarray]]:
    """(rows, (core, growth rates over its wavenumbers)) of Phillips' problem and pyqg's configurations."""
    plane = core_of(448, 2 * np.pi * 200, **PHILLIPS)
    growth, _, _ = fastest_modes(plane)
    squared = plane.grid.kappa_squared
    expected = 0.5 * np.abs(plane.grid.k) * np.sqrt(np.maximum(1 - squared, 0) / (1 + squared))
    where = expected > 1e-3
    best = growth[0].argmax()
    rows = [
        (
            "phillips",
            "growth_rate",
            "",
            "largest_relative_error",
            float(np.abs(growth / np.where(where, expected, 1) - 1)[where].max()),
        ),
        ("phillips", "growth_rate", "", "largest", float(growth.max())),
        ("phillips", "wavenumber", "", "of_largest", float(plane.grid.k[0, best])),
    ]
    critical = [fastest_modes(core_of(256, 2 * np.pi * 100, beta=0.5 * s, **PHILLIPS))[0].max() for s in (0.97, 1.03)]
    rows += [
        ("phillips", "growth_rate", f"beta_{s}", "largest", float(g))
        for s, g in zip((0.97, 1.03), critical, strict=True)
    ]
    for name, keys in (("eddy", EDDY), ("jet", JET)):
        rates, _, _ = fastest_modes(core_of(64, 1e6, **keys))
        _, waves = np.unravel_index(rates.argmax(), rates.shape)
        rows += [
            (name, "growth_rate", "", "largest", float(rates.max())),
            (name, "waves", "", "of_largest", float(waves)),
        ]
    return rows, (plane, growth)


def conservation() -> Rows:
    """Relative change of energy and enstrophy of inviscid flow in two days, after half a day, by scheme and step."""
    rows: Rows = []
    for scheme in ("adams_bashforth3", "crank_nicolson_rk3", "crank_nicolson_rk4"):
        for step in (3600, 1800):
            tree = spectral.experiment(32, "float64", 60 * 3600 // step) | {
                "time": {"step": f"PT{step}S", "duration": "PT60H"},
                "output": {"interval": "PT1H", "restart_interval": "PT1H"},
            }
            tree["dynamics"] = {
                "core": "quasi_geostrophic",
                "layers": {"thickness": [500, 2000], "deformation_radius": 60e3},
                "beta": 1e-11,
                "time_stepper": scheme,
            }
            config = config_from_dict(tree)
            model = og.build_model(config)
            state = model.initial_state(fields={"potential_vorticity": 2.0 * spectral.start_of(32)})
            quantities = []
            for hours in (12, 48):
                state, _ = model.advance(state, steps=hours * 3600 // step)
                found = output.record(model.grid, config, output.fields_of(state.ocean))
                weight = model.core.thickness / model.core.thickness.sum()
                enstrophy = (weight * (found["pv"] ** 2).mean((-2, -1))).sum()
                quantities.append((found["kinetic_energy"] + found["available_potential_energy"], enstrophy))
            for name, before, after in zip(("energy", "enstrophy"), *quantities, strict=True):
                rows.append((scheme, name, f"step_{step}s", "relative_change", float(abs(after / before - 1))))
    return rows


def beside_pyqg(years: int, cells: int = 64) -> Rows:
    """Trajectories over 100 steps in float64, energies in equilibrium in float32, each from the same start."""
    q, rows = spectral.start_of(cells), []
    model = og.build_model(config_from_dict(spectral.experiment(cells, "float64")))
    theirs = spectral.pyqg(cells, "float64", q, 100)
    if theirs is None:
        return rows
    end, _ = model.advance(model.initial_state(fields={"potential_vorticity": q}), steps=100)
    expected = np.asarray(theirs())
    difference = np.abs(np.asarray(end.ocean.potential_vorticity) - expected).max() / np.abs(expected).max()
    rows.append(
        ("quasi_geostrophic", "potential_vorticity", "100_steps", "largest_relative_difference", float(difference))
    )
    for name, series in equilibria(years, cells, q).items():
        half = {quantity: values[len(values) // 2 :] for quantity, values in series.items()}
        for quantity, values in half.items():
            blocks = np.array_split(values, 5)
            error = np.std([b.mean() for b in blocks], ddof=1) / np.sqrt(5)
            lead = f"years_{years / 2:g}_to_{years}"
            rows += [
                (name, quantity, lead, "mean", float(values.mean())),
                (name, quantity, lead, "standard_error", float(error)),
            ]
    return rows


def equilibria(years: int, cells: int, q: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """Energies every ten days by model and quantity."""
    import pyqg_jax

    config = config_from_dict(spectral.experiment(cells, "float32"))
    model, every, records = og.build_model(config), 240, 36 * years
    state = model.initial_state(fields={"potential_vorticity": q})
    theirs = pyqg_jax.qg_model.QGModel(nx=cells, L=spectral.LENGTH, precision=pyqg_jax.state.Precision.SINGLE)
    stepped = pyqg_jax.steppers.SteppedModel(theirs, pyqg_jax.steppers.AB3Stepper(dt=float(spectral.STEP)))
    start = theirs.create_initial_state(jax.random.key(0))
    other = stepped.initialize_stepper_state(start.update(q=jnp.asarray(q, jnp.float32)))
    go = jax.jit(lambda s: jax.lax.scan(lambda s, _: (stepped.step_model(s), None), s, None, length=every)[0])
    found: dict[str, list] = {"quasi_geostrophic": [], "pyqg_jax": []}
    for _ in range(records):
        state, _ = model.advance(state, steps=every)
        other = go(other)
        for name, field in (("quasi_geostrophic", state.ocean.potential_vorticity), ("pyqg_jax", other.state.q)):
            found[name].append(output.record(model.grid, config, {"potential_vorticity": np.asarray(field)}))
    quantities = ("kinetic_energy", "available_potential_energy", "enstrophy")
    return {name: {k: np.array([r[k] for r in records]) for k in quantities} for name, records in found.items()}


def draw(path: Path, plane: QuasiGeostrophy, growth: np.ndarray) -> None:
    """Growth rates of Phillips' problem over wavenumbers."""
    with style.look():
        figure, axes = style.new_figure(4.6, 3.8)
        axis, grid = axes[0, 0], plane.grid
        order = np.argsort(grid.l[:, 0])
        mesh = axis.contourf(
            grid.k[0], grid.l[order, 0], growth[order], np.arange(0.01, 0.22, 0.02), cmap=style.COLOURS["speed"]
        )
        axis.plot(0.6436, 0.0, "k+", markersize=9)
        axis.set(
            xlim=(0, 1.1),
            ylim=(-1.1, 1.1),
            xlabel="k / k_d",
            ylabel="l / k_d",
            title="growth rate / (k_d ΔU), two equal layers",
        )
        style.colour_bar(mesh, axis, "σ / (k_d ΔU)")
        style.save(figure, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("docs/results"), help="folder (default docs/results)")
    parser.add_argument("--years", type=int, default=10, help="length of the runs to equilibrium (default 10)")
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    rows, (plane, growth) = linear_theory()
    rows += conservation() + beside_pyqg(options.years)
    draw(options.output / "spectral_core.png", plane, growth)
    with open(options.output / "spectral_core.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("model", "seed", "variable", "lead", "metric", "value"))
        for model, variable, lead, metric, value in rows:
            writer.writerow((model, 0, variable, lead, metric, f"{value:.6g}"))
            print(f"| {model} | {variable} | {lead} | {metric} | {value:.4g} |")


if __name__ == "__main__":
    main()
