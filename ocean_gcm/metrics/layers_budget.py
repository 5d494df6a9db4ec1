r"""Where the energy of layers comes from and goes to, ring by ring of wavenumbers.

With weights w_i = H_i/H the energy per mass is E = -1/2 sum_i w_i <psi_i q_i>, kinetic by the part of q that is
relative vorticity, available potential by that of stretching, S psi.  Its rate of change -sum_i w_i <psi_i dq_i/dt> is
the sum of

    kinetic_transfer       sum_i w_i <psi_i J(psi_i, nabla^2 psi_i)>      moved between scales, "KEflux" of pyqg
    potential_transfer     sum_i w_i <psi_i J(psi_i, (S psi)_i)>          "APEflux"
    floor                  w_N <psi_N (J(psi_N, b_N) + U_N db_N/dx)>      by the sea floor, where there is one
    generation             sum_i w_i U_i <psi_i d(S psi)_i/dx>            from the background's shear, "APEgenspec"
    friction               -w_N r <|nabla psi_N|^2>                       "KEfrictionspec"
    viscosity              sum_i w_i <psi_i lambda q_i>
    closures               -sum_i w_i <psi_i s_i>, s the sources of closures ("paramspec")

The transfers sum to zero over rings.  What the exponential filter takes after each step is no tendency and has no
part in it.
Products are taken on 3/2 as many points, so that nothing is aliased.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from ocean_gcm.dynamics.spectral import advection, inversion
from ocean_gcm.dynamics.spectral.core import QuasiGeostrophy
from ocean_gcm.metrics.isotropic import ring_sums


def energy_budget(core: QuasiGeostrophy, q: jax.Array, source: jax.Array | None = None) -> dict[str, jax.Array]:
    """Terms by name, (..., rings) in m2 s-3, of potential vorticity (..., nz, ny, nx) without the background's.

    source: what closures add to dq/dt, s-2, like q; its share is also given in parts, `closures_kinetic` and
    `closures_potential`.
    """
    grid, static = core.grid, core.static(core.arrays(q.dtype))
    weight = jnp.asarray(core.thickness / core.thickness.sum(), q.dtype)[:, None, None]
    stretching = jnp.asarray(core.stretching, q.dtype)[:, :, None, None]
    kappa_squared = static.k**2 + static.l**2

    def total(first: jax.Array, second: jax.Array) -> jax.Array:
        return ring_sums(grid, (weight * jnp.conj(first) * second).sum(-3))

    q_hat = grid.to_spectral(q) * static.resolved
    psi = inversion.apply_layers(static.inversion, q_hat)
    relative, stretched = -kappa_squared * psi, inversion.apply_layers(stretching, psi)
    terms = {
        "kinetic_transfer": total(psi, _jacobian(static, psi, relative, grid.shape[1:])),
        "potential_transfer": total(psi, _jacobian(static, psi, stretched, grid.shape[1:])),
        "generation": total(psi, static.flow * 1j * static.k * stretched),
        "viscosity": total(psi, static.rate * q_hat),
    }
    if static.drag is not None:
        terms["friction"] = -total(psi, static.drag * psi)
    if static.floor is not None:
        floor = jnp.zeros_like(q_hat).at[..., -1, :, :].set(grid.to_spectral(static.floor) * static.resolved)
        moved = _jacobian(static, psi, floor, grid.shape[1:]) + static.flow * 1j * static.k * floor
        terms["floor"] = total(psi, moved)
    if source is not None:
        source_hat = grid.to_spectral(source) * static.resolved
        change = inversion.apply_layers(static.inversion, source_hat)
        terms["closures"] = -total(psi, source_hat)
        terms["closures_kinetic"] = total(psi, kappa_squared * change)
        terms["closures_potential"] = terms["closures"] - terms["closures_kinetic"]
    return terms


def _jacobian(static, psi: jax.Array, q: jax.Array, shape: tuple[int, int]) -> jax.Array:
    """Coefficients of J(psi, q) = div(u q)."""
    u, v = inversion.velocity(static.k, static.l, psi)
    q, u, v = (advection.to_fine(field * static.resolved, shape) for field in (q, u, v))
    flux_x, flux_y = (advection.from_fine(flux, shape) for flux in (u * q, v * q))
    return advection.flux_divergence(static.k, static.l, flux_x, flux_y) * static.resolved
