"""Learned tendencies: what they conserve, what they cannot see, how large they get."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

EVERYTHING = {"momentum": "stress", "horizontal_fluxes": True, "surface_fluxes": True, "bottom_fluxes": True}
NEIGHBOURS = {"network": {"width": 8, "neighbourhood": True}}
CONVOLUTION = {"network": {"width": 8, "architecture": "convolution", "blocks": 3}}
ALL_FEATURES = (
    "velocity temperature salinity stratification shear_squared vorticity divergence strain slope temperature_gradient "
    "salinity_gradient sea_surface_height sea_surface_gradient stress heat_flux freshwater_flux temperature_restoring "
    "salinity_restoring coriolis column_depth thickness mask season"
).split()


def outflow(sea, fluxes):
    """Brute force: what leaves each cell through its six faces."""
    nz, ny, nx = sea.grid.shape
    total = np.zeros(sea.grid.shape)
    along_x, along_y, upward = fluxes
    for k in range(nz):
        for j in range(ny):
            for i in range(nx):
                if along_x is not None:
                    total[k, j, i] += float(along_x.window(j, j + 1, i, i + 1)[k, 0, 0])
                    total[k, j, i] -= float(along_x.window(j, j + 1, i - 1, i)[k, 0, 0])
                    total[k, j, i] += float(along_y.window(j, j + 1, i, i + 1)[k, 0, 0])
                    total[k, j, i] -= float(along_y.window(j - 1, j, i, i + 1)[k, 0, 0])
                upward_here = np.asarray(upward.interior(ny, nx))[:, j, i]
                total[k, j, i] += upward_here[k] - (upward_here[k + 1] if k + 1 < nz else 0.0)
    return total


def test_starts_as_nothing(sphere):
    effects = sphere.effects(sphere.closure(**EVERYTHING), sphere.random())
    leaves = jax.tree.leaves(effects)
    # momentum, the three fluxes and the boundary tendency of each tracer
    assert len(leaves) == 2 + 2 * 3 + 2
    assert all(not np.any(leaf) for leaf in leaves)


@pytest.mark.parametrize("lateral", [False, True])
def test_heat_and_salt_stay_in_the_sea(plane, lateral):
    closure = plane.closure(seed=1, horizontal_fluxes=lateral)
    effects = plane.effects(closure, plane.random())
    assert effects.tracer_tendencies is None and set(effects.tracer_fluxes) == {"temperature", "salinity"}
    for fluxes in effects.tracer_fluxes.values():
        assert (fluxes[0] is None) == (not lateral)
        leaving = outflow(plane, fluxes)
        assert np.abs(leaving).max() > 0 and not leaving[~plane.grid.mask].any()
        # every column for itself without lateral fluxes, all water together with them
        sums = leaving.sum() if lateral else leaving.sum(0)
        np.testing.assert_allclose(sums, 0.0, atol=1e-13 * np.abs(leaving).sum())


def test_fluxes_vanish_where_water_ends(sphere):
    effects = sphere.effects(sphere.closure(seed=2, horizontal_fluxes=True), sphere.random())
    grid = sphere.grid
    above = np.concatenate([np.zeros_like(grid.mask[:1]), grid.mask[:-1]])
    for fluxes in effects.tracer_fluxes.values():
        for flux, wet in zip(fluxes, (grid.mask_u, grid.mask_v, grid.mask & above), strict=True):
            flux = sphere.interior(flux)
            assert not flux[~wet].any() and flux[wet].all()


def test_boundary_fluxes_enter_the_outer_cells_only(sphere):
    grid = sphere.grid
    for end in ("surface", "bottom"):
        closure = sphere.closure(seed=2, outputs=["temperature"], **{f"{end}_fluxes": True})
        tendency = sphere.interior(sphere.effects(closure, sphere.random()).tracer_tendencies["temperature"])
        levels = np.arange(grid.shape[0])[:, None, None]
        expected = grid.wet & (levels == (0 if end == "surface" else grid.bottom_level))
        np.testing.assert_array_equal(tendency != 0, expected)


@pytest.mark.parametrize("periodic", [(True, True), (False, False), (True, False)])
def test_stress_gives_no_net_momentum(make_sea, plane, periodic):
    """Over steps, partial cells and an island, in a basin or without walls."""
    depth = np.where(plane.grid.depth > 0, plane.grid.depth, 0.0)
    sea = make_sea(depth, spacing=(1e5, 2e5), periodic=periodic)
    arrays = sea.random()
    effects = sea.effects(sea.closure(seed=3, momentum="stress"), arrays)
    columns = sea.columns(arrays)
    for tendency, h in ((effects.u_tendency, columns.thickness_u), (effects.v_tendency, columns.thickness_v)):
        force = sea.interior(tendency * h)
        assert np.abs(force).max() > 0
        assert abs(force.sum()) < 1e-12 * np.abs(force).sum()


def test_stress_keeps_angular_momentum_on_a_sphere(sphere):
    arrays = sphere.random()
    effects = sphere.effects(sphere.closure(seed=3, momentum="stress"), arrays)
    h, static = sphere.columns(arrays).thickness_u, sphere.static
    torque = sphere.interior(effects.u_tendency * h * static.area_u * static.dx_u)
    assert abs(torque.sum()) < 1e-12 * np.abs(torque).sum()


@pytest.mark.parametrize("size", [1.0, 1e4])
def test_outputs_are_bounded(plane, size):
    clip = 3.0
    closure = plane.closure(seed=4, size=size, clip=clip)
    arrays = plane.random()
    effects = plane.effects(closure, arrays)
    volume = plane.interior(plane.columns(arrays).thickness * plane.static.area_t)
    wet = plane.grid.mask
    for name, scale in (("temperature", 1e-7), ("salinity", 2e-8)):
        tendency = outflow(plane, effects.tracer_fluxes[name])[wet] / volume[wet]
        assert np.abs(tendency).max() <= 2 * clip * scale
    largest = np.abs(plane.interior(effects.u_tendency)).max()
    assert largest <= clip * 1e-7 and (size == 1.0 or largest > 0.9 * clip * 1e-7)


def test_land_has_no_say(sphere):
    """Gradients to values on land and below the sea floor are zero, those to values of the water are not."""
    closure = sphere.closure(seed=5, features=ALL_FEATURES, **EVERYTHING, **CONVOLUTION)
    static = sphere.static

    @jax.jit
    def gradient(arrays):
        def total(arrays):
            effects, _ = closure(sphere.columns(arrays), (), None)
            weigh = lambda f: jnp.sum(jnp.sin(jnp.arange(f.size).reshape(f.shape)) * f)  # noqa: E731
            leaves = [f.interior(*sphere.interior_shape) for f in jax.tree.leaves(effects, is_leaf=is_field)]
            return sum(weigh(x) / (1e-30 + jax.lax.stop_gradient(jnp.max(jnp.abs(x)))) for x in leaves)

        return jax.grad(total)(arrays)

    def is_field(x):
        return hasattr(x, "interior")

    slopes = gradient(sphere.random())
    for name in ("temperature", "salinity", "buoyancy_frequency_squared", "shear_squared", "divergence", "tension"):
        mask = sphere.interior(
            static.mask_w if name in ("buoyancy_frequency_squared", "shear_squared") else static.mask_t
        )
        assert not np.any(np.asarray(slopes[name])[mask == 0]), name
        assert np.count_nonzero(np.asarray(slopes[name])[mask > 0]) > 0.9 * mask.sum(), name
    for name, value in slopes.items():
        assert np.isfinite(value).all() and np.any(value), name
    # at rest, without stratification
    assert all(np.isfinite(x).all() for x in gradient({k: 0 * a for k, a in sphere.random().items()}).values())


@pytest.mark.parametrize("wall", ["straight", "diagonal"])
@pytest.mark.parametrize("settings", [NEIGHBOURS, CONVOLUTION], ids=["neighbours", "convolution"])
def test_nothing_passes_through_land(make_sea, settings, wall):
    """A wall of one cell, also one whose cells touch at their corners only."""
    j, i = np.mgrid[:9, :9]
    side = i - 4 if wall == "straight" else i - j
    sea = make_sea(np.where(side == 0, 0.0, 1000.0), periodic=(False, False))
    closure = sea.closure(seed=6, features=ALL_FEATURES, **EVERYTHING, **settings)
    one, other = sea.random(0), sea.random(1)
    # faces of the wall belong to neither side and are dry
    mixed = {name: jnp.where(side < 0, one[name], other[name]) for name in one}
    first, second = (sea.effects(closure, arrays) for arrays in (one, mixed))
    for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True):
        rows, columns = ((n - 9) // 2 for n in a.shape[-2:])
        a, b = (np.asarray(x)[..., rows : rows + 9, columns : columns + 9] for x in (a, b))
        np.testing.assert_array_equal(np.where(side < 0, a, 0), np.where(side < 0, b, 0))
        assert not np.array_equal(a, b)


def test_random_fields_are_inputs_and_memory(plane):
    class Double:
        """Adds the columns' year fraction to its memory."""

        number = 2

        def initial(self, key):
            return jnp.zeros((2, *plane.interior_shape))

        def step(self, memory, key, columns):
            memory = memory + columns.year_fraction
            static = columns.static
            field = static.surface_mask_t.like(static.topology.pad(memory, static.halo))
            return memory, field * static.surface_mask_t

    from ocean_gcm.closures.neural.tendencies import NeuralTendenciesConfig

    config = NeuralTendenciesConfig(network={"width": 8})
    closure = config.build(plane.grid, plane.dtype, Double())
    from_decoder = closure.tower.decoder
    from_decoder.kernel[...] = jnp.ones_like(from_decoder.kernel[...])
    arrays, memory = plane.random(), closure.initial_memory(plane.grid.shape, plane.dtype)
    step = jax.jit(lambda memory: closure(plane.columns(arrays), memory, jax.random.key(0)))
    first, memory = step(memory)
    second, memory = step(memory)
    np.testing.assert_allclose(memory, 0.4)
    assert not np.array_equal(plane.interior(first.u_tendency), plane.interior(second.u_tendency))


def test_float32(plane):
    sea = type(plane)(plane.grid, jnp.float32)
    closure = sea.closure(seed=1, **EVERYTHING)
    effects = sea.effects(closure, sea.random())
    assert {leaf.dtype for leaf in jax.tree.leaves((effects, closure))} == {jnp.dtype("float32")}
    wide = jax.tree.map(lambda x: x.astype(jnp.float64), closure)  # the initialiser has other numbers in float64
    exact = plane.effects(wide, plane.random())
    for a, b in zip(jax.tree.leaves(effects), jax.tree.leaves(exact), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-4 * np.abs(b).max())


def test_members_are_a_vmap(plane):
    closure, members = plane.closure(seed=1, **EVERYTHING), [plane.random(seed) for seed in range(2)]
    stacked = jax.tree.map(lambda *a: jnp.stack(a), *members)
    together = jax.jit(jax.vmap(lambda a: closure(plane.columns(a), (), None)[0]))(stacked)
    for k, arrays in enumerate(members):
        for a, b in zip(jax.tree.leaves(plane.effects(closure, arrays)), jax.tree.leaves(together), strict=True):
            np.testing.assert_allclose(b[k], a, atol=1e-12 * np.abs(a).max())
