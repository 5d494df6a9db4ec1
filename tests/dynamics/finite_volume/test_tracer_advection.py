"""Advection of tracers: constants, content, extrema, and the order of the schemes."""

import functools

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from eval.verification.finding import orders
from eval.verification.tracer_convergence import turn
from ocean_gcm.dynamics.finite_volume.tracer_advection import SCHEMES, advect
from ocean_gcm.grid import geometry
from ocean_gcm.grid.field import Field
from ocean_gcm.grid.grid import build_grid
from ocean_gcm.grid.levels import Levels
from ocean_gcm.grid.metrics import device_arrays, padded
from ocean_gcm.grid.topology import Topology

NZ, NY, NX, HALO = 4, 6, 8, 3
TOPOLOGY = Topology(periodic_x=True)
SHAPE = geometry.sphere(np.linspace(0, 80, NX + 1), np.linspace(-40, 70, NY + 1), TOPOLOGY)
LAYERS = Levels(np.array([50.0, 150.0, 300.0, 500.0]))


def ocean(rng):
    """Random coasts and partial cells."""
    depth = rng.uniform(40.0, 1200.0, size=(NY, NX)) * (rng.random((NY, NX)) > rng.uniform(0, 0.5))
    return build_grid(SHAPE, LAYERS, depth, minimum_levels=1)


def random_transports(rng, grid, leaving):
    """Divergent fluxes (m3 s-1) through all wet faces such that within 1 s no cell loses more than `leaving`."""
    sparse = lambda: rng.normal(size=grid.shape) * (rng.random(grid.shape) < rng.uniform(0.2, 1))  # noqa: E731
    x, y = sparse() * grid.mask_u, sparse() * grid.mask_v
    up = sparse() * (grid.mask & np.concatenate([0 * grid.mask[:1], grid.mask[:-1]]))
    south = np.concatenate([np.zeros_like(y[:, :1]), y[:, :-1]], 1)
    below = np.concatenate([up[1:], 0 * up[:1]])
    out = np.maximum(x, 0) - np.minimum(np.roll(x, 1, 2), 0) + np.maximum(y, 0) - np.minimum(south, 0)
    out = (out + np.maximum(up, 0) - np.minimum(below, 0))[grid.mask]
    factor = leaving * (grid.volume[grid.mask] / np.maximum(out, 1e-30)).min() if grid.mask.any() else 0.0
    return tuple(factor * f for f in (x, y, up))


@functools.cache
def carry(name):
    """A jitted step of 1 s: (new tracer, new volume), arrays of the interior; coasts are data, so one compilation."""

    @jax.jit
    def run(arrays, tracer, x, y, up):
        m = padded(arrays, TOPOLOGY, HALO)
        field = lambda a, place: Field(TOPOLOGY.pad(a, HALO), place, "c", -HALO, -HALO)  # noqa: E731
        change, volume = advect(
            m,
            SCHEMES[name],
            {"tracer": field(tracer, "T")},
            m.thickness_t * m.area_t,
            field(x, "U"),
            field(y, "V"),
            Field(up, "T", "w", 0, 0),
            1.0,
        )
        return tracer + change["tracer"].interior(NY, NX), volume.interior(NY, NX)

    return run


def step(name, grid, tracer, transports):
    arrays = device_arrays(grid, jnp.float64)
    return tuple(map(np.asarray, carry(name)(arrays, *map(jnp.asarray, (tracer, *transports)))))


@pytest.mark.parametrize("name", SCHEMES)
def test_a_constant_stays_and_content_is_kept(name):
    rng = np.random.default_rng(1)
    grid = ocean(rng)
    transports = random_transports(rng, grid, 0.95)
    new, volume = step(name, grid, 34.567 * grid.mask, transports)
    assert np.abs(new[grid.mask] - 34.567).max() == 0.0
    tracer = rng.normal(size=grid.shape) * grid.mask
    new, volume = step(name, grid, tracer, transports)
    assert (new * volume).sum() == pytest.approx((tracer * grid.volume).sum(), abs=1e-14 * grid.volume.sum())
    assert volume.sum() == pytest.approx(grid.volume.sum(), rel=1e-13)


TRACERS = {
    "noise": lambda rng, shape: rng.normal(size=shape),
    "two values": lambda rng, shape: (rng.random(shape) < rng.uniform(0.1, 0.9)).astype(float),
    "one cell": lambda rng, shape: (np.arange(np.prod(shape)) == rng.integers(np.prod(shape))).reshape(shape) * 1.0,
    "smooth": lambda rng, shape: np.cumsum(np.abs(rng.normal(size=shape)), 2) * 1e3,
}


