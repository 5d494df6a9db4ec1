"""The Coriolis force does no work; its semi-implicit step is stable at any f dt."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ocean_gcm.dynamics.finite_volume.coriolis import coriolis, semi_implicit
from ocean_gcm.grid.levels import Levels


def test_no_work_on_the_resolved_flow(basin, rng):
    u, v = basin.flow(rng)
    thickness = basin.thickness(basin.surface(rng))
    force = coriolis(basin.static, u, v, thickness.u, thickness.v, basin.inverse_corner(thickness))
    work, scale = basin.work(u, v, thickness, force)
    assert abs(work) < 1e-14 * scale


def stepper(basin, time_step):
    """(u, v) -> (u, v) after one semi-implicit step under the Coriolis force alone, arrays of the interior."""
    nz, ny, nx = basin.shape
    m = basin.static
    thickness = basin.thickness(basin.field(np.zeros((ny, nx)), "T", "s"))
    inverse = basin.inverse_corner(thickness)
    rotate = lambda u, v: coriolis(m, u, v, thickness.u, thickness.v, inverse)  # noqa: E731

    def step(u, v):
        turned = rotate(basin.field(u, "U"), basin.field(v, "V"))
        explicit = [basin.field(f.interior(ny, nx) * time_step, p) for f, p in zip(turned, "UV", strict=True)]
        du, dv = semi_implicit(m, *explicit, rotate, time_step)
        return u + du.interior(ny, nx) * m.mask_u.interior(ny, nx), v + dv.interior(ny, nx) * m.mask_v.interior(ny, nx)

    return jax.jit(step)


@pytest.mark.parametrize("angle", [0.1, 0.5, 1.0, 2.0, 5.0, 10.0])
def test_amplification_is_at_most_one(make_flat, angle):
    """The largest eigenvalue over all wave numbers of a doubly periodic f-plane, f dt from 0.1 to 10."""
    basin = make_flat(ny=5, nx=6)
    step = stepper(basin, angle / 1e-4)
    _, ny, nx = basin.shape
    # the operator commutes with translations: an impulse of u and one of v give the matrix of every wave number
    columns = []
    for component in range(2):
        impulse = np.zeros((2, *basin.shape))
        impulse[component, :, 0, 0] = 1.0
        columns.append([np.fft.fft2(np.asarray(a)[0]) for a in step(*map(jnp.asarray, impulse))])
    matrices = np.moveaxis(np.asarray(columns), (0, 1), (-1, -2))
    largest = np.abs(np.linalg.eigvals(matrices)).max()
    assert largest <= 1.0 + 1e-12


def matrix(basin, angle):
    """The step as a matrix over all wet faces, and the square root of each face's weight in the kinetic energy."""
    step = stepper(basin, angle / 1e-4)
    masks = basin.grid.mask_u, basin.grid.mask_v
    wet = np.concatenate([m.ravel() for m in masks])
    number = masks[0].size
    basis = jnp.asarray(np.eye(2 * number)[wet].reshape(-1, 2, *basin.shape))
    after = jax.vmap(step)(basis[:, 0], basis[:, 1])
    columns = np.concatenate([np.asarray(a).reshape(len(basis), -1) for a in after], 1)[:, wet]
    g = basin.grid.geometry
    volumes = basin.grid.thickness_u * (g.dx["U"] * g.dy["U"]), basin.grid.thickness_v * (g.dx["V"] * g.dy["V"])
    return columns.T, np.sqrt(np.concatenate([v.ravel() for v in volumes])[wet])


@pytest.mark.parametrize("angle", [0.1, 1.0, 10.0])
def test_among_coasts_and_partial_cells(make_rugged, angle):
    """No mode grows, whatever the depths; on an f-plane no flow at all gains energy even for a moment."""
    one = Levels(np.array([1000.0]))
    for kind in ("plane", "sphere"):
        amplification, weight = matrix(make_rugged(kind, ny=5, nx=6, levels=one), angle)
        assert np.abs(np.linalg.eigvals(amplification)).max() <= 1.0 + 1e-12
        if kind == "plane":
            assert np.linalg.norm(amplification * weight[:, None] / weight, 2) <= 1.0 + 1e-12


@pytest.mark.parametrize("angle", [0.1, 0.5, 2.0])
def test_inertial_oscillation_of_a_uniform_flow(make_flat, angle):
    """The speed is kept, and the angle of each step is 2 arctan(f dt / 2)."""
    basin = make_flat(ny=5, nx=6)
    step = stepper(basin, angle / 1e-4)
    flow = jnp.full(basin.shape, 0.3), jnp.full(basin.shape, 0.1)
    before, after = complex(0.3, 0.1), step(*flow)
    after = complex(float(after[0][0, 2, 2]), float(after[1][0, 2, 2]))
    np.testing.assert_allclose(abs(after), abs(before), rtol=1e-13)
    np.testing.assert_allclose(-np.angle(after / before), 2 * np.arctan(angle / 2), rtol=1e-12)
