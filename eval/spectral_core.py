"""What the quasi-geostrophic core gets right: linear theory, conservation, and pyqg-jax's trajectories and climate.

    python -m eval.spectral_core --output docs/results [--years 10]

Writes spectral_core.csv and figures beside it and prints the rows of the table.  What needs pyqg-jax is
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
from ocean_gcm.metrics import isotropic
from ocean_gcm.metrics.layers_budget import energy_budget
from ocean_gcm.quasi_geostrophic import output

Rows = list[tuple[str, str, str, str, float]]
PHILLIPS = {"layers": {"thickness": [1, 1], "deformation_radius": 1.0}, "zonal_flow": [1.0, 0.0]}
EDDY = {"beta": 1.5e-11, "zonal_flow": [0.025, 0.0], "bottom_drag": 5.787e-7}
EDDY["layers"] = {"thickness": [500, 2000], "deformation_radius": 15e3}
JET = {"beta": 1e-11, "zonal_flow": [0.025, 0.0], "bottom_drag": 7e-8}
JET["layers"] = {"thickness": [500, 5000], "deformation_radius": 15e3}


SPECTRA = ("kinetic_energy_spectrum1", "kinetic_energy_spectrum2")
TERMS = ("kinetic_transfer", "potential_transfer", "generation", "friction")
RINGS = range(1, 22)  # of 64 cells, below two thirds of the highest wavenumber


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
    lead, found = f"years_{years / 2:g}_to_{years}", equilibria(years, cells, q)
    for name, states in found.items():
        for quantity, values in quantities_of(model, states[len(states) // 2 :]).items():
            mean, error = blocks(values)
            for metric, value in (("mean", mean), ("standard_error", error)):
                if np.ndim(value) == 0:
                    rows.append((name, quantity, lead, metric, float(value)))
                else:
                    rows += [(name, f"{quantity}_{ring}", lead, metric, float(value[ring])) for ring in RINGS]
    return rows


def blocks(values: np.ndarray, number: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Mean over time (the first axis) and its standard error, from the means of blocks."""
    means = np.stack([block.mean(0) for block in np.array_split(values, number)])
    return values.mean(0), means.std(0, ddof=1) / np.sqrt(number)


def quantities_of(model: og.OceanModel, q: np.ndarray) -> dict[str, np.ndarray]:
    """Energies (records,), and spectra and terms of the energy budget (records, rings), by name."""
    series = output.record(model.grid, model.config, {"potential_vorticity": q})
    found = {name: series[name] for name in ("kinetic_energy", "available_potential_energy", "enstrophy")}
    core = model.core
    spectrum = jax.jit(lambda psi: isotropic.kinetic_energy_spectrum(core.grid, psi))(jnp.asarray(series["psi"]))
    budget = jax.jit(lambda q: jax.lax.map(lambda each: energy_budget(core, each), q))(jnp.asarray(q, float))
    found |= {f"kinetic_energy_spectrum{layer + 1}": np.asarray(spectrum[:, layer]) for layer in (0, 1)}
    return found | {name: np.asarray(budget[name]) for name in TERMS}


def equilibria(years: int, cells: int, q: np.ndarray) -> dict[str, np.ndarray]:
    """Potential vorticity every ten days by model."""
    import pyqg_jax

    model, every, records = og.build_model(config_from_dict(spectral.experiment(cells, "float32"))), 240, 36 * years
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
            found[name].append(np.asarray(field))
    return {name: np.stack(states) for name, states in found.items()}


def draw_equilibria(path: Path, rows: Rows) -> None:
    """Spectra and terms of the energy budget of both models, with bands of two standard errors."""
    values = {(name, variable, metric): value for name, variable, _, metric, value in rows}
    waves = np.array(RINGS) * 2e3 * np.pi / spectral.LENGTH
    with style.look():
        figure, axes = style.new_figure(9.2, 3.8, 1, 2)
        for axis, quantities in zip(axes[0], (SPECTRA, TERMS), strict=True):
            for quantity, colour in zip(quantities, ("#1f5a8c", "#c8553d", "#5b8c5a", "#8c6d1f"), strict=False):
                for name, dashes in (("quasi_geostrophic", "-"), ("pyqg_jax", "--")):
                    mean, error = (
                        np.array([values[name, f"{quantity}_{ring}", metric] for ring in RINGS])
                        for metric in ("mean", "standard_error")
                    )
                    label = quantity.replace("_", " ") if dashes == "-" else None
                    axis.plot(waves, mean, dashes, color=colour, label=label, linewidth=1.3)
                    axis.fill_between(waves, mean - 2 * error, mean + 2 * error, color=colour, alpha=0.15, linewidth=0)
            axis.set(xlabel="wavenumber (rad km⁻¹)", xscale="log")
            axis.legend(fontsize=7)
        axes[0, 0].set(yscale="log", ylabel="per ring (m² s⁻²)", title="spectra; dashed: pyqg-jax")
        axes[0, 1].set(ylabel="per ring (m² s⁻³)", title="where energy comes from and goes to")
        style.save(figure, path)


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
    if any(model == "pyqg_jax" for model, *_ in rows):
        draw_equilibria(options.output / "spectral_core_equilibrium.png", rows)
    with open(options.output / "spectral_core.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("model", "seed", "variable", "lead", "metric", "value"))
        for model, variable, lead, metric, value in rows:
            writer.writerow((model, 0, variable, lead, metric, f"{value:.6g}"))
            print(f"| {model} | {variable} | {lead} | {metric} | {value:.4g} |")


if __name__ == "__main__":
    main()
