"""The terms of closures, each by itself, against what a step of the core makes of them."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tiny_run

from ocean_gcm.build import build_model
from ocean_gcm.closures.interface import Effects
from ocean_gcm.config import config_from_dict
from ocean_gcm.dynamics.finite_volume.closure_terms import closure_tendencies

TREE = {
    **tiny_run.TREE,
    "surface": {},
    "bathymetry": {"kind": "flat", "depth": 900},  # partial cells
    "dynamics": {**tiny_run.TREE["dynamics"], "tracer_advection": "centred2"},
    "closures": {
        "drag": {"kind": "bottom_drag", "linear": 1e-3},
        "eddies": {"kind": "gent_mcwilliams_redi"},
        "harmonic": {"kind": "harmonic_viscosity", "viscosity": 1e6},
        "biharmonic": {"kind": "biharmonic_viscosity", "viscosity": 1e17},
        "background": {"kind": "background_mixing", "viscosity": 1e-2, "diffusivity": 1e-3},
        "learned": {
            "kind": "neural_tendencies",
            "features": ["temperature", "coriolis", "mask"],
            "horizontal_fluxes": True,
            "surface_fluxes": True,
            "network": {"architecture": "convolution", "width": 4, "blocks": 1},
        },
    },
    "time": {"step": "PT60S"},
}
MEMBERS = [field.name for field in dataclasses.fields(Effects) if field.name != "potential_vorticity_source"]
FIELDS = ("u", "v", "temperature", "salinity", "sea_surface_height")


@pytest.fixture(scope="module")
def terms():
    """By the name of a member of `Effects`: (what the terms give, what a step adds), fields per second."""
    model = build_model(config_from_dict(TREE))
    kernel = model.closures.learned.tower.decoder.kernel
    kernel[...] = jax.random.normal(jax.random.key(1), kernel[...].shape, kernel[...].dtype)
    start, core, keys = model.initial_state(), model.core, jax.random.split(jax.random.key(2), 5)
    noise = {name: jax.random.normal(k, getattr(start.ocean, name).shape) for name, k in zip(FIELDS, keys, strict=True)}
    sizes = {"u": 0.1, "v": 0.1, "temperature": 0.1, "salinity": 0.1, "sea_surface_height": 0.0}
    rough = {name: getattr(start.ocean, name) + sizes[name] * x for name, x in noise.items()}
    ocean = core.cleaned(model.grid_arrays, dataclasses.replace(start.ocean, **rough), model.dtype)

    @jax.jit
    def found(ocean, factors):
        static, surface = model.metrics(), model.forcing.at(start.time)
        prepared = core.prepare(static, ocean)
        columns = core.columns(static, prepared, surface, model.time_step)
        effects = Effects()
        for name, closure in model.closures.items():
            effects = effects + closure(columns, start.closures[name], jax.random.key(0))[0]
        chosen = {
            name: jax.tree.map(lambda x, f=factors[n]: x * f, getattr(effects, name)) for n, name in enumerate(MEMBERS)
        }
        after, _, _ = core.advance(static, prepared, start.stepper, Effects(**chosen), surface)
        return closure_tendencies(static, core.numerics, prepared, Effects(**chosen)), after

    none = found(ocean, jnp.zeros(len(MEMBERS)))
    result = {"nothing": (none[0], jax.tree.map(jnp.zeros_like, ocean))}
    for n, name in enumerate(MEMBERS):
        given, after = found(ocean, jnp.zeros(len(MEMBERS)).at[n].set(1.0))
        result[name] = given, jax.tree.map(lambda a, b: (a - b) / model.time_step, after, none[1])
    return result


@pytest.mark.parametrize("name", MEMBERS)
def test_a_term_is_what_a_step_adds(terms, name):
    given, added = terms[name]
    sizes = {}
    for field in FIELDS:
        own, wanted = np.asarray(getattr(given, field)), np.asarray(getattr(added, field))
        sizes[field] = np.abs(own).max()
        if sizes[field]:
            np.testing.assert_allclose(own, wanted, atol=0.02 * np.abs(wanted).max(), err_msg=field)
    moves_tracers = name in ("tracer_tendencies", "tracer_fluxes", "vertical_diffusivity", "eddy_streamfunction")
    moves_tracers = moves_tracers or name == "isoneutral_diffusion"
    assert (sizes["temperature"] > 0) == moves_tracers and (sizes["salinity"] > 0) == moves_tracers
    assert (max(sizes["u"], sizes["v"]) > 0) != moves_tracers and sizes["sea_surface_height"] == 0


def test_nothing_changes_nothing(terms):
    for field in FIELDS:
        assert not np.asarray(getattr(terms["nothing"][0], field)).any()
