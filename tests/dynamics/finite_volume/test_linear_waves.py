"""Linear waves against the derivatives of a step of the core."""

import dataclasses

import jax
import numpy as np
import tiny_run

from ocean_gcm.build import build_model
from ocean_gcm.closures.interface import Effects
from ocean_gcm.config import config_from_dict
from ocean_gcm.dynamics.finite_volume.linear_waves import wave_step

TREE = {
    **tiny_run.TREE,
    "surface": {},
    "bathymetry": {"kind": "flat", "depth": 900},  # partial cells
    "dynamics": {**tiny_run.TREE["dynamics"], "tracer_advection": "centred2"},
    "closures": {},
}
SIZES = {"u": 0.1, "v": 0.1, "temperature": 0.1, "salinity": 0.1, "sea_surface_height": 0.1}


def test_about_rest_they_are_the_step():
    """Nothing else is linear in a change of a state of rest whose stratification is the same everywhere."""
    model = build_model(config_from_dict(TREE))
    saltier = 34.0 + np.linspace(0, 1, model.grid.shape[0])[:, None, None] + np.zeros(model.grid.shape)
    core, start = model.core, model.initial_state(fields={"salinity": saltier})
    keys = jax.random.split(jax.random.key(2), len(SIZES))
    noise = {
        name: size * jax.random.normal(key, getattr(start.ocean, name).shape)
        for key, (name, size) in zip(keys, SIZES.items(), strict=True)
    }
    change = core.cleaned(model.grid_arrays, dataclasses.replace(start.ocean, **noise), model.dtype)

    @jax.jit
    def derivatives(change):
        static, surface = model.metrics(), model.forcing.at(start.time)

        def step(fields):
            return core.advance(static, core.prepare(static, fields), start.stepper, Effects(), surface)[0]

        def waves(fields):
            nothing = jax.tree.map(lambda x: 0.0 * x, start.ocean)
            return wave_step(static, core.numerics, core.prepare(static, start.ocean), fields, nothing)

        return [jax.jvp(function, (start.ocean,), (change,))[1] for function in (step, waves)]

    whole, waves = derivatives(change)
    for name in SIZES:
        before, wanted, found = (np.asarray(getattr(x, name)) for x in (change, whole, waves))
        assert np.abs(wanted - before).max() > 0.01 * SIZES[name], name
        # held layers: in a step they move a little with the surface
        np.testing.assert_allclose(found, wanted, atol=5e-3 * np.abs(before).max(), err_msg=name)