@pytest.mark.parametrize("name", [name for name, scheme in SCHEMES.items() if scheme.limited])
@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), leaving=st.floats(0.01, 0.999), kind=st.sampled_from(sorted(TRACERS)))
def test_no_new_extremum(name, seed, leaving, kind):
    """Any divergent flow in which no cell loses all of its water within the step, any coasts: every new value lies
    between the old ones of the cell and of those that may reach it (one cell further in each direction)."""
    rng = np.random.default_rng(seed)
    grid = ocean(rng)
    tracer = TRACERS[kind](rng, grid.shape)
    new, _ = step(name, grid, tracer * grid.mask, random_transports(rng, grid, leaving))
    for sign in (1.0, -1.0):
        a = np.where(grid.mask, sign * tracer, -np.inf)
        for axis in (2, 1, 0):
            neighbours = [a, np.roll(a, 1, axis), np.roll(a, -1, axis)]
            if axis < 2:
                first, last = [slice(None)] * 3, [slice(None)] * 3
                first[axis], last[axis] = 0, -1
                neighbours[1][tuple(first)], neighbours[2][tuple(last)] = -np.inf, -np.inf
            a = np.where(grid.mask, np.max(neighbours, 0), -np.inf)
        excess = np.where(grid.mask, sign * new - a, 0.0).max()
        assert excess <= 1e-13 * np.abs(tracer).max()


def test_schemes_without_limiter_overshoot():
    """The test above can tell."""
    rng = np.random.default_rng(0)
    grid = ocean(rng)
    tracer = TRACERS["two values"](rng, grid.shape)
    new, _ = step("upwind3", grid, tracer * grid.mask, random_transports(rng, grid, 0.9))
    assert new[grid.mask].max() > 1.01 or new[grid.mask].min() < -0.01


def test_gradients_are_finite_and_right():
    """Where the limiter has corners, at land and at rest, too."""
    rng = np.random.default_rng(5)
    grid = ocean(rng)
    transports = random_transports(rng, grid, 0.5)
    arrays, weight = device_arrays(grid, jnp.float64), rng.normal(size=grid.shape)

    @jax.jit
    @functools.partial(jax.value_and_grad, argnums=(0, 1))
    def loss(tracer, scale):
        moved = (jnp.asarray(f) * scale for f in transports)
        return jnp.sum(weight * carry("upwind3_limited")(arrays, tracer, *moved)[0] ** 2)

    def finite(tracer, scale, direction, size=1e-6):
        ahead, back = (loss(tracer + s * size * direction[0], scale + s * size * direction[1])[0] for s in (1, -1))
        return float(ahead - back) / (2 * size)

    tracer = jnp.asarray(rng.normal(size=grid.shape) * grid.mask)
    direction = jnp.asarray(rng.normal(size=grid.shape) * grid.mask)
    _, (gradient, by_scale) = loss(tracer, 1.0)
    assert float(jnp.sum(gradient * direction)) == pytest.approx(finite(tracer, 1.0, (direction, 0.0)), rel=1e-6)
    assert float(by_scale) == pytest.approx(finite(tracer, 1.0, (0.0 * direction, 1.0)), rel=1e-6)
    for still in (jnp.zeros(grid.shape), tracer):
        assert all(bool(jnp.all(jnp.isfinite(g))) for g in loss(still, 0.0)[1])


@pytest.mark.parametrize("tilt", [0.0, 30.0])
def test_order_of_solid_body_rotation(tilt):
    """A smooth hill once around the sphere, at 5 and 2.5 degrees."""
    expected = {"centred2": 1.5, "upwind3": 2.4, "upwind3_limited": 2.2, "upwind5_limited": 2.1}
    (coarse, _), (fine, ranges) = (turn(nx, tuple(SCHEMES), tilt) for nx in (72, 144))
    for name, lowest in expected.items():
        (order,) = orders([coarse[name], fine[name]])
        assert order > lowest, f"{name}: {order:.2f}"
        if SCHEMES[name].limited:
            assert -1e-15 <= ranges[name][0] and ranges[name][1] <= 1.0 + 1e-15
    assert fine["upwind5_limited"] < fine["upwind3_limited"] < 0.2 * fine["centred2"]
