"""Small quasi-geostrophic cores for tests, and runs of them without a model."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from ocean_gcm.closures.interface import Effects
from ocean_gcm.dynamics.spectral.config import QuasiGeostrophicConfig
from ocean_gcm.dynamics.spectral.core import QuasiGeostrophy
from ocean_gcm.dynamics.spectral.grid import PeriodicGrid

EDDY = {
    "layers": {"thickness": [500, 2000], "deformation_radius": 15e3},
    "beta": 1.5e-11,
    "zonal_flow": [0.025, 0.0],
    "bottom_drag": 5.787e-7,
}
"""Default parameters of pyqg's two layers, the "eddy" configuration of Ross et al. (2023)."""
JET = {
    "layers": {"thickness": [500, 5000], "deformation_radius": 15e3},
    "beta": 1e-11,
    "zonal_flow": [0.025, 0.0],
    "bottom_drag": 7e-8,
}
"""Their "jet" configuration."""


def core(number=16, length=1e6, time_step=7200.0, **keys):
    """A core on a square of `number` cells; keys are those of the section dynamics."""
    config = QuasiGeostrophicConfig.model_validate({"core": "quasi_geostrophic", **keys})
    return QuasiGeostrophy(
        PeriodicGrid((len(config.layers.thickness), number, number), (length, length)), config, time_step
    )


def run(core, q, steps):
    """Potential vorticity after `steps` steps, float64."""
    fields = core.fields({"potential_vorticity": q}, jnp.float64)
    return np.asarray(_run(core, jnp.int32(steps), core.arrays(jnp.float64), fields))


@functools.partial(jax.jit, static_argnums=0)
def _run(core, steps, arrays, fields):
    static = core.static(arrays)

    def body(_, carry):
        fields, stepper = carry
        return core.advance(static, core.prepare(static, fields), stepper, Effects(), None)[:2]

    return jax.lax.fori_loop(0, steps, body, (fields, core.first_stepper(fields, None)))[0].potential_vorticity


def energy_and_enstrophy(core, q):
    """Mean energy per mass and half of the mean square of q, weighted with thickness."""
    from ocean_gcm.dynamics.spectral.inversion import inversion_matrices

    psi_hat = np.einsum("ijlk,jlk->ilk", inversion_matrices(core.grid, core.stretching), np.fft.rfft2(q))
    psi = np.fft.irfft2(psi_hat, s=q.shape[1:])
    weight = (core.thickness / core.thickness.sum())[:, None, None]
    return -0.5 * (weight * psi * q).sum(0).mean(), 0.5 * (weight * q * q).sum(0).mean()
