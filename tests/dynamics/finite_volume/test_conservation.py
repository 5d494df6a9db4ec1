"""The whole model keeps what it should: content to round-off, constants, and bounds."""

import jax
import numpy as np
import pytest

import ocean_gcm as og
from eval.verification import conservation
from ocean_gcm.budget import Budget
from ocean_gcm.config import config_from_dict


def globe(precision="float64", **sections):
    """A coarse Earth with partial cells and everything that acts at the surface, out of balance on purpose."""
    zonal = {"kind": "zonal"}
    tree = {
        "name": "coarse_globe",
        "precision": precision,
        "grid": {
            "geometry": "sphere",
            "nx": 30,
            "ny": 14,
            "x": [0, 360],
            "y": [-70, 70],
            "periodic_x": True,
            "levels": {"thickness": [50, 150, 300, 700, 1300, 2500]},
        },
        "bathymetry": {"kind": "earth"},
        "initial": zonal,
        "surface": {
            "wind_stress": zonal,
            "heat_flux": {"kind": "uniform", "value": 10.0},
            "freshwater": {"kind": "uniform", "value": 3e-5},
            "sst_restoring": {"target": zonal},
            "sss_restoring": {"target": zonal},
            "freezing_limit": True,
        },
        "closures": {
            "lateral_viscosity": {"kind": "harmonic_viscosity", "viscosity": 1e6},
            "bottom_drag": {"kind": "bottom_drag", "quadratic": 2e-3},
            "background": {"kind": "background_mixing", "viscosity": 1e-3, "diffusivity": 5e-5},
            "convection": {"kind": "convective_adjustment", "diffusivity": 10.0},
            "mesoscale": {"kind": "gent_mcwilliams_redi"},
        },
        "time": {"step": "PT12H", "duration": "P30D"},
        **sections,
    }
    return og.build_model(config_from_dict(tree))


def stirred(model, seed=0, speed=0.05, height=1.0):
    """Random velocity at every wet face and a rough sea surface."""
    rng = np.random.default_rng(seed)
    shape = model.grid.shape
    return model.initial_state(
        fields={
            "u": speed * rng.normal(size=shape),
            "v": speed * rng.normal(size=shape),
            "sea_surface_height": height * rng.uniform(-1, 1, shape[1:]),
        }
    )


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_budgets_close(precision):
    """30 days from a random flow: volume, heat and salt change by what the diagnostics say."""
    model = globe(precision)
    state = stirred(model)
    budget = Budget.begin(model.grid, state)
    for _ in range(3):
        state, report = model.advance(state, steps=20)
        budget.add(report.diagnostics)
    closed = budget.close(model.grid, state, model.config.dynamics)
    for name, account in closed.items():
        assert abs(account["change"]) > 1e-6 * abs(account["start"]), f"{name} does change"
        assert account["relative_residual"] <= conservation.LARGEST_RESIDUAL[precision], name
    assert float(report.diagnostics.courant) < 1.0


@pytest.fixture(scope="module")
def dyed():
    """60 steps of a random flow without surface water: dyes of one value and of a box."""
    model = globe(
        surface={"wind_stress": {"kind": "zonal"}, "sst_restoring": {"target": {"kind": "zonal"}}},
        tracers={
            "constant": {"kind": "uniform", "value": 34.567},
            "box": {"kind": "box", "value": 1.0, "y": [-30, 10], "depth": [0, 600]},
        },
        closures={
            "lateral_viscosity": {"kind": "harmonic_viscosity", "viscosity": 1e6},
            "background": {"kind": "background_mixing", "viscosity": 1e-3, "diffusivity": 5e-5},
            "convection": {"kind": "convective_adjustment", "diffusivity": 10.0},
            "mesoscale": {"kind": "gent_mcwilliams_redi", "isoneutral_diffusivity": None},
        },
    )
    _, trajectory = model.unroll(stirred(model, 1), steps=60, save_every=1)
    return model, jax.device_get(trajectory)


def test_a_constant_tracer_stays_constant(dyed):
    model, trajectory = dyed
    values = trajectory.states.ocean.tracers["constant"][:, model.grid.mask]
    assert np.abs(values / 34.567 - 1.0).max() <= 1e-12
    assert np.abs(np.diff(trajectory.states.ocean.sea_surface_height, axis=0)).max() > 1e-2, "the surface moves"


def test_no_new_extremum_in_the_whole_model(dyed):
    model, trajectory = dyed
    values = trajectory.states.ocean.tracers["box"][:, model.grid.mask]
    assert values.min() >= -1e-14 and values.max() <= 1.0 + 1e-14
    assert values[-1].std() < values[0].std(), "but it has been mixed"
    assert trajectory.diagnostics.courant.max() < 1.0


def test_dye_is_kept(dyed):
    model, trajectory = dyed
    ocean = trajectory.states.ocean
    stretched = model.grid.volume * (1.0 + ocean.sea_surface_height / np.maximum(model.grid.depth, 1.0))[:, None]
    content = (ocean.tracers["box"] * stretched).sum((1, 2, 3))
    np.testing.assert_allclose(content, content[0], rtol=1e-13)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_two_years_of_the_global_ocean(precision):
    """All ten of float32 are those of `.ci/run`'s main command, those of both are in docs/results/validation.md."""
    for finding in conservation.of_years(precision, 2):
        assert finding.kept is not False, finding
