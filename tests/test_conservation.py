"""Volume, heat and salt of whole models change by what the surface gave, and by nothing else."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from ocean_gcm.build import build_model
from ocean_gcm.config import config_from_dict, load_config


def small_world(precision, **surface):
    """An embedded Earth at 12 degrees with every closure of the global case."""
    tree = load_config("configs/global_4deg.yaml").model_dump(mode="json", exclude={"provenance"})
    tree["precision"] = precision
    tree["grid"].update(nx=30, ny=14, y=[-70, 70])
    tree["grid"]["levels"] = {"thickness": [50, 100, 300, 800, 1500, 2000]}
    tree["surface"].update(surface)
    tree["tracers"] = {"dye": {"kind": "uniform", "value": 3.7}}
    return build_model(config_from_dict(tree))


def contents(model, state):
    """Volume (m3), heat (degC m3) and salt (g kg-1 m3) in float64, with what float32 has rounded off."""
    grid, ocean, rest = model.grid, state.ocean, state.stepper.rounding
    depth = np.where(grid.wet, grid.depth, 1.0)
    volume = grid.volume * (1 + np.asarray(ocean.sea_surface_height, float) / depth)

    def content(name):
        return float(
            (volume * (np.asarray(getattr(ocean, name), float) + np.asarray(rest.get(name, 0.0), float))).sum()
        )

    return volume.sum(), content("temperature"), content("salinity")


@pytest.mark.parametrize(
    "precision, bound, freshwater_as", [("float64", 1e-12, "volume"), ("float32", 1e-6, "virtual_salt")]
)
def test_budgets_close_over_sixty_days(precision, bound, freshwater_as):
    model = small_world(precision, freshwater_as=freshwater_as)
    state = model.initial_state()
    before = contents(model, state)
    state, report = model.advance(state, steps=240)
    given = report.diagnostics
    inputs = [float(x) for x in (given.volume_input, given.heat_input, given.salt_input)]
    after = contents(model, state)
    for old, new, put_in in zip(before, after, inputs, strict=True):
        assert abs(new - old - put_in) <= bound * abs(old)
    assert abs(inputs[1]) > 1e-6 * abs(before[1])  # the surface did something


def test_a_constant_tracer_stays_constant_in_any_flow():
    model = small_world("float64", freshwater={"kind": "none"}, wind_stress={"kind": "zonal"})
    state = model.initial_state()
    rng = np.random.default_rng(0)
    grid = model.grid
    noise = [jnp.asarray(0.3 * rng.normal(size=grid.shape) * mask) for mask in (grid.mask_u, grid.mask_v)]
    eta = jnp.asarray(0.5 * rng.normal(size=grid.wet.shape) * grid.wet)
    ocean = dataclasses.replace(state.ocean, u=noise[0], v=noise[1], sea_surface_height=eta)
    state, _ = model.advance(dataclasses.replace(state, ocean=ocean), steps=8)
    dye = np.asarray(state.ocean.tracers["dye"])[grid.mask]
    assert np.abs(np.asarray(state.ocean.u)).max() > 0.01
    np.testing.assert_allclose(dye, 3.7, rtol=1e-12)
